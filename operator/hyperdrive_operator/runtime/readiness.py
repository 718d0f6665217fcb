"""What must be there before anything starts: an API server that answers, both CRDs, the right to read."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from hyperdrive_operator.api.names import GROUP, VERSION
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import ClusterError, ForbiddenError, UnauthorizedError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS

logger = logging.getLogger(__name__)

# Soon enough for somebody who has just applied the CRDs, and no load for a cluster where nobody ever does.
WAIT_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0)


async def wait_for_cluster(client: KubeClient, namespaces: Sequence[str], on_waiting: Callable[[str], None]) -> None:
    """Return when the operator can do its work. Says what it waits for once, not at each attempt."""
    said, attempt = "", 0
    while problem := await find_problem(client, namespaces):
        on_waiting(problem)
        if problem != said:
            logger.warning(problem)
            said = problem
        await asyncio.sleep(WAIT_SECONDS[min(attempt, len(WAIT_SECONDS) - 1)])
        attempt += 1
    on_waiting("")


async def find_problem(client: KubeClient, namespaces: Sequence[str]) -> str:
    """Say what is missing and what mends it; empty if nothing is."""
    try:
        served = await client.served_resources(GROUP, VERSION)
        missing = [f"{kind.plural}.{GROUP}" for kind in (HYPERDRIVES, HYPERDRIVE_TRIALS) if kind.plural not in served]
        if missing:
            return f"waiting for {' and '.join(missing)}: install the CRDs with `kubectl apply -f crds/`"
        for namespace in namespaces or (None,):
            for kind in (HYPERDRIVES, HYPERDRIVE_TRIALS, JOBS, PODS):
                await client.check_access(kind, namespace)
    except ForbiddenError as error:
        return (
            f"waiting for a permission: {error.message}; grant it as manifests/install.yaml does, "
            "or name the namespaces you may use with --namespaces"
        )
    except UnauthorizedError as error:
        return f"waiting for credentials that {client.server} accepts: {error}; renew those of the kubeconfig"
    except ClusterError as error:
        return f"waiting for the API server {client.server}: {error}"
    return ""

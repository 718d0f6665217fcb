"""What must be there before anything starts: an API server that answers, both CRDs, the right to read."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from hyperdrive_operator.api.names import GROUP, VERSION
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import ClusterError, ForbiddenError, NotFoundError, UnauthorizedError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, LEASES, PODS

from .config import LeaseName

logger = logging.getLogger(__name__)

# Soon enough for somebody who has just applied the CRDs, and no load for a cluster where nobody ever does.
WAIT_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
# A line for whoever looks at the end of the log only.
REPEAT_SECONDS: Final = 300.0


async def wait_for_cluster(
    client: KubeClient, namespaces: Sequence[str], lease: LeaseName | None, on_waiting: Callable[[str], None]
) -> None:
    """Return when the operator can do its work. Says what it waits for once, and rarely again, not at each attempt."""
    loop = asyncio.get_running_loop()
    said, repeat_at, attempt = "", 0.0, 0
    while problem := await find_problem(client, namespaces, lease):
        on_waiting(problem)
        if problem != said or loop.time() >= repeat_at:
            logger.warning(problem)
            said, repeat_at = problem, loop.time() + REPEAT_SECONDS
        await asyncio.sleep(WAIT_SECONDS[min(attempt, len(WAIT_SECONDS) - 1)])
        attempt += 1
    if said:
        logger.info("all that was missing is there")
    on_waiting("")


async def find_problem(client: KubeClient, namespaces: Sequence[str], lease: LeaseName | None = None) -> str:
    """Say what is missing and what mends it; empty if nothing is."""
    try:
        served = await client.served_resources(GROUP, VERSION)
        missing = [f"{kind.plural}.{GROUP}" for kind in (HYPERDRIVES, HYPERDRIVE_TRIALS) if kind.plural not in served]
        if missing:
            return f"waiting for {' and '.join(missing)}: install the CRDs with `kubectl apply -f crds/`"
        for namespace in namespaces or (None,):
            for kind in (HYPERDRIVES, HYPERDRIVE_TRIALS, JOBS, PODS):
                await client.check_access(kind, namespace)
        if lease is not None:
            with suppress(NotFoundError):
                await client.get(LEASES, lease.namespace, lease.name)
    except ForbiddenError as error:
        without = "do without it with --leader-elect=off"
        if "leases" not in error.message:
            without = "name the namespaces you may use with --namespaces"
        return f"waiting for a permission: {error.message}; grant it as manifests/install.yaml does, or {without}"
    except UnauthorizedError as error:
        return f"waiting for credentials that {client.server} accepts: {error}; renew those of the kubeconfig"
    except ClusterError as error:
        return f"waiting for the API server {client.server}: {error}"
    return ""

"""The two clusters: what is made on them before the first fault, and taken away after the last."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hyperdrive_local.embedded import EmbeddedCluster

from .server import NOT_FOUND, Object, RefusedError, Server, wait_until

ROOT = Path(__file__).parents[2]
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAMESPACES = "/api/v1/namespaces"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
#: Namespace, account, role and binding of the operator on a real cluster.
OWN = "hyperdrive-chaos"
GONE_SECONDS = 60
#: A namespace with a sweep in it takes longer, and more so on a busy machine: the CRDs may go at the same time.
NAMESPACE_GONE_SECONDS = 240


@dataclass
class World:
    """A cluster. `server` is its owner's way in, `operators` that of the operator (by way of the proxy)."""

    server: Server
    operators: Server
    is_real: bool
    embedded: EmbeddedCluster | None = None

    async def make_namespace(self, name: str) -> None:
        """Create a namespace, once that of a run before is gone, and wait until pods can be created in it."""
        await wait_until(lambda: self._is_free(name), NAMESPACE_GONE_SECONDS, f"the namespace {name} of before is gone")
        await self.server.create(NAMESPACES, {"metadata": {"name": name}})
        if self.is_real:
            account = f"{NAMESPACES}/{name}/serviceaccounts/default"
            await wait_until(lambda: self.exists(account), GONE_SECONDS, f"{account} is there")

    async def remove_namespace(self, name: str) -> None:
        """Delete a namespace and all that is in it."""
        await self.server.delete(f"{NAMESPACES}/{name}")

    async def _is_free(self, name: str) -> bool:
        """Tell whether a name can be used. Waiting for a namespace that nobody deletes would be in vain."""
        try:
            namespace = await self.server.get(f"{NAMESPACES}/{name}")
        except RefusedError as error:
            if error.status == NOT_FOUND:
                return True
            raise
        if not namespace["metadata"].get("deletionTimestamp"):
            raise AssertionError(f"there is a namespace {name}, maybe of a run that was killed: delete it first")
        return False

    async def exists(self, path: str) -> bool:
        """Tell whether there is such an object."""
        try:
            await self.server.get(path)
        except RefusedError as error:
            if error.status == NOT_FOUND:
                return False
            raise
        return True

    async def install_crds(self) -> None:
        """Create the CRDs and wait until they are served."""
        for crd in crds():
            await self.server.create(CRDS, crd)
        for crd in crds():
            path = f"/apis/hyperdrive.dev/v1alpha1/{crd['spec']['names']['plural']}"
            await wait_until(lambda path=path: self.exists(path), GONE_SECONDS, f"{path} is served")

    async def remove_crds(self) -> None:
        """Delete the CRDs, and with them every sweep; wait until they are gone."""
        for crd in crds():
            await self.server.delete(f"{CRDS}/{crd['metadata']['name']}")
        for crd in crds():
            path = f"{CRDS}/{crd['metadata']['name']}"
            await wait_until(lambda path=path: self._is_gone(path), GONE_SECONDS, f"{path} is gone")

    async def _is_gone(self, path: str) -> bool:
        return not await self.exists(path)

    async def grant(self) -> None:
        """Let the operator's account do what manifests/install.yaml lets it."""
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": OWN}
        subject = {"kind": "ServiceAccount", "name": OWN, "namespace": OWN}
        await self.server.create(BINDINGS, {"metadata": {"name": OWN}, "roleRef": role, "subjects": [subject]})

    async def revoke(self) -> None:
        """Take all permissions away."""
        await self.server.delete(f"{BINDINGS}/{OWN}")


def crds() -> list[Object]:
    """Return the CRDs."""
    return [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]


@asynccontextmanager
async def embedded_world(folder: Path) -> AsyncIterator[World]:
    """Start an embedded cluster."""
    cluster = EmbeddedCluster(folder / "cluster")
    await asyncio.to_thread(cluster.__enter__)
    server = Server(cluster.kubeconfig)
    try:
        world = World(server, server, is_real=False, embedded=cluster)
        await world.install_crds()
        yield world
    finally:
        await server.close()
        await asyncio.to_thread(cluster.__exit__, None, None, None)


@asynccontextmanager
async def real_world(kubeconfig: Path) -> AsyncIterator[World]:
    """Use a real cluster on which there are no CRDs of ours: an operator of somebody's would join in."""
    server = Server(kubeconfig)
    try:
        world = World(server, server, is_real=True)
        if await world.exists(f"{CRDS}/{crds()[0]['metadata']['name']}"):
            raise SystemExit("the cluster has HyperDrive's CRDs already: chaos would delete what they hold")
        try:
            await world.install_crds()
            world.operators = Server(kubeconfig, token=await _make_account(world))
            yield world
        finally:
            await _remove_everything(world)
    finally:
        await server.close()


async def _make_account(world: World) -> str:
    """Make the operator's account with the rights of manifests/install.yaml; return a token of it."""
    server = world.server
    await world.make_namespace(OWN)
    path = f"{NAMESPACES}/{OWN}/serviceaccounts"
    await server.create(path, {"metadata": {"name": OWN}})
    documents: list[Any] = list(yaml.safe_load_all((ROOT / "manifests" / "install.yaml").read_text()))
    role = next(document for document in documents if document["kind"] == "ClusterRole")
    await server.create(ROLES, {"metadata": {"name": OWN}, "rules": role["rules"]})
    await world.grant()
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    return str((await server.create(f"{path}/{OWN}/token", request))["status"]["token"])


async def _remove_everything(world: World) -> None:
    if world.operators is not world.server:
        await world.operators.close()
    await world.remove_crds()
    await world.revoke()
    await world.server.delete(f"{ROLES}/{OWN}")
    await world.remove_namespace(OWN)

"""Our CRDs under a group of a test's own, since the real cluster may hold sweeps that are in use."""

import copy
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from tests.contract.client import Api, Reply, eventually

from hyperdrive_local.schema import StructuralSchema

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GENERATED = Path(__file__).parents[2] / "crds"

Object = dict[str, Any]


class Served:
    """One of our CRDs, by its plural."""

    def __init__(self, api: Api, namespace: str, plural: str) -> None:
        group = f"h{secrets.token_hex(4)}.example.com"
        self.definition = yaml.safe_load((GENERATED / f"{plural}.yaml").read_text())
        self.definition["metadata"]["name"] = f"{plural}.{group}"
        self.definition["spec"]["group"] = group
        # two kinds of one name would quarrel over these
        self.definition["spec"]["names"].pop("shortNames", None)
        version = self.definition["spec"]["versions"][0]
        self.schema = StructuralSchema(version["schema"]["openAPIV3Schema"])
        self.version = f"{group}/{version['name']}"
        self.path = f"/apis/{self.version}/namespaces/{namespace}/{plural}"
        self.api = api

    def as_ours(self, manifest: Object) -> Object:
        """Return a manifest under the test's group."""
        return {**copy.deepcopy(manifest), "apiVersion": self.version}

    async def create(self, manifest: Object, **query: str) -> Reply:
        """Ask the server to create it."""
        return await self.api.post(self.path, self.as_ours(manifest), **query)

    def errors(self, manifest: Object, old: Object | None = None) -> set[tuple[str, str, str]]:
        """Field, reason and message of what our schema says is wrong."""
        obj = self.as_ours(manifest)
        self.schema.prune(obj)
        self.schema.default(obj)
        return {(error.path, error.reason, error.body) for error in self.schema.validate(obj, old)}


@asynccontextmanager
async def served(api: Api, namespace: str, plural: str, good: Object) -> AsyncIterator[Served]:
    """Install a CRD until it is no longer needed. `good` is an object that it takes."""
    installed = Served(api, namespace, plural)
    await api.made(CRDS, installed.definition)

    async def is_served() -> bool:
        return (await installed.create(good, dryRun="All")).code == 201

    await eventually(is_served)
    yield installed
    await api.delete(f"{CRDS}/{installed.definition['metadata']['name']}")


def causes(reply: Reply) -> set[tuple[str, str, str]]:
    """Return field, reason and message of what a server says is wrong."""
    found = reply.body.get("details", {}).get("causes", []) if reply.code == 422 else []
    return {(cause["field"], cause["reason"], cause["message"]) for cause in found}

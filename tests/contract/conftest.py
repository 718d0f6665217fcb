"""One suite for two servers: the embedded one always, a real one where HYPERDRIVE_TEST_KUBECONFIG names it."""

import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.contract.client import Api, eventually

from hyperdrive_local.registry import Registry
from hyperdrive_local.server import ApiServer

REAL = os.environ.get("HYPERDRIVE_TEST_KUBECONFIG", "")


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.cluster)])
async def api(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Api]:
    """A client of each server."""
    if request.param == "real":
        if not REAL:
            pytest.skip("HYPERDRIVE_TEST_KUBECONFIG names no real API server to compare with")
        client = Api(Path(REAL))
        yield client
        await client.close()
        return
    registry = Registry()
    # a server that has run for a while no longer knows its first changes
    registry.store.forget_changes()
    server = ApiServer(registry, token=secrets.token_hex())
    await server.start()
    server.write_kubeconfig(tmp_path / "kubeconfig")
    client = Api(tmp_path / "kubeconfig")
    yield client
    await client.close()
    await server.stop()


@pytest.fixture
async def namespace(api: Api) -> AsyncIterator[str]:
    """A namespace of the test's own."""
    name = f"contract-{secrets.token_hex(4)}"
    await api.made("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    await api.delete(f"/api/v1/namespaces/{name}")


@dataclass(frozen=True)
class Widgets:
    """A custom resource of the test's own."""

    group: str
    namespace: str

    @property
    def resource(self) -> str:
        """What kubectl is to call it: others may have widgets too."""
        return f"widgets.{self.group}"

    @property
    def path(self) -> str:
        """The collection in the test's namespace."""
        return f"/apis/{self.group}/v1/namespaces/{self.namespace}/widgets"

    def at(self, name: str) -> str:
        """One object."""
        return f"{self.path}/{name}"

    def widget(self, name: str = "", *, size: Any = 1, **metadata: Any) -> dict[str, Any]:
        """An object, not yet created."""
        return {
            "apiVersion": f"{self.group}/v1",
            "kind": "Widget",
            "metadata": ({"name": name} if name else {}) | metadata,
            "spec": {"size": size},
        }


def definition(group: str) -> dict[str, Any]:
    """A definition with what the tests are about: defaults, limits, a status, columns."""
    condition = {"type": "object", "properties": {"type": {"type": "string"}, "status": {"type": "string"}}}
    spec = {
        "type": "object",
        "description": "What is wanted of a widget.",
        "required": ["size"],
        "properties": {
            "size": {"type": "integer", "minimum": 1, "description": "How big it is."},
            "mode": {"type": "string", "default": "plain", "enum": ["plain", "fancy"]},
            "since": {"type": "string", "format": "date-time"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    }
    status = {
        "type": "object",
        "default": {"seen": -1},
        "properties": {
            "seen": {"type": "integer"},
            "state": {"type": "string", "default": "Waiting"},
            "ratio": {"type": "number"},
            "conditions": {"type": "array", "items": condition},
        },
    }
    columns = [
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
        {"name": "State", "type": "string", "jsonPath": ".status.state"},
        {"name": "Complete", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Complete")].status'},
        {"name": "Ratio", "type": "number", "jsonPath": ".status.ratio"},
        {"name": "Since", "type": "date", "jsonPath": ".spec.since"},
        {"name": "Tags", "type": "string", "jsonPath": ".spec.tags"},
        {"name": "Mode", "type": "string", "jsonPath": ".spec.mode", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    names = {
        "plural": "widgets",
        "singular": "widget",
        "kind": "Widget",
        "shortNames": [f"w{group.partition('.')[0]}"],
        "categories": [f"c{group.partition('.')[0]}"],
    }
    schema = {"type": "object", "description": "A widget.", "properties": {"spec": spec, "status": status}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


async def is_served(api: Api, path: str) -> bool:
    """Whether there is something at a path."""
    return (await api.get(path)).code == 200


@pytest.fixture
async def widgets(api: Api, namespace: str) -> AsyncIterator[Widgets]:
    """A custom resource of the test's own, in a namespace of its own."""
    group = f"t{secrets.token_hex(4)}.example.com"
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await api.made(definitions, definition(group))
    mine = Widgets(group, namespace)
    await eventually(lambda: is_served(api, mine.path))
    yield mine
    await api.delete(f"{definitions}/widgets.{group}")

"""The scripted API server, with as much of discovery, lists and watches as kopf and the supervisor need."""

import asyncio
import json
from pathlib import Path

from aiohttp import web
from tests.unit.kube.scripted_api import ScriptedApi, answer

from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Kind, Object

# kopf does not begin before it has found these, though it never reads them here.
NAMESPACES = Kind("", "v1", "namespaces", "Namespace", namespaced=False)
CRDS = Kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)

#: A value that is sent as JSON of nearly as many levels as a real API server takes: json.dumps could not write it.
NESTED = "nested 9,990 levels deep"


def thing(name: str, version: str = "2") -> Object:
    metadata = {"name": name, "namespace": "ns", "uid": f"uid-{name}", "resourceVersion": version}
    return {"apiVersion": HYPERDRIVES.api_version, "kind": HYPERDRIVES.kind, "metadata": metadata}


class Cluster:
    """A cluster with objects to list and events to stream."""

    def __init__(self, api: ScriptedApi) -> None:
        self.api = api
        #: The HyperDrives.
        self.objects: list[Object] = []
        self._stream: asyncio.Queue[Object] = asyncio.Queue()

    def serve(self) -> None:
        """Serve the kinds, as if the CRDs were there."""
        api = self.api
        api.on("GET", "/api", answer(200, {"versions": ["v1"]}))
        groups = [_group(kind) for kind in (HYPERDRIVES, JOBS, CRDS)]
        api.on("GET", "/apis", answer(200, {"groups": groups}))
        api.on("GET", "/api/v1", answer(200, resources(PODS, NAMESPACES)))
        api.on("GET", "/apis/apiextensions.k8s.io/v1", answer(200, resources(CRDS)))
        api.on("GET", "/apis/batch/v1", answer(200, resources(JOBS)))
        api.on("GET", "/apis/hyperdrive.dev/v1alpha1", answer(200, resources(HYPERDRIVES, HYPERDRIVE_TRIALS)))
        for kind in (HYPERDRIVE_TRIALS, JOBS, PODS):  # whether they may be listed is asked at the start
            api.on("GET", kind.path(None), answer(200, {"items": []}))
        for namespace in (None, "ns"):
            api.on("GET", HYPERDRIVES.path(namespace), self.collection)

    def stream(self, event_type: str, body: Object) -> None:
        """Send an event to whoever watches the HyperDrives."""
        self._stream.put_nowait({"type": event_type, "object": body})

    def watched(self, namespaces: tuple[str, ...] = ()) -> list[dict[str, str]]:
        """Return the queries of all watches so far."""
        path = HYPERDRIVES.path(namespaces[0] if namespaces else None)
        return [call.query for call in self.api.calls if call.path == path and "watch" in call.query]

    def kubeconfig(self, directory: Path) -> str:
        return self.api.kubeconfig(directory)

    async def collection(self, request: web.Request) -> web.StreamResponse:
        """List or stream the HyperDrives."""
        if "watch" not in request.query:
            body = {"kind": "HyperDriveList", "metadata": {"resourceVersion": "1"}, "items": self.objects}
            return await answer(200, _json(body))(request)
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            event = await self._stream.get()
            await response.write(_json(event) + b"\n")


def _json(body: Object) -> bytes:
    return json.dumps(body).replace(f'"{NESTED}"', '{"a":' * 9_990 + "1" + "}" * 9_990).encode()


def _group(kind: Kind) -> Object:
    version = {"groupVersion": kind.api_version, "version": kind.version}
    return {"name": kind.group, "versions": [version], "preferredVersion": version}


def resources(*kinds: Kind) -> Object:
    """Return the discovery of a group's version."""
    return {
        "groupVersion": kinds[0].api_version,
        "resources": [
            {
                "name": kind.plural,
                "singularName": kind.kind.lower(),
                "kind": kind.kind,
                "namespaced": kind.namespaced,
                "verbs": ["get", "list", "watch", "create", "patch", "delete"],
            }
            for kind in kinds
        ],
    }

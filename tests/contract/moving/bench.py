"""What the tests of moving things share: manifests, and waiting for a condition on either server."""

import asyncio
from collections.abc import Callable
from typing import Any

from tests.contract.client import Api

Object = dict[str, Any]
SECONDS = 60  # a real kubelet takes a few for each pod, and a back-off is 10
NEVER = "import time; time.sleep(600)"


def container(code: str, name: str = "main", **more: Any) -> Object:
    """A container that runs Python code."""
    image = {"image": "python:3.11-slim", "imagePullPolicy": "IfNotPresent"}
    return {"name": name, **image, "command": ["python", "-c", code], **more}


def pod_spec(*containers: Object, **more: Any) -> Object:
    """A pod's spec, that ends soon when it is told to."""
    return {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": list(containers), **more}


def job(name: str, code: str, *, pod: Object | None = None, **spec: Any) -> Object:
    """A Job."""
    template = {"spec": pod or pod_spec(container(code))}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {**spec, "template": template}}


def pod(name: str, spec: Object) -> Object:
    """A pod of its own."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


class Bench:
    """One namespace of one server."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        self.pods = f"/api/v1/namespaces/{namespace}/pods"
        self.jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self.config_maps = f"/api/v1/namespaces/{namespace}/configmaps"

    async def until(self, collection: str, holds: Callable[[list[Object]], Any], **selector: str) -> list[Object]:
        """Wait until a claim about the collection's objects holds; returns them."""
        async with asyncio.timeout(SECONDS):
            while True:
                listed = (await self.api.get(collection, **selector)).body
                objects = {obj["metadata"]["name"]: obj for obj in listed["items"]}
                if holds(list(objects.values())):
                    return list(objects.values())
                await self._follow(collection, listed["metadata"]["resourceVersion"], objects, holds, selector)

    async def _follow(
        self,
        collection: str,
        version: str,
        objects: dict[str, Object],
        holds: Callable[[list[Object]], Any],
        selector: dict[str, str],
    ) -> None:
        async with self.api.watch(collection, resourceVersion=version, **selector) as watch:
            while not holds(list(objects.values())):
                try:
                    kind, obj = await watch.next()
                except (TimeoutError, EOFError):
                    return
                if kind == "DELETED":
                    objects.pop(obj["metadata"]["name"], None)
                else:
                    objects[obj["metadata"]["name"]] = obj

    async def until_one(self, collection: str, name: str, holds: Callable[[Object], Any]) -> Object:
        """Wait until a claim about one object holds; returns it."""
        found = await self.until(
            collection, lambda objects: objects and holds(objects[0]), fieldSelector=f"metadata.name={name}"
        )
        return found[0]

    async def until_gone(self, collection: str, **selector: str) -> None:
        """Wait until nothing is there."""
        await self.until(collection, lambda objects: not objects, **selector)

    async def finished_job(self, manifest: Object) -> Object:
        """Create a Job and wait for its end."""
        await self.api.made(self.jobs, manifest)
        return await self.until_one(self.jobs, manifest["metadata"]["name"], is_over)

    async def pods_of(self, name: str, holds: Callable[[list[Object]], Any] = bool) -> list[Object]:
        """A Job's pods, once a claim about them holds."""
        return await self.until(self.pods, holds, labelSelector=f"batch.kubernetes.io/job-name={name}")

    async def finished_pod(self, manifest: Object) -> Object:
        """Create a pod and wait for its end."""
        await self.api.made(self.pods, manifest)
        return await self.until_one(
            self.pods, manifest["metadata"]["name"], lambda p: p["status"]["phase"] in {"Succeeded", "Failed"}
        )

    async def log(self, name: str, **query: str) -> str:
        """A pod's log."""
        return str((await self.api.get(f"{self.pods}/{name}/log", **query)).body)

    async def logged(self, name: str, text: str) -> None:
        """Wait until a pod has logged a text."""
        path = f"{self.pods}/{name}/log?follow=true"
        async with asyncio.timeout(SECONDS), self.api.session.get(path) as response:
            async for line in response.content:
                if text in line.decode():
                    return
        raise AssertionError(f"{text!r} was not logged")


def is_over(obj: Object) -> bool:
    """Whether a Job has ended."""
    conditions = obj.get("status", {}).get("conditions", [])
    return any(c["type"] in {"Complete", "Failed"} and c["status"] == "True" for c in conditions)


def conditions(obj: Object) -> list[tuple[str, str, str, str]]:
    """An object's conditions without their times."""
    listed = obj["status"].get("conditions", [])
    return [(c["type"], c["status"], c.get("reason", ""), c.get("message", "")) for c in listed]


def counts(obj: Object) -> Object:
    """The numbers of a Job's status."""
    keys = ("active", "ready", "terminating", "succeeded", "failed", "completedIndexes", "uncountedTerminatedPods")
    return {key: obj["status"][key] for key in keys if key in obj["status"]}


def state(obj: Object, number: int = 0) -> Object:
    """The state of a container of a pod."""
    return dict(obj["status"]["containerStatuses"][number]["state"])


def is_running(objects: list[Object]) -> bool:
    """Whether there are pods, and all are ready."""
    return bool(objects) and all(("Ready", "True") in {c[:2] for c in conditions(obj)} for obj in objects)

"""What the demo makes on a cluster before a sweep can run: the CRDs, and the sweep in place of an earlier one."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import yaml

from .api import CRDS, DEPLOYMENTS, HYPERDRIVES, JOBS, TRIALS, Api, ApiError, JsonObject
from .board import Sweep, read_sweep

POLL_SECONDS = 0.1
ESTABLISHED_SECONDS = 30.0
GONE_SECONDS = 60.0  # a trial's pod may take its whole grace period of 30 s

#: What carries it may be replaced by the demo: the samples have it, and whatever the demo itself creates.
SAMPLE_LABEL = ("app.kubernetes.io/part-of", "hyperdrive-samples")
OPERATOR_SELECTOR = "app.kubernetes.io/name=hyperdrive-operator"


class ManifestError(Exception):
    """A manifest can't be used; the message names the file and the fix."""


class PrepareError(Exception):
    """The cluster is not in a state in which the demo may go on."""


def read_manifests(file: Path, kind: str) -> list[JsonObject]:
    """Read the objects of one kind from a YAML file; others in it are an error."""
    try:
        documents = [document for document in yaml.safe_load_all(file.read_text(encoding="utf-8")) if document]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ManifestError(f"{file} can't be read: {error}") from error
    for document in documents:
        if not isinstance(document, dict) or document.get("kind") != kind:
            found = document.get("kind", "no kind") if isinstance(document, dict) else "no object"
            raise ManifestError(f"{file} must hold a {kind}, not {found}")
    if not documents:
        raise ManifestError(f"{file} is empty: it must hold a {kind}")
    return documents


def read_sweep_manifest(file: Path) -> JsonObject:
    """Read the one HyperDrive of a file."""
    documents = read_manifests(file, "HyperDrive")
    if len(documents) > 1:
        raise ManifestError(f"{file} holds {len(documents)} HyperDrives: the demo runs one, leave only that")
    metadata = documents[0].get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise ManifestError(f"{file}: metadata.name is missing: give the HyperDrive a name")
    return documents[0]


def read_crds(folder: Path) -> list[JsonObject]:
    """Read the CRDs of a folder."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ManifestError(f"there is no CustomResourceDefinition in {folder}: run `make generate`")
    return [item for file in files for item in read_manifests(file, "CustomResourceDefinition")]


async def apply_crds(api: Api, manifests: list[JsonObject]) -> list[str]:
    """Create or update the CRDs and wait until the API server serves them; return their names."""
    for manifest in manifests:
        try:
            await api.create(CRDS, manifest)
        except ApiError as error:
            if error.code != 409:
                raise
            # A merge keeps what others, Helm say, have put into its metadata.
            await api.merge_patch(f"{CRDS}/{manifest['metadata']['name']}", manifest)
    names = [str(manifest["metadata"]["name"]) for manifest in manifests]

    async def are_established() -> bool:
        return all([_is_established(await api.get(f"{CRDS}/{name}")) for name in names])

    await _until(are_established, ESTABLISHED_SECONDS, "the CRDs are not established")
    return names


def _is_established(crd: JsonObject) -> bool:
    conditions: list[dict[str, Any]] = crd.get("status", {}).get("conditions") or []
    return any(item.get("type") == "Established" and item.get("status") == "True" for item in conditions)


async def find_operator(api: Api) -> str | None:
    """Return NAMESPACE/NAME of an operator that is installed and ready, if there is one."""
    deployments = (await api.get(DEPLOYMENTS, labelSelector=OPERATOR_SELECTOR)).get("items") or []
    for deployment in deployments:
        if deployment.get("status", {}).get("readyReplicas"):
            return f"{deployment['metadata']['namespace']}/{deployment['metadata']['name']}"
    return None


async def create_sweep(api: Api, manifest: JsonObject, namespace: str) -> Sweep:
    """Create the sweep, in place of an earlier one of the samples."""
    await _remove_earlier(api, manifest["metadata"]["name"], namespace)
    key, value = SAMPLE_LABEL
    metadata = dict(manifest["metadata"], namespace=namespace)
    metadata["labels"] = {**(metadata.get("labels") or {}), key: value}
    try:
        return read_sweep(await api.create(HYPERDRIVES.format(namespace=namespace), {**manifest, "metadata": metadata}))
    except ApiError as error:
        if error.code == 404:
            raise PrepareError(f"{error}: create it first, kubectl create namespace {namespace}") from error
        raise


async def _remove_earlier(api: Api, name: str, namespace: str) -> None:
    path = f"{HYPERDRIVES.format(namespace=namespace)}/{name}"
    earlier = await _get_or_none(api, path)
    if earlier is None:
        return
    key, value = SAMPLE_LABEL
    if (earlier.get("metadata", {}).get("labels") or {}).get(key) != value:
        raise PrepareError(
            f"namespace {namespace} has a HyperDrive {name} that is not of the samples (no label {key}={value}); "
            "the demo leaves it alone: choose another --namespace, or delete it"
        )
    await api.delete(path)

    async def is_gone() -> bool:
        # Its trials and Jobs too: their names are the new sweep's.
        selector = f"hyperdrive.dev/hyperdrive={name}"
        for collection in (TRIALS, JOBS):
            listed = await api.get(collection.format(namespace=namespace), labelSelector=selector, limit="1")
            if listed.get("items"):
                return False
        return await _get_or_none(api, path) is None

    await _until(is_gone, GONE_SECONDS, f"the earlier sweep {name} is not gone")


async def _get_or_none(api: Api, path: str) -> JsonObject | None:
    try:
        return await api.get(path)
    except ApiError as error:
        if error.code == 404:
            return None
        raise


async def _until(holds: Callable[[], Awaitable[bool]], seconds: float, problem: str) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not await holds():  # noqa: ASYNC110 - what is awaited happens in another program
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise PrepareError(f"{problem} after {seconds:.0f} s") from None

"""What the demo asks of a Kubernetes API server: plain JSON in and out, a time limit on every call."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_kube_config

CALL_SECONDS = 10.0
CALL_TIMEOUT = aiohttp.ClientTimeout(total=CALL_SECONDS)
WATCH_SECONDS = 60  # then the server ends the watch and the demo lists anew: what a broken stream lost is found again
# A watch is silent while nothing happens, but a live server ends it after WATCH_SECONDS.
WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CALL_SECONDS, sock_read=WATCH_SECONDS + CALL_SECONDS)

HYPERDRIVES = "/apis/hyperdrive.dev/v1alpha1/namespaces/{namespace}/hyperdrives"
TRIALS = "/apis/hyperdrive.dev/v1alpha1/namespaces/{namespace}/hyperdrivetrials"
JOBS = "/apis/batch/v1/namespaces/{namespace}/jobs"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
DEPLOYMENTS = "/apis/apps/v1/deployments"

JsonObject = dict[str, Any]


class ApiError(Exception):
    """The API server refused a call (its status code and message), or no answer came (code 0)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class KubeconfigError(Exception):
    """The kubeconfig file can't be used."""


class Api:
    """A connection to the API server that a kubeconfig names."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    @classmethod
    async def connect(cls, kubeconfig: Path, *, local: bool = False) -> Self:
        """Read the kubeconfig; no call is made yet. `local` keeps proxies of the environment out of it."""
        configuration = Configuration()
        _must_exist(kubeconfig)
        try:
            await load_kube_config(  # type: ignore[no-untyped-call]  # the package's own code has no types here
                str(kubeconfig), client_configuration=configuration, persist_config=False
            )
            if local:
                configuration.client_session_kwargs = {"trust_env": False}
            return cls(ApiClient(configuration))
        except (TypeError, AttributeError) as error:  # what the package makes of YAML in another form
            raise KubeconfigError(f"{kubeconfig} is no usable kubeconfig: its YAML has another form") from error
        except (ConfigException, yaml.YAMLError, OSError, UnicodeDecodeError) as error:
            raise KubeconfigError(f"{kubeconfig} is no usable kubeconfig: {error}") from error

    @property
    def server(self) -> str:
        """Address of the API server."""
        return str(self._client.configuration.host)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()  # type: ignore[no-untyped-call]  # the package's own code has no types here

    async def get(self, path: str, **query: str) -> JsonObject:
        """Read an object or a list."""
        return await self._call("GET", path, query=query)

    async def create(self, path: str, body: JsonObject) -> JsonObject:
        """Create an object in a collection."""
        return await self._call("POST", path, body=body)

    async def merge_patch(self, path: str, body: JsonObject) -> JsonObject:
        """Change what the body names."""
        return await self._call("PATCH", path, body=body, content_type="application/merge-patch+json")

    async def delete(self, path: str) -> None:
        """Delete an object, what it owns with it; gone already is fine."""
        try:
            await self._call("DELETE", path, query={"propagationPolicy": "Background"})
        except ApiError as error:
            if error.code != 404:
                raise

    async def watch(self, path: str, resource_version: str, **query: str) -> AsyncGenerator[JsonObject, None]:
        """Yield the events after a resourceVersion until the server ends the stream."""
        query |= {"watch": "true", "resourceVersion": resource_version, "timeoutSeconds": str(WATCH_SECONDS)}
        response = await self._send("GET", path, query=query, limit=WATCH_TIMEOUT)
        try:
            async for line in response.content:
                event: JsonObject = json.loads(line)
                yield event
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ApiError(0, f"the watch broke: {error}") from error
        finally:
            response.close()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: JsonObject | None = None,
        content_type: str = "application/json",
    ) -> JsonObject:
        response = await self._send(
            method, path, query=query, body=body, limit=CALL_TIMEOUT, headers={"Content-Type": content_type}
        )
        try:
            answer: JsonObject = json.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ApiError(0, f"{self.server} gave no JSON: {error}") from error
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        *,
        limit: aiohttp.ClientTimeout,
        query: dict[str, str] | None = None,
        body: JsonObject | None = None,
        headers: dict[str, str] | None = None,
    ) -> aiohttp.ClientResponse:
        try:
            method, url, headers, data, _ = await self._client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", **(headers or {})},
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = await self._client.call_api(method, url, headers, data, _request_timeout=limit)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiError(0, f"{self.server} does not answer: {error or type(error).__name__}") from error
        response: aiohttp.ClientResponse = answer.response
        if response.status >= 400:
            raise ApiError(response.status, _message(await response.read(), response.reason or "refused"))
        return response


def _must_exist(file: Path) -> None:
    if not file.is_file():
        raise KubeconfigError(f"there is no file {file}")


def _message(body: bytes, otherwise: str) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()[:300] or otherwise

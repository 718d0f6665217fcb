"""Where the API server is and who we are: a kubeconfig file, or the service account of our pod.

The one source for our client and for kopf's streams, so that both always talk to the same cluster.
"""

import asyncio
import os
import ssl
import urllib.request
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config
from yaml import YAMLError
from yarl import URL

from .errors import KubeConfigError

# Of a stream: many events of a watch come at once.
READ_BUFFER: Final = 2 * 1024 * 1024


async def load_configuration(kubeconfig: str | None, context: str | None = None) -> Configuration:
    """Read the kubeconfig (its exec plugin is run), or without one the pod's service account."""
    configuration = Configuration()
    try:
        if kubeconfig is None:
            load_incluster_config(configuration)  # type: ignore[no-untyped-call]  # typed in parts only
        else:
            await asyncio.to_thread(_must_be_readable, kubeconfig)
            await load_kube_config(  # type: ignore[no-untyped-call]  # typed in parts only
                kubeconfig, context, configuration, persist_config=False
            )
        _must_lead_somewhere(str(configuration.host))
    except (ConfigException, YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        # The loader indexes into whatever YAML it is given: a file that is no kubeconfig fails in any of these ways.
        raise _unusable(kubeconfig, error) from error
    configuration.proxy = configuration.proxy or proxy_from_environment(str(configuration.host))
    return configuration


def proxy_from_environment(server: str) -> str | None:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for a server's URL; None if there is none."""
    url = urlsplit(server)
    if url.hostname and urllib.request.proxy_bypass(url.hostname):
        return None
    return urllib.request.getproxies().get(url.scheme)


def open_session(configuration: Configuration, kubeconfig: str | None) -> aiohttp.ClientSession:
    """Make the HTTP client: this is where the certificates are read."""
    try:
        context = as_kubectl_does(RESTClientObject(configuration).ssl_context)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise _unusable(kubeconfig, error) from error
    return aiohttp.ClientSession(
        # The semaphore of Transport is the limit. The connector's own (100) would count log streams as well, and a
        # hundred followed trials would then leave no connection for anything else.
        connector=aiohttp.TCPConnector(limit=0, ssl=context),
        # Else aiohttp looks the proxy up, and a password for the API server in ~/.netrc, for each request, in a thread.
        trust_env=False,
        read_bufsize=READ_BUFFER,
    )


def as_kubectl_does(context: ssl.SSLContext) -> ssl.SSLContext:
    """Let a context verify what kubectl does and no more.

    Since Python 3.13 it would also refuse a CA whose certificate lacks what RFC 5280 wants (a key usage, say), as those
    of many clusters do.
    """
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


async def authorization(configuration: Configuration) -> tuple[str, str] | None:
    """Return (scheme, token) of the Authorization header, freshly read where the token is a file in a pod."""
    header = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    if not header:
        return None
    scheme, _, token = header.strip().partition(" ")
    return scheme, token.strip()


def _unusable(kubeconfig: str | None, error: Exception) -> KubeConfigError:
    cause = " ".join(str(error).split())
    if kubeconfig is None:
        return KubeConfigError(
            f"no cluster to work on: {cause} Outside of a pod, name a kubeconfig file with --kubeconfig or KUBECONFIG."
        )
    return KubeConfigError(f"kubeconfig {kubeconfig}: {cause}")


def _must_lead_somewhere(server: str) -> None:
    # A URL is taken apart only when it is used: what is wrong with this one would come out of the first request.
    try:
        url = URL(server, encoded=True)
        cause = "" if url.host and url.port else "it is no URL of a host"
    except ValueError as error:
        cause = str(error)
    if cause:
        raise ValueError(f"server {server!r}: {cause}; write https://HOST:PORT, an IPv6 address in brackets.")


def _must_be_readable(kubeconfig: str) -> None:
    # The loader only logs a warning about files that are not there, and goes on to complain about their contents.
    # Of several, as in KUBECONFIG, one is enough: kubectl does the same.
    missing: OSError | None = None
    for name in filter(None, kubeconfig.split(os.pathsep)):
        try:
            Path(name).expanduser().open("rb").close()
        except OSError as error:
            missing = missing or error
        else:
            return
    raise missing or FileNotFoundError("no file is named")

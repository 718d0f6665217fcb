import asyncio
import ssl
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from tests.unit.kube.scripted_api import ScriptedApi, answer, refusal

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.credentials import authorization, load_configuration, open_session, proxy_from_environment
from hyperdrive_operator.kube.errors import KubeConfigError, UnauthorizedError
from hyperdrive_operator.kube.kinds import JOBS
from hyperdrive_operator.runtime.watch import Login, connection_info

JOB_PATH = "/apis/batch/v1/namespaces/ns/jobs/a"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="no such file"),
        pytest.param("", id="empty"),
        pytest.param("[1, 2]", id="a list"),
        pytest.param("{", id="no YAML"),
        pytest.param("apiVersion: v1\nkind: Config\n", id="no contexts"),
        pytest.param("current-context: a\ncontexts: [{name: b, context: {}}]\n", id="an unknown context"),
    ],
)
async def test_a_kubeconfig_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "broken"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(KubeConfigError, match="broken") as caught:
        await load_configuration(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "server", ["https://host:64x43", "https://host:99999", "https://[::1", "https://fd00::1]:6443", "host:6443"]
)
async def test_a_server_that_is_no_url_is_named_with_the_fix(api: ScriptedApi, tmp_path: Path, server: str) -> None:
    api.url = server
    with pytest.raises(KubeConfigError, match="write https://HOST:PORT") as caught:
        await KubeClient.connect(kubeconfig=api.kubeconfig(tmp_path), user_agent="t")
    assert repr(server) in str(caught.value)


async def test_an_unknown_context_is_named(api: ScriptedApi, tmp_path: Path) -> None:
    with pytest.raises(KubeConfigError, match="nowhere"):
        await load_configuration(api.kubeconfig(tmp_path), "nowhere")


async def test_without_kubeconfig_and_pod_the_fix_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(KubeConfigError, match="--kubeconfig"):
        await load_configuration(None)


async def test_the_authorization_is_split_for_kopf(api: ScriptedApi, tmp_path: Path) -> None:
    configuration = await load_configuration(api.kubeconfig(tmp_path))
    assert await authorization(configuration) == ("Bearer", "secret")


async def test_a_password_in_netrc_for_the_servers_host_does_not_refuse_every_request(
    api: ScriptedApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password mine\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client = await KubeClient.connect(kubeconfig=api.kubeconfig(tmp_path), user_agent="t")
    api.on("GET", JOB_PATH, answer(200, {}))
    await client.get(JOBS, "ns", "a")
    assert api.calls[0].headers["Authorization"] == "Bearer secret"
    await client.close()


async def test_the_proxy_of_the_environment_is_asked_for_the_server(
    api: ScriptedApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", api.url)  # the scripted server plays the proxy
    monkeypatch.setenv("NO_PROXY", "elsewhere.invalid")
    client = await KubeClient.connect(kubeconfig=_kubeconfig_of_another_server(api, tmp_path), user_agent="t")
    api.on("GET", JOB_PATH, answer(200, {}))
    await client.get(JOBS, "ns", "a")
    assert api.calls[0].headers["Host"] == "kubernetes.invalid"
    await client.close()


@pytest.mark.parametrize(
    ("server", "proxy"),
    [
        pytest.param("https://10.96.0.1:443", "http://proxy:3128", id="by its scheme"),
        pytest.param("http://10.96.0.1", None, id="no proxy for its scheme"),
        pytest.param("https://kubernetes.default.svc", None, id="a host that needs none"),
    ],
)
def test_no_proxy_is_taken_for_whom_the_environment_names_none(
    monkeypatch: pytest.MonkeyPatch, server: str, proxy: str | None
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,.svc")
    assert proxy_from_environment(server) == proxy


async def test_a_refused_token_is_read_anew_from_its_file_once_for_all(api: ScriptedApi, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old", encoding="utf-8")
    client = await KubeClient.connect(kubeconfig=api.kubeconfig(tmp_path, {"tokenFile": str(token)}), user_agent="t")
    token.write_text("new", encoding="utf-8")
    expired = refusal(401, "Unauthorized", "Unauthorized")
    api.on("GET", JOB_PATH, expired, expired, answer(200, {}))
    await asyncio.gather(client.get(JOBS, "ns", "a"), client.get(JOBS, "ns", "a"))
    await client.close()
    assert [call.headers["Authorization"] for call in api.calls] == ["Bearer old"] * 2 + ["Bearer new"] * 2


async def test_a_refused_token_that_is_the_only_one_is_an_error(api: ScriptedApi, client: KubeClient) -> None:
    api.on("GET", JOB_PATH, refusal(401, "Unauthorized", "Unauthorized"))
    with pytest.raises(UnauthorizedError):
        await client.get(JOBS, "ns", "a")
    assert len(api.calls) == 1


async def test_an_exec_plugin_gives_the_token_and_is_run_again_after_a_401(api: ScriptedApi, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "import json, pathlib\n"
        "path = pathlib.Path(__file__).with_name('runs')\n"
        "runs = len(path.read_text()) if path.exists() else 0\n"
        "path.write_text('x' * (runs + 1))\n"
        "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential',"
        " 'status': {'token': f'token-{runs}'}}))\n",
        encoding="utf-8",
    )
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(plugin)],
            "interactiveMode": "Never",
        }
    }
    client = await KubeClient.connect(kubeconfig=api.kubeconfig(tmp_path, dict(user)), user_agent="t")
    api.on("GET", JOB_PATH, refusal(401, "Unauthorized", "Unauthorized"), answer(200, {}))
    await client.get(JOBS, "ns", "a")
    await client.close()
    assert [call.headers["Authorization"] for call in api.calls] == ["Bearer token-0", "Bearer token-1"]


async def test_a_pod_uses_its_service_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first", encoding="utf-8")
    trustme.CA().cert_pem.write_to_path(str(authority))
    monkeypatch.setattr("kubernetes.aio.config.incluster_config.SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr("kubernetes.aio.config.incluster_config.SERVICE_CERT_FILENAME", str(authority))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    client = await KubeClient.connect(kubeconfig=None, user_agent="t")
    assert client.server == "https://[fd00::1]:443"
    await client.close()
    scheme, value = await authorization(await load_configuration(None)) or ("", "")
    assert (scheme.lower(), value) == ("bearer", "first")


async def test_a_ca_without_a_key_usage_is_refused_by_no_python(
    api: ScriptedApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.13 makes all contexts strict by itself."""
    create = ssl.create_default_context

    def as_in_python_3_13(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        context = create(*args, **kwargs)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", as_in_python_3_13)
    kubeconfig = api.kubeconfig(tmp_path)
    session = open_session(await load_configuration(kubeconfig), kubeconfig)
    info = await connection_info(kubeconfig, None)
    of_kopf = Login(server=info.server, info=info, tracing=aiohttp.TraceConfig()).aiohttp_session
    for one in (session, of_kopf):
        assert isinstance(one.connector, aiohttp.TCPConnector)
        context = one.connector._ssl
        assert isinstance(context, ssl.SSLContext)
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT
        await one.close()


def _kubeconfig_of_another_server(api: ScriptedApi, directory: Path) -> str:
    path = Path(api.kubeconfig(directory))
    path.write_text(path.read_text().replace(api.url, "http://kubernetes.invalid"))
    return str(path)

from pathlib import Path
from typing import Any

import pytest

from hyperdrive_operator import __version__
from hyperdrive_operator.runtime.config import Config, LeaseName, Listen
from hyperdrive_operator.runtime.settings import ENVIRONMENT, SETTINGS


def test_the_defaults_are_those_of_the_help(tmp_path: Path) -> None:
    config = Config.from_env({"HOME": str(tmp_path)}, [], hostname="laptop")
    assert config == Config.model_construct(
        kubeconfig=None,
        context=None,
        namespaces=(),
        workers=16,
        resync_seconds=600.0,
        listen=Listen(host="127.0.0.1", port=8080),
        best_values=100,
        leader_elect=None,
        lease_duration_seconds=10.0,
        log_format="json",
        log_level="info",
        instance="laptop",
        is_pod=False,
    )


def test_a_terminal_gets_text() -> None:
    assert Config.from_env({}, [], terminal=True).log_format == "text"
    assert Config.from_env({"HYPERDRIVE_LOG_FORMAT": "json"}, [], terminal=True).log_format == "json"


@pytest.mark.parametrize(
    ("flag", "variable", "field", "from_flag", "from_variable"),
    [
        (["--workers", "2"], {"HYPERDRIVE_WORKERS": "3"}, "workers", 2, 3),
        (["--resync=90s"], {"HYPERDRIVE_RESYNC": "1h30m"}, "resync_seconds", 90, 5400),
        (["--namespaces", "a, b,a"], {"HYPERDRIVE_NAMESPACES": "c"}, "namespaces", ("a", "b"), ("c",)),
        (["--log-level", "debug"], {"HYPERDRIVE_LOG_LEVEL": "error"}, "log_level", "debug", "error"),
        (["--listen", "off"], {"HYPERDRIVE_LISTEN": "[::1]:0"}, "listen", None, Listen(host="::1", port=0)),
        (["--best-values", "0"], {"HYPERDRIVE_BEST_VALUES": "7"}, "best_values", 0, 7),
        (["--kubeconfig", "x"], {"HYPERDRIVE_KUBECONFIG": "y"}, "kubeconfig", "x", "y"),
        (["--context", "x"], {"HYPERDRIVE_CONTEXT": "y"}, "context", "x", "y"),
    ],
)
def test_a_flag_wins_over_its_variable_and_that_over_the_default(
    flag: list[str], variable: dict[str, str], field: str, from_flag: object, from_variable: object
) -> None:
    environ = {"KUBECONFIG": "k", **variable}
    assert getattr(Config.from_env(environ, flag), field) == from_flag
    assert getattr(Config.from_env(environ, []), field) == from_variable


def test_the_kubeconfig_is_found_as_kubectl_finds_it(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert Config.from_env(home, []).kubeconfig is None
    default = tmp_path / ".kube" / "config"
    default.parent.mkdir()
    default.touch()
    assert Config.from_env(home, []).kubeconfig == str(default)
    assert Config.from_env({**home, "KUBECONFIG": "a:b"}, []).kubeconfig == "a:b"


def test_a_pod_listens_on_its_own_address_and_signs_with_its_name() -> None:
    config = Config.from_env({"HYPERDRIVE_LISTEN": "fd00::7:8080", "POD_NAME": "operator-x"}, [], hostname="h")
    assert config.listen == Listen(host="fd00::7", port=8080)
    assert config.instance == "operator-x"


@pytest.mark.parametrize(
    ("argv", "environ", "words"),
    [
        (["--workers", "0"], {}, ["--workers", "greater than or equal to 1"]),
        (["--workers", "many"], {}, ["--workers", "integer"]),
        ([], {"HYPERDRIVE_WORKERS": "0"}, ["HYPERDRIVE_WORKERS", "--workers"]),
        (["--resync", "10"], {}, ["--resync", "10m"]),
        (["--resync", ""], {"HYPERDRIVE_RESYNC": "m"}, ["HYPERDRIVE_RESYNC", "10m"]),
        (["--resync", "1s"], {}, ["--resync", "10"]),
        (["--listen", "8080"], {}, ["--listen", "127.0.0.1:8080", "off"]),
        (["--listen", "localhost:99999"], {}, ["--listen", "127.0.0.1:8080"]),
        (["--namespaces", "a,B_"], {}, ["--namespaces", "'B_'"]),
        (["--best-values=-1"], {}, ["--best-values", "greater than or equal to 0"]),
        ([], {"HYPERDRIVE_BEST_VALUES": "10001"}, ["HYPERDRIVE_BEST_VALUES", "less than or equal to 10000"]),
        (["--log-format", "xml"], {}, ["--log-format", "'text' or 'json'"]),
        (["--log-level", "loud"], {}, ["--log-level", "'warning'"]),
        (["--context", "x"], {}, ["--context", "--kubeconfig"]),
        (["--leader-elect", "on"], {}, ["--leader-elect", "NAMESPACE/NAME", "off"]),
        (["--lease-duration", "1s"], {}, ["--lease-duration", "5"]),
        (["--lease-duration", "10"], {}, ["--lease-duration", "10m"]),
        (["--worker", "2"], {}, ["--worker"]),
        (["--workers"], {}, ["--workers", "expected one argument"]),
    ],
)
def test_a_wrong_value_exits_with_one_line_that_names_flag_and_fix(
    argv: list[str], environ: dict[str, str], words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as caught:
        Config.from_env({"HOME": str(tmp_path), **environ}, argv)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert all(word in err for word in words), err


@pytest.mark.parametrize(("flag", "text"), [("--version", __version__), ("--help", "HYPERDRIVE_LOG_LEVEL")])
def test_help_and_version_are_answered(flag: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        Config.from_env({}, [flag])
    assert caught.value.code == 0
    assert text in capsys.readouterr().out


def test_a_pod_takes_the_lease_of_its_own_namespace_and_a_laptop_none(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert Config.from_env(home, []).leader_elect is None
    pod = {**home, "POD_NAMESPACE": "system"}
    assert Config.from_env(pod, []).leader_elect == LeaseName(namespace="system", name="hyperdrive-operator")
    assert Config.from_env(pod, ["--leader-elect=off"]).leader_elect is None
    assert str(Config.from_env(pod, ["--leader-elect=a/b"]).leader_elect) == "a/b"


def test_every_variable_that_is_read_is_on_the_page(tmp_path: Path) -> None:
    class Watched(dict[str, str]):
        """Remembers what was asked for."""

        def __init__(self) -> None:
            super().__init__(HOME=str(tmp_path))
            self.asked: set[str] = set()

        def get(self, key: str, default: object = None) -> Any:
            self.asked.add(key)
            return super().get(key, default)

    environ = Watched()
    Config.from_env(environ, [])
    documented = {one.variable for one in SETTINGS} | {name for names, _ in ENVIRONMENT for name in names.split(", ")}
    assert {one for one in environ.asked if one.startswith("HYPERDRIVE_")} == {one.variable for one in SETTINGS}
    assert environ.asked <= documented

"""docs/configuration.md: every flag and variable of the operator, from the settings themselves."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from hyperdrive_operator.runtime.settings import ENVIRONMENT, SETTINGS, Setting

_HEAD: Final = """\
# Configuration of the operator

Made by `make generate` from `operator/hyperdrive_operator/runtime/settings.py`, as the flags and `--help` are.

One precedence for every setting: the flag, then its variable, then the default. A wrong value ends the process with
status 2 and one line that names the setting and says what to give. There is no configuration file, and nothing is read
again while the operator runs: with other settings the Deployment starts another pod, which costs no trial.

With the chart, a setting that has no value of its own goes into `extraArgs` (`extraArgs: [--workers=8]`) or `extraEnv`;
with `manifests/`, into the container's `env` by a patch of kustomize. A duration is written as `10m`, `90s` or `1h30m`.

| flag | variable | what it says | default | with the chart |
|---|---|---|---|---|
"""
_INSTALLED: Final = """
## What the chart and the manifests set

The namespaced overlay sets `HYPERDRIVE_NAMESPACES` besides.

| variable | set to |
|---|---|
"""
_ENVIRONMENT: Final = """
## What else is read of the environment

| variable | what for |
|---|---|
"""
_FOOT: Final = """
What is set for a sweep is in its manifest ([all fields](reference.md)), and the values of the chart are on
[its page](../charts/hyperdrive-operator/README.md). What the operator tells trials is in [trials](trials.md).
"""


def configuration_page(container: dict[str, Any]) -> str:
    """Return the page; `container` is the operator's, as it is installed."""
    return "".join(
        (
            _HEAD,
            _lines(map(_row, SETTINGS)),
            _INSTALLED,
            _lines(_installed(container)),
            _ENVIRONMENT,
            _lines(f"| {_code(name)} | {about} |" for name, about in ENVIRONMENT),
            _FOOT,
        )
    )


def _row(setting: Setting) -> str:
    form = setting.form.replace("|", "\\|")
    cells = (
        f"`{setting.flag} {form}`",
        f"`{setting.variable}`",
        setting.about,
        setting.otherwise or f"`{setting.default}`",
        f"`{setting.values}`" if setting.values else "",
    )
    return f"| {' | '.join(cells)} |"


def _installed(container: dict[str, Any]) -> Iterator[str]:
    for variable in container["env"]:
        value = variable.get("value") or variable["valueFrom"]["fieldRef"]["fieldPath"]
        yield f"| `{variable['name']}` | `{value}` |"


def _code(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))


def _lines(rows: Iterable[str]) -> str:
    return "".join(f"{row}\n" for row in rows)

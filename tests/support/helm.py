"""helm, where there is one: the chart rendered with some values, or what helm says against them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

Object = dict[str, Any]

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "hyperdrive-operator"
RELEASE = "hyperdrive-operator"
NAMESPACE = "hyperdrive-system"
HELM = shutil.which("helm")
#: For every test that renders the chart. tests/conftest.py says at the end of a run that they were skipped.
needs_helm = pytest.mark.skipif(HELM is None, reason="NOT CHECKED: the chart, since there is no helm on PATH")


class HelmError(RuntimeError):
    """helm said no, in its own words."""


def helm(*arguments: str, stdin: str = "", seconds: float = 60) -> str:
    """Run helm and return what it prints."""
    assert HELM, "there is no helm on PATH"
    done = subprocess.run([HELM, *arguments], input=stdin, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        raise HelmError(f"helm {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout


def render(values: Object | None = None, *, release: str = RELEASE, chart: Path = CHART) -> list[Object]:
    """Return the objects that the chart makes of these values; the CRDs, slow to read, only if they say `crds`."""
    given = json.dumps({"crds": {"install": False}} | (values or {}))
    written = helm("template", release, str(chart), "--namespace", NAMESPACE, "--values", "-", stdin=given)
    return [one for one in yaml.safe_load_all(written) if one]


def named(objects: list[Object]) -> dict[tuple[str, str, str], Object]:
    """Return objects by kind, namespace and name. None is there twice."""
    found = {(one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one for one in objects}
    assert len(found) == len(objects)
    return found


def only(objects: list[Object], kind: str) -> Object:
    """Return the one object of a kind."""
    (found,) = [one for one in objects if one["kind"] == kind]
    return found


def kinds(objects: list[Object]) -> set[str]:
    """Return the kinds of all objects."""
    return {one["kind"] for one in objects}

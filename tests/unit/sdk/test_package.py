"""What a training image gets: Python 3.9, the standard library, and the words that the operator knows."""

import ast
import sys
from pathlib import Path

import pytest
import yaml

from hyperdrive import settings, summary
from hyperdrive_operator.api import names

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "sdk" / "hyperdrive").glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_python_3_9_and_imports_the_standard_library_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= sys.stdlib_module_names
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module is not None
            assert node.module.split(".")[0] in sys.stdlib_module_names


def test_the_reporter_and_the_operator_use_the_same_words() -> None:
    assert summary.ANNOTATION_METRICS == names.ANNOTATION_METRICS
    assert summary.ANNOTATION_CURVE == names.ANNOTATION_CURVE
    environment = (names.ENV_TRIAL, names.ENV_PARAMETERS, names.ENV_PRIMARY_METRIC, names.ENV_GOAL, names.ENV_JOB_UID)
    source = Path(settings.__file__).read_text(encoding="utf-8")
    assert [name for name in environment if f'"{name}"' not in source] == []


def test_the_role_allows_a_patch_of_jobs_and_nothing_else() -> None:
    objects = list(yaml.safe_load_all((ROOT / "manifests" / "reporter-role.yaml").read_text(encoding="utf-8")))
    account, role, binding = objects
    assert role["rules"] == [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["patch"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [subject["name"] for subject in binding["subjects"]] == [account["metadata"]["name"]]
    assert all("namespace" not in one["metadata"] for one in objects)  # for the namespace that kubectl names

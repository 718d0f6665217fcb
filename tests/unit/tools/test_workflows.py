"""The workflows on GitHub can't run here: what can be known of them without it."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperdrive_operator import __version__

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))


def test_every_action_is_pinned_to_a_commit() -> None:
    used = [
        line.split("uses:")[1].strip()
        for path in WORKFLOWS
        for line in path.read_text().splitlines()
        if "uses:" in line
    ]
    theirs = [name for name in used if not name.startswith("./")]
    assert theirs
    assert [name for name in theirs if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", name)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_unless_a_job_says_otherwise(path: Path) -> None:
    workflow: dict[str, Any] = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job or "uses" in job for job in workflow["jobs"].values())


def test_what_the_workflows_make_is_a_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = {match[1] for path in WORKFLOWS for match in re.finditer(r"run: make (\w+)", path.read_text())}
    assert {"test", "check", "e2e"} <= targets
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_a_tag_that_is_not_the_version_releases_nothing() -> None:
    done = _release_version("v9.9.9")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the tag is v9.9.9, but operator/hyperdrive_operator/__init__.py has another version" in done.stderr


def test_a_version_without_its_section_in_the_changelog_is_not_released() -> None:
    done = _release_version(f"v{__version__}")
    released = f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert (done.stdout == f"version={__version__}\n") == released, done.stderr
    assert released or "CHANGELOG.md has no section" in done.stderr


def _release_version(tag: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / ".github" / "release-version"), tag]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)

"""After all other tests: what the operator did meanwhile. The file's name puts it last."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from .audit import Grant, granted, requests_of, wait_until_written
from .installation import NAME, SYSTEM, Installation
from .kubectl import Kubectl


def test_the_operator_neither_crashed_nor_met_a_bug(operator: Installation) -> None:
    pod = operator.ready_pod()
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
    operator.note_errors()
    assert operator.errors == []


def test_the_roles_grant_exactly_what_the_operator_uses(
    request: pytest.FixtureRequest, operator: Installation, began: datetime, note: Callable[[str], None]
) -> None:
    """Each verb that is used is granted, each that is granted is used, by the API server's own audit log."""
    path = os.environ.get("E2E_AUDIT_LOG", "")
    if not path:
        note("SKIPPED the comparison of used with granted verbs: E2E_AUDIT_LOG names no audit log of the API server")
        pytest.skip("E2E_AUDIT_LOG is not set")
    if not _all_tests_ran(request.session):
        pytest.skip("only the whole suite uses every verb")
    log = Path(path)
    wait_until_written(log)
    used, forbidden = requests_of(log, f"system:serviceaccount:{SYSTEM}:{NAME}", began, operator.absences)
    grants = granted(Kubectl().get("clusterrole", NAME)) | granted(Kubectl(SYSTEM).get("role", f"{NAME}-own"))
    assert forbidden == [], "requests that the roles do not allow"
    assert _rows(used - grants) == [], "used, and granted by another role than ours"
    assert _rows(grants - used) == [], (
        "granted, and never used: take it out of tools/permissions.py, or test what needs it"
    )


def _all_tests_ran(session: pytest.Session) -> bool:
    chosen = {item.path for item in session.items}
    return set(Path(__file__).parent.glob("test_*.py")) <= chosen


def _rows(grants: set[Grant]) -> list[str]:
    return sorted(f"{grant.group or 'core'}/{grant.resource}: {grant.verb}" for grant in grants)

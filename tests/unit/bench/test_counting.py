"""What the benchmarks count in the API server's audit log."""

import json
from pathlib import Path

from bench.performance.counting import Audit


def line(verb: str, resource: str, agent: str = "hyperdrive-operator/1") -> str:
    event = {"stage": "ResponseComplete", "verb": verb, "userAgent": agent, "objectRef": {"resource": resource}}
    return json.dumps(event, separators=(",", ":")) + "\n"


def test_requests_since_then_are_counted_though_the_log_was_renamed_on_the_way(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(line("create", "jobs"))
    audit = Audit(log)
    with log.open("a") as more:
        more.write(line("create", "jobs") + line("get", "pods", "kubectl"))
    log.rename(tmp_path / "audit-2026-11-30T00-06-56.617.log")
    log.write_text(line("create", "jobs") + line("patch", "hyperdrives"))
    assert audit.requests() == {"create jobs": 2, "patch hyperdrives": 1}


def test_without_a_log_nothing_is_counted() -> None:
    assert not Audit(None).requests()

from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from tests.support.builders import sweep

from hyperdrive_operator import __version__
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.runtime.telemetry import Telemetry


def test_everything_that_is_counted_is_shown() -> None:
    telemetry = Telemetry()
    telemetry.request("create", "jobs", 201, 0.004)
    telemetry.request("get", "hyperdrives", 0, 31)
    telemetry.reconciled("ok", 0.002)
    telemetry.queue_depth(3)
    telemetry.sweeps({"Running": 2, "Complete": 1})
    telemetry.trials({"Running": 5})
    telemetry.trial_ended("Succeeded")
    telemetry.leader(is_held=True)
    telemetry.stalled(1)
    telemetry.seconds_saved(90)
    telemetry.log_streams(4)
    telemetry.place_filled(2)
    telemetry.proposed("Bayesian", "ok", 0.3)
    telemetry.reported("Log", 7)
    lines = telemetry.render().decode().splitlines()
    for line in (
        'hyperdrive_api_requests_total{code="201",resource="jobs",verb="create"} 1.0',
        'hyperdrive_api_requests_total{code="0",resource="hyperdrives",verb="get"} 1.0',
        'hyperdrive_api_request_seconds_bucket{le="0.005",verb="create"} 1.0',
        'hyperdrive_reconciles_total{result="ok"} 1.0',
        "hyperdrive_reconcile_seconds_count 1.0",
        "hyperdrive_queue_depth 3.0",
        'hyperdrive_sweeps{state="Running"} 2.0',
        'hyperdrive_trials{state="Running"} 5.0',
        'hyperdrive_trials_ended_total{state="Succeeded"} 1.0',
        "hyperdrive_leader 1.0",
        "hyperdrive_sweeps_stalled 1.0",
        "hyperdrive_time_saved_seconds 90.0",
        "hyperdrive_log_streams 4.0",
        'hyperdrive_next_trial_seconds_bucket{le="1.0"} 0.0',
        'hyperdrive_next_trial_seconds_bucket{le="2.0"} 1.0',
        'hyperdrive_proposal_seconds_bucket{le="0.5",result="ok",sampler="Bayesian"} 1.0',
        'hyperdrive_reports_total{source="Log"} 7.0',
        f'hyperdrive_build_info{{version="{__version__}"}} 1.0',
    ):
        assert line in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


def test_a_state_that_is_empty_again_is_not_shown_with_its_old_count() -> None:
    telemetry = Telemetry()
    telemetry.trials({"Running": 5})
    telemetry.trials({"Succeeded": 5})
    text = telemetry.render().decode()
    assert 'hyperdrive_trials{state="Running"}' not in text
    assert 'hyperdrive_trials{state="Succeeded"} 5.0' in text


def test_two_of_them_do_not_share_anything() -> None:
    one, other = Telemetry(), Telemetry()
    one.queue_depth(3)
    assert "hyperdrive_queue_depth 0.0" in other.render().decode()


def test_the_first_bug_is_an_increase() -> None:
    assert 'hyperdrive_reconciles_total{result="bug"} 0.0' in Telemetry().render().decode()


def best_values_of(telemetry: Telemetry) -> dict[tuple[str, ...], float]:
    """Return the series of best values as Prometheus reads them."""
    families = text_string_to_metric_families(telemetry.render().decode())
    (family,) = [one for one in families if one.name == "hyperdrive_sweep_best_value"]
    assert family.type == "gauge"
    return {
        tuple(sample.labels[label] for label in ("namespace", "sweep", "metric", "goal")): sample.value
        for sample in family.samples
    }


def found(name: str, value: float, **given: Any) -> Sweep:
    status = {"startTime": "2026-03-01T12:00:00Z", "bestTrial": {"value": value}}
    return sweep(name, uid=name, status=status, **given)


def test_a_best_value_has_a_series_as_long_as_its_sweep_is_there() -> None:
    telemetry = Telemetry()
    assert best_values_of(telemetry) == {}
    digits = found("digits", 0.96938)
    goal = {"primaryMetric": "val\\loss", "goal": "Minimize"}
    telemetry.best_values([digits, found("other", -1e-9, namespace="team-b", objective=goal), sweep("begins", uid="x")])
    assert best_values_of(telemetry) == {
        ("lab", "digits", "accuracy", "Maximize"): 0.96938,
        ("team-b", "other", "val\\loss", "Minimize"): -1e-9,
    }
    telemetry.best_values([digits])
    assert [*best_values_of(telemetry).values()] == [0.96938]
    telemetry.best_values([])
    assert best_values_of(telemetry) == {}


def test_there_are_never_more_series_of_best_values_than_told() -> None:
    telemetry = Telemetry(best_values=3)
    for generation in range(4):
        telemetry.best_values([found(f"s-{generation}-{number}", number) for number in range(50)])
        assert len(best_values_of(telemetry)) == 3
    assert best_values_of(Telemetry(best_values=0)) == {}

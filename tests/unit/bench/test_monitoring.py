import json

from bench.monitoring.prometheus import shortened
from tests.support.helm import CHART


def test_minutes_become_seconds_and_nothing_else() -> None:
    assert shortened("10m") == "10s"
    assert (
        shortened('sum(rate(x{code=~"0|429|5.."}[5m])) / 60 > 0.1') == 'sum(rate(x{code=~"0|429|5.."}[5s])) / 60 > 0.1'
    )


def test_no_window_of_the_dashboard_is_left_in_minutes() -> None:
    panels = json.loads((CHART / "files" / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    queries = [shortened(target["expr"]) for panel in panels for target in panel["targets"]]
    assert queries
    assert not [query for query in queries if "m]" in query]

"""The operator's metrics. Labels come from closed sets, but for the one that names sweeps: it has a limit."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from hyperdrive_operator import __version__
from hyperdrive_operator.core.bestvalues import best_values
from hyperdrive_operator.core.sweep import Sweep

#: What can come of a pass.
RESULTS: Final = ("ok", "conflict", "throttled", "error", "bug")
# From a cached read to the time-out of a request.
REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# Both moments are kept in whole seconds: the mean is right, a single value may be one off.
PLACE_BUCKETS: Final = (1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600)
# From a quick sampler to the end of a slow one's patience, with the start of its process.
PROPOSAL_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
# From a pass that changes nothing to one that creates hundreds of Jobs.
RECONCILE_BUCKETS: Final = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class BestValues(Collector):
    """The best values of some of the sweeps, chosen at each scrape: no series outlives its sweep."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self.sweeps: Sequence[Sweep] = ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Make the metric; prometheus-client asks for it at each scrape."""
        family = GaugeMetricFamily(
            "hyperdrive_sweep_best_value",
            "Best value of a sweep's primary metric so far, of so many sweeps as --best-values says.",
            labels=("namespace", "sweep", "metric", "goal"),
        )
        for one in best_values(self.sweeps, self._at_most):
            family.add_metric((one.namespace, one.sweep, one.metric, one.goal), one.value)
        yield family


class Telemetry:
    """All collectors, in a registry of their own."""

    def __init__(self, *, best_values: int = 100) -> None:
        """Make them all; `best_values` is the number of sweeps whose best value is shown, and of such series."""
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        requests = Counter(
            "hyperdrive_api_requests",
            "Requests to the API server (code 0: no answer).",
            ("verb", "resource", "code"),
            registry=registry,
        )
        request_seconds = Histogram(
            "hyperdrive_api_request_seconds",
            "Time until the API server's answer began.",
            ("verb",),
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        # to find a series by its labels takes longer than to count in it, and there are four requests a trial
        self._requests, self._request_seconds = cache(requests.labels), cache(request_seconds.labels)
        self._reconciles = Counter("hyperdrive_reconciles", "Passes over one sweep.", ("result",), registry=registry)
        for result in RESULTS:  # from 0 on: Prometheus sees no increase in a series that begins with its first count
            self._reconciles.labels(result)
        self._reconcile_seconds = Histogram(
            "hyperdrive_reconcile_seconds",
            "Time of one pass over one sweep.",
            buckets=RECONCILE_BUCKETS,
            registry=registry,
        )
        self._leader = Gauge(
            "hyperdrive_leader", "1 if this replica does the work, 0 if it stands by.", registry=registry
        )
        self._queue_depth = Gauge("hyperdrive_queue_depth", "Sweeps that wait for a pass.", registry=registry)
        self._sweeps = Gauge("hyperdrive_sweeps", "Sweeps by state.", ("state",), registry=registry)
        self._trials = Gauge("hyperdrive_trials", "Trials by state.", ("state",), registry=registry)
        self._stalled = Gauge(
            "hyperdrive_sweeps_stalled",
            "Sweeps that a person must mend: their Stalled condition is true.",
            registry=registry,
        )
        self._seconds_saved = Gauge(
            "hyperdrive_time_saved_seconds",
            "What early termination has saved in the sweeps that are there.",
            registry=registry,
        )
        self._best_values = BestValues(best_values)
        registry.register(self._best_values)
        self._log_streams = Gauge("hyperdrive_log_streams", "Logs of trials that are followed.", registry=registry)
        build = Gauge("hyperdrive_build_info", "Always 1; the version is a label.", ("version",), registry=registry)
        build.labels(__version__).set(1)
        self._trials_ended = Counter(
            "hyperdrive_trials_ended", "Trials that ended since the start, by state.", ("state",), registry=registry
        )

        self._place_seconds = Histogram(
            "hyperdrive_next_trial_seconds",
            "From the end of a trial's Job to the creation of the Job that takes its place.",
            buckets=PLACE_BUCKETS,
            registry=registry,
        )
        self._proposal_seconds = Histogram(
            "hyperdrive_proposal_seconds",
            "Time until an optimiser has answered.",
            ("sampler", "result"),
            buckets=PROPOSAL_BUCKETS,
            registry=registry,
        )
        self._reports = Counter(
            "hyperdrive_reports", "Reports of trials that were recorded, by source.", ("source",), registry=registry
        )

    def request(self, verb: str, resource: str, code: int, seconds: float) -> None:
        """Count a request to the API server."""
        self._requests(verb, resource, str(code)).inc()
        self._request_seconds(verb).observe(seconds)

    def reconciled(self, result: str, seconds: float) -> None:
        """Count a pass over a sweep."""
        self._reconciles.labels(result).inc()
        self._reconcile_seconds.observe(seconds)

    def leader(self, *, is_held: bool) -> None:
        """Say whether this replica does the work."""
        self._leader.set(is_held)

    def queue_depth(self, depth: int) -> None:
        """Say how many sweeps wait."""
        self._queue_depth.set(depth)

    def sweeps(self, counts: Mapping[str, int]) -> None:
        """Say how many sweeps there are of each state; a state that is not named has none."""
        _replace(self._sweeps, counts)

    def trials(self, counts: Mapping[str, int]) -> None:
        """Say how many trials there are of each state; a state that is not named has none."""
        _replace(self._trials, counts)

    def stalled(self, count: int) -> None:
        """Say how many sweeps a person must mend."""
        self._stalled.set(count)

    def seconds_saved(self, seconds: int) -> None:
        """Say what early termination has saved in all sweeps."""
        self._seconds_saved.set(seconds)

    def best_values(self, sweeps: Sequence[Sweep]) -> None:
        """Say which sweeps there are whose best values may be shown."""
        self._best_values.sweeps = sweeps

    def log_streams(self, count: int) -> None:
        """Say how many logs are followed."""
        self._log_streams.set(count)

    def trial_ended(self, state: str) -> None:
        """Count a trial that has come to its end."""
        self._trials_ended.labels(state).inc()

    def reported(self, source: str, reports: int) -> None:
        """Count reports that were recorded: values of primary metrics."""
        self._reports.labels(source).inc(reports)

    def place_filled(self, seconds: float) -> None:
        """Take in how long a place was empty that a trial had left."""
        self._place_seconds.observe(seconds)

    def proposed(self, sampler: str, result: str, seconds: float) -> None:
        """Take in an answer of an optimiser: `ok`, or `failed`."""
        self._proposal_seconds.labels(sampler, result).observe(seconds)

    def render(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)


def _replace(gauge: Gauge, counts: Mapping[str, int]) -> None:
    gauge.clear()
    for state, count in counts.items():
        gauge.labels(state).set(count)

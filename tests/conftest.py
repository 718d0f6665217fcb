"""What holds for all tests: property tests try the same examples each time, so that no run fails by its luck."""

import signal

import pytest
from hypothesis import Phase, settings

settings.register_profile(
    "steady",
    derandomize=True,  # new examples come with a changed test, not with a new day
    database=None,  # nor with what an earlier run left in .hypothesis
    deadline=None,  # a busy machine is not a bug
    phases=(Phase.explicit, Phase.generate, Phase.target, Phase.shrink),  # explaining a failure takes longer than it
)
# To look for new ones: pytest --hypothesis-profile=wild
settings.register_profile("wild", derandomize=False, deadline=None, max_examples=1000)
settings.load_profile("steady")

# Whoever starts the tests in the background or with nohup ignores these for all its descendants: programs under test
# would not end by them as they do for a person.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what this machine could not check."""
    reasons = {str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ())}
    for reason in sorted(reason for reason in reasons if "NOT CHECKED" in reason):
        terminalreporter.write_line(f"!!! {reason}", bold=True)

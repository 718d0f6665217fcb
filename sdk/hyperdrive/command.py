"""The command line, for scripts that are not Python's: one call is one report."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .job import Answer, JobClient, NoAccount
from .journal import Journal
from .reporter import NO_ACCOUNT, NO_ROLE, short
from .sender import Outcome, pause_after
from .settings import Settings, read_settings
from .summary import MAX_NAME, Report, Summary, finite, line_of, whole
from .warning import Warner

_ABOUT = """Report metrics of this trial to HyperDrive. One call is one report; the calls of a container are counted.
Outside of a trial nothing is done. What goes wrong is a line on stderr, never a status that ends a script."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m hyperdrive`."""
    parser = argparse.ArgumentParser(prog="python -m hyperdrive")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_options(commands.add_parser("report", help="report metrics", description=_ABOUT))
    return _report(parser.parse_args(arguments))


def report_main() -> int:
    """Run `hyperdrive-report`."""
    parser = argparse.ArgumentParser(prog="hyperdrive-report", description=_ABOUT)
    _add_options(parser)
    return _report(parser.parse_args())


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("metrics", nargs="+", metavar="NAME=VALUE", type=_pair, help="a metric, as in accuracy=0.93")
    parser.add_argument(
        "--step", type=float, help="what the training calls this report: an epoch, a number of examples"
    )
    parser.add_argument(
        "--now", action="store_true", help="send at once, however much was sent lately: the last report"
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not 0 < len(name) <= MAX_NAME:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, as in accuracy=0.93")
    return name, value


def _report(options: argparse.Namespace) -> int:
    settings = read_settings(os.environ)
    warner = Warner()
    values = _numbers(options.metrics, warner)
    if not values or not settings.is_reporter:
        return 0
    report: Report = (values, whole(finite(options.step)))
    if settings.prints:
        print(line_of(*report), flush=True)  # noqa: T201  asked for
    if settings.trial and settings.server:
        _deliver(settings, report, warner, at_once=options.now)
    return 0


def _numbers(pairs: Sequence[tuple[str, str]], warner: Warner) -> dict[str, float]:
    values = {}
    for name, text in pairs:
        try:
            value = finite(float(text))
        except ValueError:
            value = None
        if value is None:
            warner.once("value", f"dropped a report of {name[:80]!r}, it is no finite number but {short(text)}")
        else:
            values[name] = value
    return values


def _deliver(settings: Settings, report: Report, warner: Warner, *, at_once: bool) -> None:
    try:
        journal = Journal(settings, Path(tempfile.gettempdir()))
        journal.add(report)
        with journal.sending():
            _send(settings, journal, warner, at_once=at_once)
    except OSError as error:
        warner.once("journal", f"reports are not counted ({short(error)}), give the container a /tmp to write to")
        alone = Summary(
            "", is_higher_better=True
        )  # its last values reach the Job; a curve of one report would be wrong
        alone.add(report)
        _patch(settings, alone.annotations(), warner)


def _send(settings: Settings, journal: Journal, warner: Warner, *, at_once: bool) -> None:
    found = journal.to_send(now=time.time(), at_once=at_once)
    if found is None:
        return
    reports, annotations = found
    answer = _patch(settings, annotations, warner)
    pause = None
    if answer is None or not answer.is_accepted:
        failed = Outcome(is_sent=False, retry_after=answer.retry_after if answer else None)
        pause = pause_after(failed, journal.failures + 1, settings.interval_seconds)
    journal.sent(reports, pause=pause, now=time.time())


def _patch(settings: Settings, annotations: Mapping[str, str], warner: Warner) -> Answer | None:
    client = JobClient(settings)
    try:
        answer = client.patch(annotations)
    except NoAccount:
        warner.once("send", f"no reports for trial {settings.trial}: {NO_ACCOUNT}")
        return None
    except Exception as error:  # noqa: BLE001  whatever it is, the script that called goes on
        warner.once("send", f"the report waits for the next call, the API server can't be reached ({short(error)})")
        return None
    finally:
        client.close()
    if not answer.is_accepted:
        hint = NO_ROLE if answer.status in (401, 403) else ""
        warner.once("send", f"the report waits for the next call: {answer.status} {short(answer.message)}{hint}")
    return answer

"""Logs: one line a thing, as JSON for machines or as text for people; what it is about comes from the context."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from hyperdrive_operator.kube.logcontext import RECONCILE_ID, SWEEP

# What a LogRecord has by itself; everything else came in `extra`.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# kopf has such a line for each attempt of each stream; the first and each tenth are enough.
_RETRY: Final = re.compile(r"Request attempt #(\d+)/\d+ failed; will retry")
# What kopf puts on its records: an object's reference and its own settings.
_IGNORED: Final = frozenset({"k8s_ref", "k8s_skip", "settings"})


def configure_logs(*, format: str, level: str, stream: TextIO | None = None) -> None:  # noqa: A002  # the flag's name
    """Send all logs to one stream (default: stderr)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    if level != "debug":
        handler.addFilter(_is_news)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    if level != "debug":
        # kopf has a line for each event that it hands over, and for each step of its start and end.
        logging.getLogger("kopf").setLevel(logging.WARNING)
        logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)


def _is_news(record: logging.LogRecord) -> bool:
    """Say whether a line of kopf's tells anything that is not said already."""
    if not record.name.startswith("kopf."):
        return True
    message = record.getMessage()
    if "OS signals are ignored" in message:  # in a thread it can't handle them: the supervisor does
        return False
    if " has failed: " in message:  # a task of kopf's, as by a CRD that is deleted: the streams begin it anew
        record.exc_info = None
    attempt = _RETRY.match(message)
    return attempt is None or attempt[1] == "1" or attempt[1].endswith("0")


def _context(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the line is about: the context, then what came in ``extra``."""
    context = {"sweep": SWEEP.get(), "reconcile_id": RECONCILE_ID.get()}
    data: dict[str, Any] = {name: value for name, value in context.items() if value}
    extra = vars(record).items()
    data.update((name, value) for name, value in extra if name not in _STANDARD and name not in _IGNORED)
    return data


def _timestamp(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": f"{_timestamp(record):%Y-%m-%dT%H:%M:%S.%fZ}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_context(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Time, level, message, then name=value pairs. A line break in a message or value never breaks the line."""

    def format(self, record: logging.LogRecord) -> str:
        words = [f"{_timestamp(record).astimezone():%H:%M:%S}", f"{record.levelname:<7}", record.getMessage()]
        words += [f"{name}={_quoted(value)}" for name, value in _context(record).items()]
        line = " ".join(words).replace("\n", "\\n")
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(c in text for c in ' "=\n') else text

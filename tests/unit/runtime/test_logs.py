import io
import json
import logging

import pytest

from hyperdrive_operator.kube.logcontext import log_context
from hyperdrive_operator.runtime.logs import configure_logs

logger = logging.getLogger("test.logs")


def test_json_has_what_it_is_about_and_the_data() -> None:
    stream = io.StringIO()
    configure_logs(format="json", level="info", stream=stream)
    with log_context(sweep="ns/digits", reconcile_id="7"):
        logger.info("trial %s", "ended", extra={"state": "Failed", "value": 0.5})
    logger.info("next")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "info",
        "logger": "test.logs",
        "message": "trial ended",
        "sweep": "ns/digits",
        "reconcile_id": "7",
        "state": "Failed",
        "value": 0.5,
    }
    assert not {"sweep", "reconcile_id"} & second.keys()


def test_text_is_one_line_whatever_a_value_holds() -> None:
    stream = io.StringIO()
    configure_logs(format="text", level="info", stream=stream)
    logger.warning("bad\nnews", extra={"error": 'say "no"\nor so', "empty": ""})
    (line,) = stream.getvalue().splitlines()
    assert line[8:] == ' WARNING bad\\nnews error="say \\"no\\"\\nor so" empty=""'


@pytest.mark.parametrize("style", ["text", "json"])
def test_an_exception_brings_its_traceback(style: str) -> None:
    stream = io.StringIO()
    configure_logs(format=style, level="info", stream=stream)
    try:
        raise ValueError("why")
    except ValueError:
        logger.exception("failed")
    assert "Traceback" in stream.getvalue()
    assert "ValueError: why" in stream.getvalue()
    if style == "json":
        assert len(stream.getvalue().splitlines()) == 1


def test_kopf_is_quiet_unless_asked() -> None:
    stream = io.StringIO()
    configure_logs(format="text", level="info", stream=stream)
    logging.getLogger("kopf.objects").info("Handler 'jobs' succeeded.")
    logging.getLogger("kopf._core.engines.activities").info("Initial authentication has finished.")
    logging.getLogger("kopf._core.reactor.running").warning("OS signals are ignored: running not in the main thread.")
    assert stream.getvalue() == ""
    logging.getLogger("kopf._core.reactor.running").warning("something else")
    assert "something else" in stream.getvalue()


def test_a_stream_that_is_refused_again_and_again_is_no_flood() -> None:
    stream = io.StringIO()
    configure_logs(format="text", level="info", stream=stream)
    for attempt in range(1, 37):
        logging.getLogger("kopf._core.reactor.queueing").error(f"Request attempt #{attempt}/37 failed; will retry: GET")
    logging.getLogger("kopf._core.reactor.queueing").error("Request attempt #37/37 failed; escalating: GET")
    assert [line.split("#")[1][:5] for line in stream.getvalue().splitlines()] == [
        *("1/37 ", "10/37", "20/37", "30/37"),
        "37/37",
    ]


@pytest.mark.parametrize("what", ["Watcher for hyperdrives", "Multidimensional multitasker"])
def test_a_stream_that_ends_since_its_crd_was_deleted_brings_no_traceback(what: str) -> None:
    stream = io.StringIO()
    configure_logs(format="json", level="info", stream=stream)
    try:
        raise ValueError("404 page not found")
    except ValueError as error:
        logging.getLogger("kopf._cogs.aiokits.aiotasks").exception(f"{what} has failed: {error}")
    (line,) = (json.loads(line) for line in stream.getvalue().splitlines())
    assert "404 page not found" in line["message"]
    assert "exception" not in line

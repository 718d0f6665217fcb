import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.kube.scripted_api import ScriptedApi, answer, refusal

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.events import BURST, MAX_QUEUED, REFILL_SECONDS, REPEAT_AFTER, RESERVE, EventRecorder
from hyperdrive_operator.kube.kinds import Object

EVENTS_PATH = "/apis/events.k8s.io/v1/namespaces/ns/events"
NOW = datetime(2026, 5, 4, 3, 2, 1, 123456, tzinfo=UTC)
SWEEP = {
    "apiVersion": "hyperdrive.dev/v1alpha1",
    "kind": "HyperDrive",
    "namespace": "ns",
    "name": "digits",
    "uid": "u1",
}


@pytest.fixture
def recorder(api: ScriptedApi, client: KubeClient) -> EventRecorder:
    api.on("POST", EVENTS_PATH, answer(201, {}))
    return EventRecorder(client, "hyperdrive-operator", "pod-1")


def say(recorder: EventRecorder, message: str, *, now: datetime = NOW, regarding: Object = SWEEP) -> None:
    recorder.record(regarding, type="Normal", reason="TrialFailed", message=message, now=now)


def notes(api: ScriptedApi) -> list[str]:
    return [call.body["note"] for call in api.calls]


async def test_an_event_says_who_what_when_and_about_what(api: ScriptedApi, recorder: EventRecorder) -> None:
    say(recorder, "trial 3 failed")
    await recorder.flush()
    event = api.calls[0].body
    assert event["metadata"].pop("name").startswith("digits.")
    assert event == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": "ns"},
        "regarding": SWEEP,
        "type": "Normal",
        "reason": "TrialFailed",
        "action": "TrialFailed",
        "note": "trial 3 failed",
        "eventTime": "2026-05-04T03:02:01.123456Z",
        "reportingController": "hyperdrive-operator",
        "reportingInstance": "pod-1",
    }


async def test_the_same_words_are_said_again_only_after_a_while(api: ScriptedApi, recorder: EventRecorder) -> None:
    say(recorder, "a")
    say(recorder, "a", now=NOW + REPEAT_AFTER - timedelta(seconds=1))
    say(recorder, "a", regarding={**SWEEP, "uid": "u2"})
    say(recorder, "a", now=NOW + REPEAT_AFTER)
    await recorder.flush()
    assert notes(api) == ["a", "a", "a"]


async def test_one_object_can_not_flood_and_does_not_silence_others(api: ScriptedApi, recorder: EventRecorder) -> None:
    for number in range(BURST + 10):
        say(recorder, f"{number}")
    say(recorder, "other", regarding={**SWEEP, "uid": "u2"})
    say(recorder, "later", now=NOW + timedelta(seconds=REFILL_SECONDS))
    say(recorder, "too soon", now=NOW + timedelta(seconds=REFILL_SECONDS))
    await recorder.flush()
    assert notes(api) == [*map(str, range(BURST)), "other", "later"]


async def test_minor_events_leave_room_for_what_matters(api: ScriptedApi, recorder: EventRecorder) -> None:
    for number in range(BURST):
        recorder.record(SWEEP, type="Normal", reason="TrialStopped", message=f"{number}", now=NOW, is_minor=True)
    for number in range(BURST):
        say(recorder, f"major {number}")
    await recorder.flush()
    assert notes(api) == [*map(str, range(BURST - RESERVE)), *(f"major {number}" for number in range(RESERVE))]


async def test_events_of_one_moment_have_names_of_their_own(api: ScriptedApi, recorder: EventRecorder) -> None:
    for number in range(BURST):
        say(recorder, f"{number}")
    await recorder.flush()
    assert len({call.body["metadata"]["name"] for call in api.calls}) == BURST


async def test_a_long_message_is_cut_within_the_limit_of_the_api(api: ScriptedApi, recorder: EventRecorder) -> None:
    say(recorder, "ü" * 1000)
    await recorder.flush()
    (note,) = notes(api)
    assert len(note.encode()) <= 1024
    assert note.endswith("ü…")


async def test_a_refused_event_is_dropped_and_the_next_one_written(api: ScriptedApi, recorder: EventRecorder) -> None:
    api.on("POST", EVENTS_PATH, refusal(403, "Forbidden", "no"), answer(201, {}))
    say(recorder, "a")
    say(recorder, "b")
    await recorder.flush()
    assert notes(api) == ["a", "b"]


async def test_a_full_queue_drops_and_never_blocks_or_raises(api: ScriptedApi, recorder: EventRecorder) -> None:
    for number in range(MAX_QUEUED + 50):
        say(recorder, "a", regarding={**SWEEP, "uid": f"u{number}"})
    await recorder.flush()
    assert len(api.calls) == MAX_QUEUED


async def test_events_are_written_in_the_background(api: ScriptedApi, recorder: EventRecorder) -> None:
    running = asyncio.create_task(recorder.run())
    say(recorder, "a")
    await recorder.flush()
    running.cancel()
    assert notes(api) == ["a"]

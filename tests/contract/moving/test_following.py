"""Logs that are followed with times, on the embedded cluster and on a real one: what exact counting relies on."""

import asyncio
import re

from tests.contract.moving.bench import NEVER, SECONDS, Bench, container, pod, pod_spec, state

from hyperdrive_operator.core.loglines import LogFeed, Position
from hyperdrive_operator.core.metrics import Aim, line_reader
from hyperdrive_operator.core.progress import Progress

AIM = Aim("accuracy", "Maximize")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")
TALKS = """
import sys, time
for n in range(6):
    print(f"accuracy=0.{n}", flush=True)
    time.sleep(0.4)
sys.stdout.write("x" * 40_000 + " accuracy=0.8\\n")
sys.stdout.write("accuracy=0.9")
"""
SAID = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 0.9]


async def followed(bench: Bench, name: str, **query: str) -> bytes:
    """Follow a pod's log to its end."""
    params = {"timestamps": "true", "follow": "true", **query}
    async with asyncio.timeout(SECONDS), bench.api.session.get(f"{bench.pods}/{name}/log", params=params) as response:
        assert response.status == 200, await response.text()
        return await response.read()


def feed_from(progress: Progress | None = None, position: Position | None = None) -> LogFeed:
    return LogFeed("a", line_reader(AIM), AIM, progress=progress or Progress(), position=position)


def values(feed: LogFeed) -> list[float]:
    return [point.value for point in feed.progress.curve.points]


async def test_each_line_of_a_followed_log_has_one_time_and_the_stream_ends_with_the_container(bench: Bench) -> None:
    await bench.api.made(bench.pods, pod("a", pod_spec(container(TALKS))))
    await bench.until_one(bench.pods, "a", lambda p: p["status"].get("phase") in {"Running", "Succeeded"})
    text = (await followed(bench, "a")).decode()
    lines = text.split("\n")
    assert [bool(STAMP.match(line)) for line in lines] == [True] * 8
    assert len(STAMP.findall(text)) == 8, "a line that the runtime writes in parts has one time"
    stamps = [line[:30] for line in lines]
    assert stamps == sorted(stamps)
    feed = feed_from()
    feed.feed(text.encode())
    feed.finish()
    assert values(feed) == SAID


async def test_a_log_since_a_time_begins_with_the_first_line_of_that_second(bench: Bench) -> None:
    await bench.finished_pod(pod("a", pod_spec(container(TALKS))))
    whole = await bench.log("a", timestamps="true")
    stamps = [line[:30] for line in whole.split("\n")]
    for stamp in stamps:
        # the kubelet drops the fraction of what it is asked for
        for since in (stamp, f"{stamp[:19]}Z"):
            rest = await bench.log("a", timestamps="true", sinceTime=since)
            assert [line[:30] for line in rest.split("\n")] == [each for each in stamps if each[:19] >= stamp[:19]]


async def test_whatever_was_counted_what_follows_from_there_is_the_rest(bench: Bench) -> None:
    await bench.finished_pod(pod("a", pod_spec(container(TALKS))))
    whole = (await bench.log("a", timestamps="true")).encode()
    for cut in range(0, len(whole), 1 + len(whole) // 50):
        feed = feed_from()
        feed.feed(whole[:cut])
        rest = await bench.log("a", timestamps="true", sinceTime=feed.position.since)
        again = feed_from(feed.progress, feed.position)
        again.feed(rest.encode())
        again.finish()
        assert values(again) == SAID


async def test_the_log_of_a_container_that_was_started_again_is_its_own_and_the_one_before_is_kept(
    bench: Bench,
) -> None:
    code = """
import os, sys, time
again = os.path.exists("/data/again")
open("/data/again", "w").close()
print(f"accuracy=0.{2 if again else 1}", flush=True)
time.sleep(600 if again else 1)
sys.exit(1)
"""
    mounted = container(code, volumeMounts=[{"name": "data", "mountPath": "/data"}])
    spec = pod_spec(mounted, restartPolicy="OnFailure", volumes=[{"name": "data", "emptyDir": {}}])
    await bench.api.made(bench.pods, pod("a", spec))
    await bench.until_one(bench.pods, "a", lambda p: p["status"].get("phase") == "Running")
    first = await followed(bench, "a")
    assert first.decode().endswith("accuracy=0.1\n"), "the stream ends with its container, whatever comes after it"
    await bench.until_one(
        bench.pods, "a", lambda p: p["status"]["containerStatuses"][0]["restartCount"] == 1 and "running" in state(p)
    )
    await bench.logged("a", "accuracy=0.2")
    before = await bench.log("a", timestamps="true", previous="true")
    now = await bench.log("a", timestamps="true")
    assert (before, now[31:]) == (first.decode(), "accuracy=0.2\n")
    assert before[:30] < now[:30]


async def test_there_is_no_log_before_a_container_that_runs_for_the_first_time(bench: Bench) -> None:
    await bench.api.made(bench.pods, pod("a", pod_spec(container(NEVER))))
    await bench.until_one(bench.pods, "a", lambda p: p["status"].get("phase") == "Running")
    reply = await bench.api.get(f"{bench.pods}/a/log", previous="true")
    assert reply.code == 400
    assert reply.message == 'previous terminated container "main" in pod "a" not found'

"""The work queue keeps client-go's promises."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hyperdrive_operator.controller.queue import (
    FIRST_BACKOFF_SECONDS,
    MAX_BACKOFF_SECONDS,
    MAX_OPEN,
    SPACING_FACTOR,
    SPACING_SECONDS,
    Key,
    Turn,
    WorkQueue,
)

A, B, C = (Key("lab", name) for name in "abc")


@pytest.fixture
async def queue() -> AsyncIterator[WorkQueue]:
    queue = WorkQueue()
    yield queue
    queue.close()


async def turn(queue: WorkQueue) -> Turn:
    return await asyncio.wait_for(queue.get(), 5)


async def taken(queue: WorkQueue) -> Key:
    return (await turn(queue)).key


async def test_keys_come_in_the_order_they_were_added(queue: WorkQueue) -> None:
    for key in (B, A, C):
        queue.add(key)
    assert [await taken(queue) for _ in range(3)] == [B, A, C]


async def test_a_key_waits_once_however_often_it_is_added(queue: WorkQueue) -> None:
    for key in (A, B, A, A):
        queue.add(key)
    assert len(queue) == 2
    assert [await taken(queue), await taken(queue)] == [A, B]


async def test_no_two_passes_decide_about_a_key_at_a_time(queue: WorkQueue) -> None:
    queue.add(A)
    first = await turn(queue)
    queue.add(A)
    queue.add(A)
    assert (len(queue), len(queue._timers)) == (0, 0)
    first.done()
    assert await taken(queue) == A
    assert (len(queue), len(queue._timers)) == (0, 0)


async def test_a_pass_that_only_writes_keeps_the_next_from_nothing(queue: WorkQueue) -> None:
    queue.add(A)
    first = await turn(queue)
    first.decided()
    queue.add(A)
    second = await turn(queue)
    queue.add(A)
    first.decided()  # said twice: the second still decides
    assert (len(queue), len(queue._timers)) == (0, 0)
    first.done()
    assert (len(queue), len(queue._timers)) == (0, 0)
    second.done()
    assert await taken(queue) == A


async def test_a_key_whose_writes_get_no_answer_has_a_bounded_number_of_passes(queue: WorkQueue) -> None:
    turns = []
    for _ in range(MAX_OPEN):
        queue.add(A)
        turns.append(await turn(queue))
        turns[-1].decided()
    queue.add(A)
    assert (len(queue), len(queue._timers)) == (0, 0)
    queue.add(B)
    assert await taken(queue) == B
    turns[1].done()
    assert await taken(queue) == A


async def test_decisions_about_a_key_have_a_distance_and_about_different_keys_none(queue: WorkQueue) -> None:
    loop = asyncio.get_running_loop()
    queue.add(A)
    first = await turn(queue)
    began = loop.time()
    first.done()
    queue.add(A)
    queue.add(A)
    queue.add(B)
    assert await taken(queue) == B
    assert await taken(queue) == A
    assert loop.time() - began >= 0.9 * SPACING_SECONDS


async def test_who_takes_long_to_decide_leaves_most_of_the_time_to_others(queue: WorkQueue) -> None:
    loop = asyncio.get_running_loop()
    queue.add(A)
    first = await turn(queue)
    began = loop.time()
    await asyncio.sleep(0.02)  # it computes
    took = loop.time() - began
    first.done()
    queue.add(A)
    assert await taken(queue) == A
    assert loop.time() - began >= 0.9 * (1 + SPACING_FACTOR) * took


async def test_what_a_pass_has_foreseen_comes_although_its_writes_get_no_answer(queue: WorkQueue) -> None:
    queue.add(A)
    first = await turn(queue)
    first.decided(0.02)
    first.decided(3600)  # said twice: the first counts
    assert await taken(queue) == A


async def test_what_a_pass_has_foreseen_comes_although_it_is_told_to_pause(queue: WorkQueue) -> None:
    queue.add(A)
    first = await turn(queue)
    first.decided(0.02)
    queue.add_after(A, 3600)
    first.done()
    assert await taken(queue) == A


async def test_it_is_idle_when_all_passes_are_done(queue: WorkQueue) -> None:
    queue.add(A)
    one = await turn(queue)
    one.decided()
    idle = asyncio.create_task(queue.idle())
    await asyncio.sleep(0)
    assert not idle.done()
    one.done()
    one.done()
    await asyncio.wait_for(idle, 5)


async def test_a_key_that_was_not_added_meanwhile_is_done_for_good(queue: WorkQueue) -> None:
    queue.add(A)
    (await turn(queue)).done()
    assert (len(queue), len(queue._timers)) == (0, 0)


async def test_who_waits_is_woken(queue: WorkQueue) -> None:
    waiting = [asyncio.create_task(taken(queue)) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add(A)
    queue.add(B)
    assert {*await asyncio.gather(*waiting)} == {A, B}


async def test_a_key_comes_later_when_it_is_told_to(queue: WorkQueue) -> None:
    queue.add_after(A, 0.01)
    assert len(queue) == 0
    assert await taken(queue) == A


async def test_of_several_times_the_earliest_counts(queue: WorkQueue) -> None:
    queue.add_after(A, 3600)
    queue.add_after(A, 0.01)
    queue.add_after(A, 1800)
    assert await taken(queue) == A
    assert not queue._timers


async def test_now_is_now(queue: WorkQueue) -> None:
    queue.add_after(A, 0)
    queue.add_after(B, -1)
    assert len(queue) == 2


async def test_each_failure_in_a_row_waits_longer_up_to_a_limit(queue: WorkQueue) -> None:
    pauses = [queue.add_failed(A) for _ in range(40)]
    assert pauses[:3] == [FIRST_BACKOFF_SECONDS, 2 * FIRST_BACKOFF_SECONDS, 4 * FIRST_BACKOFF_SECONDS]
    assert pauses[-1] == MAX_BACKOFF_SECONDS
    assert queue.add_failed(B) == FIRST_BACKOFF_SECONDS
    queue.forget_failures(A)
    assert queue.add_failed(A) == FIRST_BACKOFF_SECONDS


async def test_a_key_that_failed_while_it_was_added_again_comes_at_once(queue: WorkQueue) -> None:
    queue.add(A)
    one = await turn(queue)
    queue.add_failed(A)
    queue.add(A)
    one.done()
    assert await taken(queue) == A


async def test_nothing_comes_after_the_end() -> None:
    queue = WorkQueue()
    queue.add_after(A, 3600)
    _, timer = queue._timers[A]
    queue.close()
    assert timer.cancelled()


def test_a_key_is_written_as_people_write_it() -> None:
    assert str(A) == "lab/a"


async def test_a_pass_takes_with_it_what_was_to_come_later(queue: WorkQueue) -> None:
    queue.add_after(A, 0.02)
    queue.add(A)
    (await turn(queue)).done()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 0.1)

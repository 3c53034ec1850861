"""The channel's promises: order, bounds, and that neither side can be left hanging."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.channel import Channel

LIMIT = 5.0  # seconds after which a wait that should have ended has failed


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def joined(thread: threading.Thread) -> bool:
    thread.join(LIMIT)
    return not thread.is_alive()


def test_close_delivers_what_is_queued_then_ends() -> None:
    channel: Channel[int] = Channel(3)
    for item in (1, 2, 3):
        assert channel.send(item)
    channel.close()
    assert list(channel) == [1, 2, 3]
    assert list(channel) == []


def test_close_wakes_a_waiting_receiver() -> None:
    channel: Channel[int] = Channel(1)
    got: list[int] = []
    thread = in_thread(lambda: got.extend(channel))
    channel.close()
    assert joined(thread)
    assert got == []


def test_send_waits_for_room() -> None:
    channel: Channel[int] = Channel(1)
    channel.send(1)
    sent = threading.Event()
    thread = in_thread(lambda: channel.send(2) and sent.set())  # type: ignore[func-returns-value]
    assert not sent.wait(0.05)
    assert next(iter(channel)) == 1
    assert sent.wait(LIMIT)
    assert joined(thread)


def test_cancel_wakes_a_blocked_sender_and_refuses_later_ones() -> None:
    lost: list[int] = []
    channel: Channel[int] = Channel(1, discard=lost.append)
    channel.send(1)
    answers: list[bool] = []
    thread = in_thread(lambda: answers.append(channel.send(2)))
    channel.cancel()
    assert joined(thread)
    assert answers == [False]
    assert channel.send(3) is False
    assert sorted(lost) == [1, 2, 3]
    assert list(channel) == []


def test_cancel_wakes_a_waiting_receiver() -> None:
    channel: Channel[int] = Channel(1)
    thread = in_thread(lambda: list(channel))
    channel.cancel()
    assert joined(thread)


def test_drop_oldest_never_blocks_and_counts() -> None:
    lost: list[int] = []
    channel: Channel[int] = Channel(2, "drop_oldest", lost.append)
    for item in range(5):
        assert channel.send(item)
    channel.close()
    assert list(channel) == [3, 4]
    assert channel.dropped == 3
    assert lost == [0, 1, 2]


def test_a_falsy_item_is_discarded_too() -> None:
    lost: list[int | None] = []
    channel: Channel[int | None] = Channel(1, "drop_oldest", lost.append)
    channel.send(None)
    channel.send(0)
    channel.cancel()
    assert lost == [None, 0]


def test_send_after_close_is_a_mistake() -> None:
    channel: Channel[int] = Channel(1)
    channel.close()
    with pytest.raises(ValueError, match="closed"):
        channel.send(1)


def test_a_channel_holds_something() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Channel(0)


@given(
    size=st.integers(1, 4),
    drops=st.booleans(),
    steps=st.lists(st.sampled_from(["send", "receive"]), max_size=40),
)
def test_behaves_as_a_bounded_deque(size: int, drops: bool, steps: list[str]) -> None:
    lost: list[int] = []
    channel: Channel[int] = Channel(size, "drop_oldest" if drops else "block", lost.append)
    receiver = iter(channel)
    model: deque[int] = deque()
    expected_lost: list[int] = []
    for number, step in enumerate(steps):
        if step == "send" and (drops or len(model) < size):
            if len(model) == size:
                expected_lost.append(model.popleft())
            model.append(number)
            assert channel.send(number)
        elif step == "receive" and model:
            assert next(receiver) == model.popleft()
        assert len(channel) == len(model)
    channel.cancel()
    assert lost == expected_lost + list(model)


@given(items=st.lists(st.integers(), max_size=200), size=st.integers(1, 5))
def test_two_threads_keep_order_and_lose_nothing(items: list[int], size: int) -> None:
    channel: Channel[int] = Channel(size)

    def send() -> None:
        for item in items:
            channel.send(item)
        channel.close()

    thread = in_thread(send)
    assert list(channel) == items
    assert joined(thread)


def test_idle_is_called_while_nothing_comes_and_no_item_is_lost() -> None:
    calls: list[int] = []
    waited = threading.Event()

    def idle() -> None:
        calls.append(len(calls))
        if len(calls) == 2:
            waited.set()

    channel: Channel[int] = Channel(2, idle=idle)

    def send() -> None:
        channel.send(0)
        assert waited.wait(LIMIT)
        channel.send(1)
        channel.close()

    thread = in_thread(send)
    assert list(channel) == [0, 1]
    assert joined(thread)
    assert len(calls) >= 2

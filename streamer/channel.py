"""Channel: the bounded queue between two stages, which either side can end.

The sender ends it with `close`: what is queued is still delivered. The receiver ends it with
`cancel`: what is queued is discarded and every later `send` is refused. Both wake whoever waits, so
neither side can be left hanging by the other.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

OnFull = Literal["block", "drop_oldest"]

_IDLE_S = 0.05


class Channel(Generic[T]):
    """A bounded first-in-first-out queue for one sender and one receiver.

    Args:
        size: how many items it holds, at least 1.
        on_full: ``"block"`` makes the sender wait; ``"drop_oldest"`` drops the item that waited
            longest, and counts it.
        idle: called some twenty times a second, on the receiver's thread, while it waits; None for
            nothing.
        discard: called with each item that was taken from the sender and never reaches the
            receiver, so that an item can give back what it holds. Called without the lock.
    """

    def __init__(
        self,
        size: int,
        on_full: OnFull = "block",
        discard: Callable[[T], None] | None = None,
        idle: Callable[[], None] | None = None,
    ) -> None:
        if size < 1:
            raise ValueError(f"a channel holds at least 1 item, not {size}")
        self.size = size
        self._drops_oldest = on_full == "drop_oldest"
        self._discard = discard
        self._idle = idle
        self._items: deque[T] = deque()
        self._condition = threading.Condition()
        self._closed = False
        self._cancelled = False
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def dropped(self) -> int:
        """How many items ``drop_oldest`` has dropped."""
        return self._dropped

    def send(self, item: T) -> bool:
        """Queue an item, waiting for room if need be.

        Returns:
            Whether it was taken. False once the receiver has cancelled: stop sending. The item was
            then discarded.

        Raises:
            ValueError: the channel was closed by its sender.
        """
        lost: list[T] = []
        with self._condition:
            if self._closed:
                raise ValueError("send on a closed channel")
            if not self._drops_oldest:
                self._condition.wait_for(lambda: self._cancelled or len(self._items) < self.size)
            elif not self._cancelled and len(self._items) == self.size:
                lost.append(self._items.popleft())
                self._dropped += 1
            accepted = not self._cancelled
            if accepted:
                self._items.append(item)
                self._condition.notify_all()
            else:
                lost.append(item)
        self._discard_all(lost)
        return accepted

    def close(self) -> None:
        """No more items come; those queued are still delivered. Does nothing the second time."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def cancel(self) -> None:
        """Nobody receives any more; those queued are discarded. Does nothing the second time."""
        with self._condition:
            self._cancelled = True
            lost = list(self._items)
            self._items.clear()
            self._condition.notify_all()
        self._discard_all(lost)

    def _discard_all(self, items: list[T]) -> None:
        if self._discard is not None:
            for item in items:
                self._discard(item)

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._condition:
                ready = self._condition.wait_for(
                    lambda: bool(self._items) or self._closed or self._cancelled,
                    None if self._idle is None else _IDLE_S,
                )
                if ready:
                    if not self._items:
                        return
                    item = self._items.popleft()
                    self._condition.notify_all()
            if ready:
                yield item
            elif self._idle is not None:
                self._idle()

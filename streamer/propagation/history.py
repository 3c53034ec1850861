"""History: the steps between pictures that results still on their way will be carried along."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from streamer.propagation.flow import Field, compose
from streamer.propagation.view import View

_MOST = 48
"""Steps that are kept, half a megabyte each. A result that comes later than so many frames is
carried in longer steps."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """From a picture to the next that is kept.

    Attributes:
        seq: of the later picture.
        view: of the later picture.
        flow: from the later picture to the earlier.
        span: frames that it goes over.
    """

    seq: int
    view: View
    flow: Field
    span: int = 1


class History:
    """The latest steps, in order."""

    def __init__(self) -> None:
        self._steps: deque[Step] = deque()

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: Step, needed: Collection[int]) -> None:
        """Append a step; pictures whose number is in ``needed`` are never left out."""
        self._steps.append(step)
        if len(self._steps) > _MOST:
            self._thin(needed)

    def after(self, seq: int, stride: int, needed: Collection[int]) -> list[Step]:
        """The steps from picture ``seq`` on, joined to longer ones.

        Args:
            seq: of the picture.
            stride: steps that are joined, if no picture in ``needed`` is left out by that.
            needed: numbers of pictures.
        """
        result: list[Step] = []
        count = 0
        for step in self._steps:
            if step.seq <= seq:
                continue
            if count % stride and result[-1].seq not in needed:
                result[-1] = _join(result[-1], step)
            else:
                result.append(step)
                count = 0
            count += 1
        return result

    def count(self, seq: int) -> int:
        """How many steps there are from picture ``seq`` on."""
        return sum(step.seq > seq for step in self._steps)

    def forget(self, seq: int) -> None:
        """Drop the steps up to picture ``seq``."""
        while self._steps and self._steps[0].seq <= seq:
            self._steps.popleft()

    def clear(self) -> None:
        """Drop all steps."""
        self._steps.clear()

    def _thin(self, needed: Collection[int]) -> None:
        """Join the two neighbours that make the shortest step, the oldest of them."""
        steps = list(self._steps)
        free = [i for i in range(len(steps) - 1) if steps[i].seq not in needed]
        if not free:
            return
        first = min(free, key=lambda i: steps[i].span + steps[i + 1].span)
        joined = _join(steps[first], steps[first + 1])
        self._steps = deque([*steps[:first], joined, *steps[first + 2 :]])


def _join(a: Step, b: Step) -> Step:
    return Step(b.seq, b.view, compose(b.flow, a.flow), a.span + b.span)

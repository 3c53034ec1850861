"""A tracker for results that say themselves which object is which."""

from __future__ import annotations

from collections.abc import Mapping

from streamer.instances import Box, Instances


class GivenIds:
    """Takes the ids that results come with; keeps what was missed for ``grace`` results.

    Attributes:
        resets: how often it was told to forget.
        times: of the results.
    """

    def __init__(self, grace: int = 2) -> None:
        self.resets = 0
        self.times: list[float] = []
        self._grace = grace
        self._missed: dict[int, int] = {}

    def update(
        self,
        carried: Instances,
        found: Instances,
        at: float,
        hidden: Mapping[int, Box],  # noqa: ARG002
    ) -> Instances:
        self.times.append(at)
        missed = set(carried.track_ids.tolist()) - set(found.track_ids.tolist())
        self._missed = {number: self._missed.get(number, 0) + 1 for number in missed}
        kept = carried.take(
            [
                row
                for row, number in enumerate(carried.track_ids.tolist())
                if 0 < self._missed.get(number, 0) <= self._grace
            ],
        )
        return found.joined(kept)

    def reset(self) -> None:
        self.resets += 1

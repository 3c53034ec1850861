"""Track: what is known of one object from the results that had it."""

from __future__ import annotations

import math

from streamer.tracking.sight import Point, Sight

_SPEED_SECONDS = 1.0
"""How far back sights count for the speed: less, and the noise of boxes is taken for motion; more,
and turns are seen too late."""

_LEAST_KEPT = 0.1
"""Weight that earlier sights keep at least: two far apart still tell the way between them."""

_VOTE_KEPT = 0.8
"""Weight that earlier results' classes keep at each new one."""

_LEAST_VOTE = 0.05
"""Weight below which a class is forgotten."""

_STILL = 0.02
"""Part of its size that an object must move by to be looked for elsewhere."""

Class = tuple[int, str]
"""A class id and its label."""


class Track:
    """One object.

    Attributes:
        number: its id.
        sight: where it was seen last.
        seen_at: when that was, in seconds.
        results: how many had it.
        misses: results in a row that did not.
    """

    def __init__(self, number: int, sight: Sight, seen: Class, score: float, at: float) -> None:
        self.number = number
        self.sight = sight
        self.seen_at = at
        self.results = 1
        self.misses = 0
        self._votes: dict[Class, float] = {}
        self.vote(seen, score)
        self._motion = _Motion(sight.center, at)

    def observe(self, sight: Sight, seen: Class, score: float, at: float) -> None:
        """A result has it."""
        self._motion.add(sight.center, at)
        self.sight, self.seen_at = sight, at
        self.results += 1
        self.misses = 0
        faded = {name: _VOTE_KEPT * weight for name, weight in self._votes.items()}
        self._votes = {name: weight for name, weight in faded.items() if weight > _LEAST_VOTE}
        self.vote(seen, score)

    def vote(self, seen: Class, score: float) -> None:
        """The model takes it for this class."""
        self._votes[seen] = self._votes.get(seen, 0.0) + score
        self._may_be = {class_id for class_id, _ in self._votes}

    @property
    def best(self) -> Class:
        """The class that most of the latest results took it for, by their scores."""
        return max(self._votes, key=lambda name: self._votes[name])

    def may_be(self, class_id: int) -> bool:
        """Whether a result took it for that class lately."""
        return class_id in self._may_be

    def expected(self, at: float) -> Sight:
        """Where it is at a time if it goes on as it went; `sight` if that is nearly there."""
        x, y = (speed * (at - self.seen_at) for speed in self._motion.speed)
        width, height = self.sight.size
        if abs(x) <= _STILL * width and abs(y) <= _STILL * height:
            return self.sight
        return self.sight.moved(x, y)


class _Motion:
    """A line through the latest places: least squares, their weights halved and halved again.

    Source: the recursive form of weighted mean and covariance; D. West, "Updating Mean and
    Variance Estimates: An Improved Method" (1979).
    """

    def __init__(self, place: Point, at: float) -> None:
        self._last = self._time = at
        self._x, self._y = place
        self._weight = 1.0
        self._spread = self._along_x = self._along_y = 0.0

    def add(self, place: Point, at: float) -> None:
        """It is there now."""
        kept = max(math.exp(-max(at - self._last, 0.0) / _SPEED_SECONDS), _LEAST_KEPT)
        before, self._weight = kept * self._weight, kept * self._weight + 1
        time, x, y = at - self._time, place[0] - self._x, place[1] - self._y
        self._time += time / self._weight
        self._x += x / self._weight
        self._y += y / self._weight
        share = before / self._weight
        self._spread = kept * self._spread + share * time * time
        self._along_x = kept * self._along_x + share * time * x
        self._along_y = kept * self._along_y + share * time * y
        self._last = at

    @property
    def speed(self) -> Point:
        """Pixels a second to the right and down."""
        if not self._spread:
            return 0.0, 0.0
        return self._along_x / self._spread, self._along_y / self._spread

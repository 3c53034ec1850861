"""Track: one object on its way, as a value; each step gives a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.frame import Plane
from streamer.instances import Box, Instances
from streamer.propagation.appearance import Appearance
from streamer.propagation.carry import Motion, is_compact, moved
from streamer.propagation.flow import Ways
from streamer.propagation.patch import Patch, Rect, enlarge, extent, mixed, reduce
from streamer.propagation.view import FINE, Grids, View

_SUPPORTED = 0.15
"""Share of its area at the last result below which an object has lost its support; what is hidden
counts."""

_FADED = 0.15
"""Part of its score that an object without support loses with each frame."""

_OLD = 150
"""Frames after its last result from which an object has no support."""

_LOST = 45
"""Frames for which an object may be wholly hidden: then nothing tells any more where it is."""

_SETTLED = 4
"""Frames over which a new result takes the place of the mask that is shown, at most."""

_SETTLES = 3
"""Part of the frames since the result before, over which it does: one in so many."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """An object in a picture.

    Attributes:
        label, class_id, score: as the last result has them.
        patch: its mask.
        appearance: its colours.
        rim: f32[4], what the result's box has beyond its mask's bounds, in pixels.
        area: of the mask at the last result, in cells.
        whole: the same with what was hidden then.
        compact: whether it stays in one piece.
        age: frames since that.
        trust: 1 at a result that has it, less with each that misses it.
        fade: 1 while its mask has support in the picture, going to 0 without.
        shown: the mask that is shown while a new result settles.
        settling: frames for which it still does.
        hidden: what of it other objects hide.
        motion: of the whole of it, in each frame; None where nobody asked yet.
        unseen: frames since anything of it was seen.
    """

    label: str
    class_id: int
    score: float
    patch: Patch
    appearance: Appearance
    rim: NDArray[np.float32]
    area: float
    whole: float
    compact: bool = False
    age: int = 0
    trust: float = 1.0
    fade: float = 1.0
    shown: Patch | None = None
    settling: int = 0
    hidden: Patch | None = None
    motion: Motion | None = None
    unseen: int = 0

    @classmethod
    def begin(
        cls, found: Instances, row: int, view: View, grids: Grids, known: Track | None
    ) -> Track | None:
        """An object of a result; None where its mask is empty.

        Args:
            found: the result.
            row: the object's.
            view: the picture that the result is of.
            grids: of the view.
            known: the same object from earlier results.
        """
        rect = found.rects[row]
        patch = reduce(found.masks[row], rect, grids)
        if patch.bounds is None:
            return None
        appearance = Appearance.learn(view, patch, known.appearance if known else None)
        x, y, width, height = cv2.boundingRect(found.masks[row])
        tight = np.array([x, y, x + width, y + height], np.float32) + rect[[0, 1, 0, 1]]
        return cls(
            label=found.labels[row],
            class_id=int(found.class_ids[row]),
            score=float(found.scores[row]),
            patch=patch,
            appearance=appearance,
            rim=found.boxes[row] - tight,
            area=patch.area,
            whole=patch.area,
            compact=is_compact(patch),
        )

    @property
    def gone(self) -> bool:
        """Nothing of it is left to show, now or soon."""
        return self.fade <= 0 or self.unseen > _LOST or not (self.is_seen or self.hidden)

    @property
    def is_seen(self) -> bool:
        """Whether anything of it is in sight."""
        return self.patch.bounds is not None

    def uncovered(self) -> Box | None:
        """The box f64[4] that would be seen without what hides it; None where there is nothing."""
        cells = extent(self.patch, self.hidden)
        if cells is None:
            return None
        grid = self.patch.grid
        return np.array(cells) * (grid.cell if grid.level == FINE else grid.cell // 2) + self.rim

    def stepped(
        self,
        patch: Patch,
        hidden: Patch | None,
        motion: Motion | None,
        ways: Ways,
        span: int = 1,
    ) -> Track:
        """The object in a later picture.

        Args:
            patch: its mask there.
            hidden: what others hide of it there.
            motion: of it.
            ways: from there.
            span: frames that it is later.
        """
        shown, settling = self.shown, self.settling
        if shown is not None:
            shown = mixed(patch, moved(shown, ways), 1 / settling) if settling > 1 else None
            settling -= 1
        age = self.age + span
        area = patch.area + (hidden.area if hidden is not None else 0)
        supported = age < _OLD and (area >= _SUPPORTED * self.area or _leaving(patch))
        return replace(
            self,
            patch=patch,
            shown=shown,
            settling=settling,
            age=age,
            fade=min(self.fade + _FADED, 1.0) if supported else self.fade - _FADED * span,
            hidden=hidden,
            motion=motion,
            unseen=0 if patch.bounds is not None else self.unseen + span,
        )

    def settle(self, before: Track) -> Track:
        """This new result of an object, which was shown as ``before`` in the same picture."""
        frames = min((before.age - self.age) // _SETTLES, _SETTLED)
        settling = replace(self, fade=max(self.fade, before.fade))
        if frames < 2:
            return settling
        old = before.shown or before.patch
        return replace(settling, shown=mixed(self.patch, old, 1 / frames), settling=frames - 1)

    def outline(self, size: tuple[int, int]) -> tuple[NDArray[np.float32], Plane] | None:
        """Box f32[4] and mask crop in a frame of (width, height); None where nothing is inside."""
        shown = enlarge(self.shown or self.patch, size)
        if shown is None:
            return None
        left, top, mask = shown
        height, width = mask.shape
        tight = np.array([left, top, left + width, top + height], np.float32)
        box = np.minimum(np.maximum(tight + self.rim, 0), np.array([*size, *size], np.float32))
        x1, y1, x2, y2 = box.tolist()
        if x2 - x1 < 1 or y2 - y1 < 1:
            return tight, mask
        return box, _cut(mask, left, top, (floor(x1), floor(y1), ceil(x2), ceil(y2)))


Tracks = dict[int, Track]
"""Objects by id."""


def as_instances(tracks: Sequence[tuple[int, Track]], size: tuple[int, int]) -> Instances:
    """Tracks with their ids as the instances of a frame of (width, height), best score first."""
    rows = []
    for number, track in tracks:
        outline = track.outline(size)
        if outline is not None:
            rows.append((track.score * track.trust * max(track.fade, 0.0), number, track, outline))
    if not rows:
        return replace(Instances.empty(), inferred=False)
    rows.sort(key=lambda row: (-row[0], row[1]))
    return Instances(
        boxes=np.stack([outline[0] for *_, outline in rows]).astype(np.float32),
        scores=np.array([score for score, *_ in rows], np.float32),
        class_ids=np.array([track.class_id for _, _, track, _ in rows], np.int32),
        labels=tuple(track.label for _, _, track, _ in rows),
        masks=tuple(outline[1] for *_, outline in rows),
        track_ids=np.array([number for _, number, _, _ in rows], np.int32),
        inferred=False,
    )


def _leaving(patch: Patch) -> bool:
    """Whether a mask reaches the picture's border, where an object may go out of sight."""
    if patch.bounds is None:
        return False
    x1, y1, x2, y2 = patch.bounds
    return x1 == 0 or y1 == 0 or x2 == patch.grid.width or y2 == patch.grid.height


def _cut(mask: Plane, left: int, top: int, rect: Rect) -> Plane:
    """The part of a mask, which begins at (left, top), that a rectangle covers."""
    x1, y1, x2, y2 = rect
    part = np.zeros((y2 - y1, x2 - x1), np.uint8)
    inside = mask[max(y1 - top, 0) : max(y2 - top, 0), max(x1 - left, 0) : max(x2 - left, 0)]
    y, x = max(top - y1, 0), max(left - x1, 0)
    part[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return part

"""Track: one object on its way, as a value; each step gives a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.frame import Plane
from streamer.instances import Instances, covering_rects
from streamer.propagation.appearance import Appearance
from streamer.propagation.carry import Motion, is_compact, moved
from streamer.propagation.flow import Field
from streamer.propagation.patch import Patch, enlarge, mixed, reduce, united
from streamer.propagation.view import Grids, View

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
"""Frames over which a new result takes the place of the mask that is shown."""


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
        settling: frames since the new result came.
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
        appearance = Appearance.learn(view, patch, known.appearance if known else None)
        if appearance is None:
            return None
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

    def uncovered(self) -> Track:
        """The object as it would be seen without what hides it."""
        return replace(self, patch=united(self.patch, self.hidden), shown=None)

    def stepped(
        self,
        patch: Patch,
        hidden: Patch | None,
        motion: Motion | None,
        flow: Field,
        span: int = 1,
    ) -> Track:
        """The object in a later picture.

        Args:
            patch: its mask there.
            hidden: what others hide of it there.
            motion: of it.
            flow: from there.
            span: frames that it is later.
        """
        shown, settling = self.shown, self.settling + 1
        if shown is not None:
            weight = settling / _SETTLED
            shown = mixed(patch, moved(shown, flow), weight) if weight < 1 else None
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
        old = before.shown or before.patch
        return replace(
            self,
            shown=mixed(self.patch, old, 1 / _SETTLED),
            settling=1,
            fade=max(self.fade, before.fade),
        )

    def outline(self, size: tuple[int, int]) -> tuple[NDArray[np.float32], Plane] | None:
        """Box f32[4] and mask crop in a frame of (width, height); None where nothing is inside."""
        patch = self.shown or self.patch
        if patch.bounds is None:
            return None
        grid, n = patch.grid, patch.grid.cell
        x1, y1, x2, y2 = patch.bounds
        # The last cells of a row also stand for what sticks out behind them.
        around = np.array(
            [
                max((x1 - 1) * n, 0),
                max((y1 - 1) * n, 0),
                size[0] if x2 >= grid.width - 1 else (x2 + 1) * n,
                size[1] if y2 >= grid.height - 1 else (y2 + 1) * n,
            ],
            np.float32,
        )
        mask = enlarge(patch, around)
        x, y, width, height = cv2.boundingRect(mask)
        if not width:
            return None
        tight = np.array([x, y, x + width, y + height], np.float32) + around[[0, 1, 0, 1]]
        box = np.clip(tight + self.rim, 0, np.array([*size, *size], np.float32))
        if (box[2:] - box[:2] < 1).any():
            box = tight
        return box, _cut(mask, around, box)


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


def _cut(mask: Plane, around: NDArray[np.float32], box: NDArray[np.float32]) -> Plane:
    """The part of a mask, which lies at ``around``, that the whole pixels of a box cover."""
    x1, y1, x2, y2 = covering_rects(box[None])[0].tolist()
    left, top = int(around[0]), int(around[1])
    part = np.zeros((y2 - y1, x2 - x1), np.uint8)
    inside = mask[max(y1 - top, 0) : max(y2 - top, 0), max(x1 - left, 0) : max(x2 - left, 0)]
    y, x = max(top - y1, 0), max(left - x1, 0)
    part[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return part

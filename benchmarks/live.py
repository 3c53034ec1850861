"""Masks carried between inferences, against the truth, beside simply showing the stale result.

    python -m benchmarks.live [--clip CLIP --model MODEL]

(a) Scenes whose masks are known, at 30 frames a second with results 9 frames late: moving shapes,
    and the demo clip's scene, rendered. Of that, objects count that have moved by a tenth of their
    diagonal since the result and are at least half visible in both pictures.
(b) A clip, where the model's own masks of every frame are taken for the truth.
Files: the same, blended from the results on both sides.
Cost: of one core at 1080p, by the number of instances.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from streamer.engine import OpenVinoEngine
from streamer.frame import Frame
from streamer.instances import Instances
from streamer.models.registry import open_model
from streamer.overlap import mask_iou
from streamer.propagation.blend import between
from streamer.propagation.propagator import Propagator
from streamer.sources.file import FileSource
from streamer.tracking import Tracker
from tests.propagation.scenes import Scene, Shape
from tools.demo.classes import CATEGORY_IDS
from tools.demo.scenes.scene import Picture
from tools.demo.scenes.showcase import showcase

TARGET_KNOWN, TARGET_CLIP, TARGET_FILES, TARGET_MS = 0.85, 0.80, 0.85, 6.0


@dataclass
class Clip:
    """Frames and what is in each; ``visible`` is by track id."""

    frames: list[Frame]
    truth: list[Instances]
    visible: list[dict[int, float]] | None = None


@dataclass
class Shares:
    """IoU of masks with the truth: as they are shown, and of the stale result.

    ``ms`` is what each frame cost, of one core; empty where nothing was live.
    """

    shown: list[float] = field(default_factory=list)
    stale: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)

    def line(self, target: float) -> str:
        """Means and tenth percentiles."""
        mean, low = np.mean(self.shown), np.percentile(self.shown, 10)
        cost = f", {np.mean(self.ms):.2f} ms a frame" if self.ms else ""
        return (
            f"shown {mean:.3f} (p10 {low:.2f}), stale {np.mean(self.stale):.3f} "
            f"(p10 {np.percentile(self.stale, 10):.2f}), {len(self.shown)} masks, "
            f"target {target:.2f}: {'reached' if mean >= target else 'NOT reached'}{cost}"
        )


def shapes(count: int, size: tuple[int, int]) -> Scene:
    """Shapes that walk to and fro in lanes, and do not hide each other."""
    width, height = size
    lane = height / max(count, 4)
    return Scene(
        [
            Shape(
                center=(width * (0.1 + 0.8 * (i % 2)), lane * (i + 0.5)),
                speed=((0.5 - i % 2) * width * (4 + i % 3) / 400, 0),
                radii=(lane * (0.4 + 0.25 * (i % 3)), lane * 0.4),
                turn=(0.0, 1.5, 0.7)[i % 3],
                bar=i % 3 == 1,
                tint=((110, 160), (160, 100), (90, 110), (128, 150))[i % 4],
                luma=100 + 30 * (i % 4),
            )
            for i in range(count)
        ],
        size,
    )


def shapes_clip(count: int, size: tuple[int, int], length: int) -> Clip:
    scene = shapes(count, size)
    return Clip(scene.frames(length), [scene.truth(n) for n in range(length)])


def demo_clip(seconds: float) -> Clip:
    """The demo clip's scene, rendered."""
    scene, clip = showcase(), Clip([], [], [])
    assert clip.visible is not None
    for number in range(round(seconds * 30)):
        picture = scene.render(number / 30, 1280, 720)
        image = av.VideoFrame.from_ndarray(picture.image, format="bgr24")
        frame = Frame(image.reformat(format="yuv420p"), number, number, Fraction(1, 30))
        clip.frames.append(frame)
        clip.truth.append(_instances(picture))
        clip.visible.append({seen.track_id: seen.visible for seen in picture.objects})
    return clip


def _instances(picture: Picture) -> Instances:
    seen = [item for item in picture.objects if item.area >= 40]
    return Instances(
        boxes=np.array([item.box for item in seen], np.float32).reshape(-1, 4),
        scores=np.ones(len(seen), np.float32),
        class_ids=np.array([CATEGORY_IDS[item.label] for item in seen], np.int32),
        labels=tuple(item.label for item in seen),
        masks=tuple(item.crop for item in seen),
        track_ids=np.array([item.track_id for item in seen], np.int32),
    )


def real_clip(path: Path, model_path: Path) -> Clip:
    """A clip, and what the model finds in each frame: persons; the best is number 1."""
    model = open_model(model_path, threshold=0.5, classes=("person",))
    clip = Clip([], [])
    with OpenVinoEngine(model.graph, "CPU", "f32", requests=1) as engine:
        for frame in FileSource(path):
            tensors, geometry = model.preprocess(frame)
            pending = engine.submit(tensors)
            found = model.postprocess(pending.result(), geometry)
            pending.release()
            clip.frames.append(frame.copy())
            numbers = np.arange(1, len(found) + 1, dtype=np.int32)
            clip.truth.append(replace(found, track_ids=numbers))
    return clip


def live(clip: Clip, every: int, late: int) -> Iterator[tuple[int, Instances, float, float]]:
    """Frame number, what is shown, and milliseconds of the frame and of the result in it."""
    propagator = Propagator(Tracker())
    for number, frame in enumerate(clip.frames):
        began = time.thread_time()
        propagator.advance(frame)
        updating = time.thread_time()
        due = number - late
        if due >= 0 and due % every == 0:
            nameless = np.full(len(clip.truth[due]), -1, np.int32)
            propagator.update(due, replace(clip.truth[due], track_ids=nameless))
        updated = time.thread_time()
        shown = propagator.current()
        if number % every == 0:
            propagator.expect(number)
        ended = time.thread_time()
        yield number, shown, (ended - began) * 1e3, (updated - updating) * 1e3


def accuracy(clip: Clip, every: int, late: int) -> Shares:
    """What is shown against the truth, object by object."""
    shares = Shares()
    for number, shown, ms, _ in live(clip, every, late):
        shares.ms.append(ms)
        source = (number - late) // every * every
        if source < 0:
            continue
        old, now = clip.truth[source], clip.truth[number]
        for row, before in _both(now, old):
            if clip.visible is not None and not _counts(clip, number, row, source, before):
                continue
            alike = np.flatnonzero(shown.class_ids == now.class_ids[row])
            best = max((mask_iou(shown, int(i), now, row) for i in alike), default=0.0)
            shares.shown.append(best)
            shares.stale.append(mask_iou(old, before, now, row))
    return shares


def files(clip: Clip, every: int) -> Shares:
    """What is blended between results against the truth."""
    shares = Shares()
    for start in range(0, len(clip.frames) - every, every):
        first, last = clip.truth[start], clip.truth[start + every]
        blended = between(clip.frames[start : start + every + 1], first, last)
        for step in range(1, every):
            now = clip.truth[start + step]
            for row, before in _both(now, first):
                number = now.track_ids[row]
                if number not in last.track_ids:
                    continue
                rows = np.flatnonzero(blended[step].track_ids == number)
                found = mask_iou(blended[step], int(rows[0]), now, row) if len(rows) else 0.0
                shares.shown.append(found)
                shares.stale.append(mask_iou(first, before, now, row))
    return shares


def _both(now: Instances, old: Instances) -> Iterator[tuple[int, int]]:
    """The rows of objects that are in both."""
    rows = {number: row for row, number in enumerate(old.track_ids.tolist())}
    for row, number in enumerate(now.track_ids.tolist()):
        if number in rows:
            yield row, rows[number]


def _counts(clip: Clip, number: int, row: int, source: int, before: int) -> bool:
    """Whether an object has moved by a tenth of its diagonal, half of it visible in both."""
    assert clip.visible is not None
    track = int(clip.truth[number].track_ids[row])
    box, old = clip.truth[number].boxes[row], clip.truth[source].boxes[before]
    moved = np.abs(box[:2] + box[2:] - old[:2] - old[2:]).max() / 2
    far = moved > 0.1 * np.hypot(*(box[2:] - box[:2]))
    return bool(far) and min(clip.visible[n][track] for n in (number, source)) >= 0.5


def cost(count: int) -> str:
    """Milliseconds a frame at 1080p with so many instances."""
    clip = shapes_clip(count, (1920, 1080), 60)
    frames, updates = zip(*((ms, update) for _, _, ms, update in live(clip, 8, 8)), strict=True)
    frames, arrived = frames[8:], updates[8::8]
    return (
        f"{count:2} instances: mean {np.mean(frames):.2f} ms, p10 {np.percentile(frames, 10):.2f}, "
        f"median {np.median(frames):.2f}, "
        f"p95 {np.percentile(frames, 95):.2f}, of which a result {np.median(arrived):.2f}"
    )


def _rows(arguments: argparse.Namespace) -> Sequence[tuple[str, Callable[[], str]]]:
    demo = demo_clip(arguments.seconds)
    six = shapes_clip(6, (1280, 720), 60)
    known: list[tuple[str, Callable[[], str]]] = [
        ("shapes, a result every 9, 9 late", lambda: accuracy(six, 9, 9).line(TARGET_KNOWN)),
        ("demo, a result every 9, 9 late", lambda: accuracy(demo, 9, 9).line(TARGET_KNOWN)),
        ("demo, a result every 3, 9 late", lambda: accuracy(demo, 3, 9).line(TARGET_KNOWN)),
        ("demo as a file, every 8", lambda: files(demo, 8).line(TARGET_FILES)),
    ]
    if arguments.clip and arguments.model:
        clip = real_clip(arguments.clip, arguments.model)
        known += [
            ("clip, a result every 8, 8 late", lambda: accuracy(clip, 8, 8).line(TARGET_CLIP)),
            ("clip as a file, every 8", lambda: files(clip, 8).line(TARGET_FILES)),
        ]
    return known


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--clip", type=Path, help="a video with one person, for (b)")
    parser.add_argument("--model", type=Path, help="a segmentation model that knows persons")
    parser.add_argument("--seconds", type=float, default=6, help="of the demo scene (default 6)")
    cv2.setNumThreads(1)
    for name, measure in _rows(parser.parse_args()):
        print(f"{name}: {measure()}", flush=True)
    print(f"cost a frame of one core at 1080p, target {TARGET_MS} ms:")
    for count in (1, 5, 10):
        print(f"  {cost(count)}", flush=True)


if __name__ == "__main__":
    main()

"""Time of the overlay on a 1080p frame with 10 instances, beside the usual way over BGR.

Run as ``python benchmarks/overlay.py``. Both take and give planar YUV on one core, in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from streamer import palette
from streamer.frame import Frame, Plane
from streamer.instances import Instances
from streamer.overlay import OverlayStyle, draw

WIDTH, HEIGHT = 1920, 1080
ROUNDS = 25
TARGET_MS = 4.0
SIZES = (
    (300, 640),
    (240, 540),
    (480, 480),
    (200, 400),
    (520, 360),
    (180, 260),
    (140, 200),
    (240, 150),
    (60, 90),
    (80, 50),
)
CLASSES = ((1, "person"), (1, "person"), (3, "car"), (44, "bottle"), (10, "traffic light"))


def blob(width: int, height: int, noise: np.random.Generator) -> Plane:
    """A round mask u8[height, width] with a wavy edge that touches all four sides."""
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    radius = np.ones_like(angle)
    for wave in range(2, 9):
        phase = noise.uniform(0, 2 * np.pi)
        radius += noise.uniform(0, 0.25) / wave * np.cos(wave * angle + phase)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    points = (points - points.min(axis=0)) / np.ptp(points, axis=0) * (width - 1, height - 1)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 255)
    return mask


def scene() -> tuple[Frame, Instances]:
    """A picture of soft noise and ten blobs of mixed sizes on it."""
    noise = np.random.default_rng(1)
    frame = Frame(av.VideoFrame(WIDTH, HEIGHT, "yuv420p"), 0, 0, Fraction(1, 30))
    for plane in (frame.y, frame.u, frame.v):
        coarse = noise.integers(16, 236, (27, 48), np.uint8)
        plane[:] = cv2.resize(coarse, plane.shape[::-1], interpolation=cv2.INTER_LINEAR)
    corners = [
        (noise.integers(0, WIDTH - width), noise.integers(0, HEIGHT - height))
        for width, height in SIZES
    ]
    kinds = [CLASSES[i % len(CLASSES)] for i in range(len(SIZES))]
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, SIZES, strict=True)]
    instances = Instances(
        boxes=np.array(boxes, np.float32),
        scores=noise.uniform(0.5, 1, len(SIZES)).astype(np.float32),
        class_ids=np.array([kind[0] for kind in kinds], np.int32),
        labels=tuple(kind[1] for kind in kinds),
        masks=tuple(blob(w, h, noise) for w, h in SIZES),
    )
    return frame, instances


def full_size(instances: Instances) -> NDArray[np.bool_]:
    """Masks as most libraries give them, bool[N, HEIGHT, WIDTH]."""
    masks = np.zeros((len(instances), HEIGHT, WIDTH), bool)
    for whole, crop, (x1, y1, x2, y2) in zip(masks, instances.masks, instances.rects, strict=True):
        whole[y1:y2, x1:x2] = crop > 0
    return masks


def draw_over_bgr(yuv: Plane, instances: Instances, masks: NDArray[np.bool_]) -> Plane:
    """The usual way: to BGR, boolean indexing, rectangles and text, and back."""
    image = np.asarray(cv2.cvtColor(yuv, cv2.COLOR_YUV2BGR_I420), np.uint8)
    for i, mask in enumerate(masks):
        color = palette.color_of(int(instances.class_ids[i]), -1)[::-1]
        image[mask] = (image[mask] * 0.55 + np.array(color) * 0.45).astype(np.uint8)
        x1, y1, x2, y2 = instances.rects[i].tolist()
        cv2.rectangle(image, (x1, y1), (x2, y2), color, 2)
        text = f"{instances.labels[i]} {instances.scores[i]:.0%}"
        (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 1)
        cv2.rectangle(image, (x1, y1 - height - base), (x1 + width, y1), color, cv2.FILLED)
        where = (x1, y1 - base)
        cv2.putText(image, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 1, cv2.LINE_AA)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8)


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    cv2.setNumThreads(1)
    frame, instances = scene()
    masks = full_size(instances)
    yuv = np.concatenate([plane.reshape(-1) for plane in (frame.y, frame.u, frame.v)])
    yuv = yuv.reshape(HEIGHT * 3 // 2, WIDTH)
    ways: dict[str, Callable[[], object]] = {
        "planes, all": lambda: draw(frame, instances, OverlayStyle()),
        "planes, masks only": lambda: draw(frame, instances, OverlayStyle(False, False, True)),
        "planes, boxes only": lambda: draw(frame, instances, OverlayStyle(True, False, False)),
        "planes, labels only": lambda: draw(frame, instances, OverlayStyle(False, True, False)),
        "the copy alone": frame.copy,
        "over BGR": lambda: draw_over_bgr(yuv, instances, masks),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            # Once untimed: in a stream the frame before was drawn in the same way, so that the
            # allocator has the memory at hand; another way's habits would cost page faults.
            way()
            times[name].append(1000 * seconds(way))
    medians = {name: float(np.median(values)) for name, values in times.items()}
    print(f"{WIDTH}x{HEIGHT}, {len(instances)} instances, ", end="")
    print(f"masks cover {masks.any(axis=0).mean():.0%} of the picture; medians of {ROUNDS}")
    for name, median in medians.items():
        print(f"  {name:20} {median:7.2f} ms")
    ours, usual = medians["planes, all"], medians["over BGR"]
    met = "met" if ours <= TARGET_MS else "MISSED"
    print(f"{usual / ours:.1f} times as fast as over BGR; target {TARGET_MS:.0f} ms {met}")


if __name__ == "__main__":
    main()

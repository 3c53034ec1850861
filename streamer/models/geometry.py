"""How a picture is laid into a model's input, and back. Pure functions.

frame pixels  --scale-->  model pixels  --shift by the padding-->  model input

A picture is a frame of a video or, where accuracy is measured, an image as OpenCV reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.frame import Frame, Plane

Channels = Literal["RGB", "BGR"]
"""Order in which a model takes the colours of a pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A picture as OpenCV reads it from a file.

    Attributes:
        pixels: u8[height, width, 3], BGR.
    """

    pixels: NDArray[np.uint8]

    @property
    def width(self) -> int:
        """Columns of the picture."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows of the picture."""
        return int(self.pixels.shape[0])


Picture: TypeAlias = Frame | Image
"""What can be laid into a model's input."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where a frame lies in a model's input.

    Attributes:
        frame_width: columns of the frame.
        frame_height: rows of the frame.
        width: columns that the scaled frame takes in the input.
        height: rows that the scaled frame takes in the input.
        left: columns of padding before it.
        top: rows of padding above it.
    """

    frame_width: int
    frame_height: int
    width: int
    height: int
    left: int = 0
    top: int = 0

    @property
    def scale(self) -> tuple[float, float]:
        """Input pixels for one frame pixel, across and down."""
        return self.width / self.frame_width, self.height / self.frame_height

    def to_input(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes f32[N, 4] xyxy from frame pixels to input pixels."""
        return boxes * self._scales + self._offsets

    def to_frame(self, boxes: NDArray[np.float32], *, clip: bool = True) -> NDArray[np.float32]:
        """Boxes f32[N, 4] xyxy from input pixels to frame pixels, clipped to the frame."""
        moved: NDArray[np.float32] = (boxes - self._offsets) / self._scales
        if not clip:
            return moved
        limits = np.array([self.frame_width, self.frame_height] * 2, np.float32)
        return np.clip(moved, np.float32(0), limits)

    @property
    def _scales(self) -> NDArray[np.float32]:
        return np.array(self.scale * 2, np.float32)

    @property
    def _offsets(self) -> NDArray[np.float32]:
        return np.array([self.left, self.top] * 2, np.float32)


def letterbox(frame_size: tuple[int, int], input_size: tuple[int, int]) -> Geometry:
    """Keeps the aspect ratio and centres, as Ultralytics does. Sizes are (width, height)."""
    (fw, fh), (iw, ih) = frame_size, input_size
    ratio = min(iw / fw, ih / fh)
    width, height = max(round(fw * ratio), 1), max(round(fh * ratio), 1)
    return Geometry(
        fw, fh, width, height, round((iw - width) / 2 - 0.1), round((ih - height) / 2 - 0.1)
    )


def fit_corner(frame_size: tuple[int, int], input_size: tuple[int, int]) -> Geometry:
    """Keeps the aspect ratio and leaves the padding to the right and below, as Mask R-CNN has it.

    Sizes are (width, height). They are cut to whole pixels, not rounded, and in this order of
    operations: so Open Model Zoo's accuracy check does it, and published figures rest on that.
    """
    (fw, fh), (iw, ih) = frame_size, input_size
    ratio = min(ih / fh, iw / fw)
    return Geometry(fw, fh, max(int(ratio * fw), 1), max(int(ratio * fh), 1))


def stretch(frame_size: tuple[int, int], input_size: tuple[int, int]) -> Geometry:
    """Fills the input, whatever that does to the aspect ratio. Sizes are (width, height)."""
    return Geometry(*frame_size, *input_size)


def lay_into(
    picture: Picture, geometry: Geometry, target: NDArray[np.uint8], channels: Channels = "RGB"
) -> None:
    """Scale and convert a picture into ``target`` u8[H, W, 3]: a frame straight from its planes.

    Only the part that the picture covers is written; the padding is the caller's.
    """
    rows = slice(geometry.top, geometry.top + geometry.height)
    columns = slice(geometry.left, geometry.left + geometry.width)
    if isinstance(picture, Image):
        _lay_image(picture, target[rows, columns], channels)
    else:
        _lay_frame(picture, target[rows, columns], channels)


def _lay_frame(frame: Frame, target: NDArray[np.uint8], channels: Channels) -> None:
    size = (target.shape[1], target.shape[0])
    planes = [scale_plane(plane, size) for plane in (frame.y, frame.u, frame.v)]
    conversion = frame.color.to_rgb()
    if channels == "BGR":
        conversion = conversion[::-1].copy()
    # The conversion runs at the model's size, where it costs a tenth of a millisecond.
    cv2.transform(cv2.merge(planes), conversion, dst=target)


def _lay_image(image: Image, target: NDArray[np.uint8], channels: Channels) -> None:
    """Linear sampling however far down: published accuracies were measured with it."""
    size = (target.shape[1], target.shape[0])
    scaled = cv2.resize(image.pixels, size, interpolation=cv2.INTER_LINEAR)
    target[:] = scaled if channels == "BGR" else scaled[..., ::-1]


def scale_plane(plane: Plane, size: tuple[int, int]) -> Plane:
    """Scale a plane to (width, height): halved by averaging while far too large, then linear.

    Linear sampling alone skips pixels below half size, so that thin things flicker; averaging over
    the whole area in one go costs five times as much.
    """
    width, height = size
    while plane.shape[1] >= 2 * width and plane.shape[0] >= 2 * height:
        half = (plane.shape[1] // 2, plane.shape[0] // 2)
        even = plane[: half[1] * 2, : half[0] * 2]
        plane = np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.uint8)
    if plane.shape != (height, width):
        plane = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return plane

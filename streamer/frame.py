"""Frame: one picture of a video on its way from decoder to encoder.

A picture stays planar YUV 4:2:0, the form in which decoders give it and encoders want it. Full-size
RGB is three bytes a pixel instead of one and a half, and each conversion costs more than everything
that is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

PIXEL_FORMATS = ("yuv420p", "yuvj420p")
"""What a Frame's picture may be; the second is an older name for full range."""

# H.273 matrix coefficients, as FFmpeg numbers them in AVFrame.colorspace. RGB, unspecified and the
# rare rest fall back on the picture's size.
_MATRICES = {1: "bt709", 4: "bt601", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}
_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
_SWSCALE = {
    "bt601": Colorspace.ITU601,
    "bt709": Colorspace.ITU709,
    "bt2020": Colorspace.BT2020,
}
HD_LINES = 720
"""Where a file does not say its matrix, players take BT.709 from 720 lines on, BT.601 below."""


@dataclass(frozen=True, slots=True)
class Color:
    """How YCbCr relates to RGB in a picture.

    Attributes:
        matrix: ``"bt601"``, ``"bt709"`` or ``"bt2020"``.
        full_range: luma spans 0..255 rather than 16..235.
    """

    matrix: str = "bt709"
    full_range: bool = False

    @classmethod
    def of(cls, picture: av.VideoFrame) -> Color:
        """The picture's own tags, or what players assume where it has none."""
        small = max(min(picture.width, picture.height), 1) < HD_LINES
        matrix = _MATRICES.get(int(picture.colorspace), "bt601" if small else "bt709")
        full = picture.color_range == ColorRange.JPEG or picture.format.name.startswith("yuvj")
        return cls(matrix, full)

    def to_rgb(self) -> NDArray[np.float32]:
        """Affine map f32[3, 4] from (Y, Cb, Cr, 1) in 0..255 to (R, G, B) in 0..255.

        Source: ITU-R BT.601-7, BT.709-6 and BT.2020-2, section 3 or 4 of each.
        """
        kr, kb = _WEIGHTS[self.matrix]
        kg = 1.0 - kr - kb
        y_gain, y_zero, c_gain = (
            (1.0, 0.0, 1.0) if self.full_range else (255 / 219, 16.0, 255 / 224)
        )
        r_cr, b_cb = 2 * (1 - kr) * c_gain, 2 * (1 - kb) * c_gain
        g_cb, g_cr = -b_cb * kb / kg, -r_cr * kr / kg
        gains = np.array([[y_gain, 0, r_cr], [y_gain, g_cb, g_cr], [y_gain, b_cb, 0]])
        offsets = -gains @ np.array([y_zero, 128.0, 128.0])
        return np.column_stack([gains, offsets]).astype(np.float32)

    def from_rgb(self, rgb: tuple[int, int, int]) -> tuple[int, int, int]:
        """The (Y, Cb, Cr) of an RGB colour, all 0..255."""
        matrix = self.to_rgb().astype(np.float64)
        ycc = np.linalg.solve(matrix[:, :3], np.array(rgb, np.float64) - matrix[:, 3])
        y, cb, cr = (int(v) for v in np.clip(np.rint(ycc), 0, 255))
        return y, cb, cr


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture and when it is shown.

    Attributes:
        picture: planar YUV 4:2:0, 8 bits, upright, progressive. It carries the colour tags that go
            to the encoder. A source gives the decoder's own buffers, which may be reference frames
            of pictures to come: draw on a `copy`.
        seq: 0, 1, 2 ... in the order of the source, dropped frames counted.
        pts: presentation time in units of `time_base`; 0 is the start of the source.
        time_base: seconds of one unit.
        captured_at: `time.monotonic()` when the picture was decoded, in seconds.
        name: name of the image file that the picture was read from, for naming outputs alike.
    """

    picture: av.VideoFrame
    seq: int
    pts: int
    time_base: Fraction
    captured_at: float = 0.0
    name: str | None = None

    @property
    def width(self) -> int:
        """Columns of the picture."""
        return self.picture.width

    @property
    def height(self) -> int:
        """Rows of the picture."""
        return self.picture.height

    @property
    def time(self) -> Fraction:
        """Presentation time in seconds, exact."""
        return self.pts * self.time_base

    @property
    def color(self) -> Color:
        """How the planes relate to RGB."""
        return Color.of(self.picture)

    @property
    def y(self) -> Plane:
        """Luma u8[height, width], a view."""
        return _plane(self.picture, 0)

    @property
    def u(self) -> Plane:
        """Cb u8[ceil(height / 2), ceil(width / 2)], a view."""
        return _plane(self.picture, 1)

    @property
    def v(self) -> Plane:
        """Cr u8[ceil(height / 2), ceil(width / 2)], a view."""
        return _plane(self.picture, 2)

    def copy(self) -> Frame:
        """The same frame with a picture of its own, to draw on."""
        picture = av.VideoFrame(self.width, self.height, self.picture.format.name)
        for index in range(3):
            np.copyto(_plane(picture, index), _plane(self.picture, index))
        copy_tags(self.picture, picture)
        return replace(self, picture=picture)

    def to_bgr(
        self, size: tuple[int, int] | None = None, *, exact: bool = True
    ) -> NDArray[np.uint8]:
        """The picture as u8[height, width, 3] in OpenCV's channel order.

        Args:
            size: columns and rows to scale to; None for its own.
            exact: rounded to the nearest value. If not, colours are a level or two off, and it
                takes a tenth of the time: enough for who looks at it once.
        """
        color = self.color
        width, height = size or (self.width, self.height)
        careful = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
        picture = VideoReformatter().reformat(
            self.picture,
            width,
            height,
            "bgr24",
            src_colorspace=_SWSCALE[color.matrix],
            src_color_range=ColorRange.JPEG if color.full_range else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.BILINEAR | (careful if exact else Interpolation(0)),
            threads=1,
        )
        return np.asarray(picture.to_ndarray(), np.uint8)


def copy_tags(source: av.VideoFrame, target: av.VideoFrame) -> None:
    """Give ``target`` the colour tags of ``source``."""
    target.colorspace = source.colorspace
    target.color_range = source.color_range
    target.color_primaries = source.color_primaries
    target.color_trc = source.color_trc


def _plane(picture: av.VideoFrame, index: int) -> Plane:
    plane = picture.planes[index]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]

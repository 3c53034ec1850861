"""What every video encoder is told, and pictures as encoders take them."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.codec.context import ThreadType
from av.video.reformatter import ColorRange

from streamer.frame import Frame, Plane, copy_tags
from streamer.sinks.encoder import EncoderChoice

_MATRIX_RGB, _MATRIX_UNSPECIFIED = 0, 2


def configure(
    context: av.VideoCodecContext,
    encoder: EncoderChoice,
    first: Frame,
    *,
    time_base: Fraction,
    pixel_aspect: Fraction,
    threads: int,
) -> None:
    """Set up an encoder for pictures like ``first``.

    Args:
        context: of the encoder, not open yet.
        encoder: which it is.
        first: its size and colour tags become those of all.
        time_base: seconds of one unit of the pictures' times.
        pixel_aspect: width of a pixel over its height.
        threads: how many it may use; 0 for as many as it likes.
    """
    context.width = first.width if encoder.odd else first.width + first.width % 2
    context.height = first.height if encoder.odd else first.height + first.height % 2
    context.pix_fmt = encoder.pix_fmt
    context.time_base = time_base
    context.sample_aspect_ratio = pixel_aspect
    context.thread_count = threads
    # PyAV's default is threads within a picture: x264 then cuts it into slices, which costs
    # a quarter of the speed and some quality.
    context.thread_type = ThreadType.FRAME
    picture = first.picture
    rgb = int(picture.colorspace) == _MATRIX_RGB
    context.colorspace = _MATRIX_UNSPECIFIED if rgb else picture.colorspace
    context.color_primaries = picture.color_primaries
    context.color_trc = picture.color_trc
    context.color_range = ColorRange.JPEG if first.color.full_range else picture.color_range


def encodable(frame: Frame, width: int, height: int) -> av.VideoFrame:
    """The frame's picture as yuv420p of the coded size: itself, or a copy where it must differ."""
    picture = frame.picture
    if (frame.width, frame.height) == (width, height) and picture.format.name == "yuv420p":
        return picture
    wider = Frame(av.VideoFrame(width, height, "yuv420p"), frame.seq, frame.pts, frame.time_base)
    for target, plane in ((wider.y, frame.y), (wider.u, frame.u), (wider.v, frame.v)):
        _extend(plane, target)
    copy_tags(picture, wider.picture)
    if frame.color.full_range:
        wider.picture.color_range = ColorRange.JPEG
    return wider.picture


def _extend(plane: Plane, target: Plane) -> None:
    """Copy a plane into one that may be larger by a row and a column, which repeat the last."""
    height, width = plane.shape
    np.copyto(target[:height, :width], plane)
    target[:height, width:] = plane[:, -1:]
    target[height:] = target[height - 1 : height]

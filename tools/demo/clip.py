"""Renders the demo clip and what is in it.

    python -m tools.demo.clip -o assets/demo.mp4 --truth assets/demo-truth.jsonl

The clip is H.264 with AAC sound. The truth has the form of the results that `streamer run` writes,
with one key more: ``visible``, the share of the whole object that can be seen.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TextIO

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from rich.progress import track

from streamer import rle
from tools.demo.classes import CATEGORY_IDS
from tools.demo.scenes.pen import Patch
from tools.demo.scenes.scene import Picture
from tools.demo.scenes.showcase import SECONDS, showcase
from tools.demo.sound import RATE, soundtrack

FRAMES_A_SECOND = 30

_BT709 = 1
"""Colour primaries, transfer and matrix of BT.709 in H.273."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Render the clip."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo.clip", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.mp4")
    parser.add_argument("--truth", type=Path, metavar="FILE.jsonl", help="objects in the frames")
    parser.add_argument("--truth-every", type=int, default=10, metavar="N",
                        help="write every N-th frame's (default 10)")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"default {SECONDS}")
    parser.add_argument("--lines", type=int, default=720, help="height of the picture, 16:9")
    options = parser.parse_args(arguments)
    size = options.lines * 16 // 9 // 2 * 2, options.lines // 2 * 2
    render(options.output, options.truth, options.truth_every, options.seconds, size)


def render(
    output: Path, truth: Path | None, truth_every: int, seconds: float, size: tuple[int, int]
) -> None:
    """Render the clip and its truth; ``size`` is columns and rows, both even.

    Raises:
        OSError: a file cannot be written.
    """
    scene = showcase()
    sound = soundtrack(scene, seconds)
    count = round(seconds * FRAMES_A_SECOND)
    lines = truth.open("w", encoding="utf-8") if truth else None
    try:
        with av.open(str(output), "w", options={"movflags": "+faststart"}) as container:
            video, audio = _video_stream(container, size), _audio_stream(container)
            for number in track(range(count), "clip"):
                picture = scene.render(number / FRAMES_A_SECOND, *size)
                container.mux(video.encode(_video_frame(picture.image, number)))
                _mux_sound(container, audio, sound, number)
                if lines and number % truth_every == 0:
                    _write_line(lines, number, picture)
            container.mux(video.encode(None))
            container.mux(audio.encode(None))
    finally:
        if lines:
            lines.close()


def record(number: int, picture: Picture) -> dict[str, Any]:
    """The line of a frame: every object of which something can be seen."""
    size = picture.image.shape[:2]
    instances = [
        {
            "track_id": seen.track_id,
            "category_id": CATEGORY_IDS[seen.label],
            "label": seen.label,
            "score": 1.0,
            "box": [float(v) for v in seen.box],
            "segmentation": rle.encode(seen.crop, seen.box, size),
            "visible": round(seen.visible, 4),
        }
        for seen in picture.objects
        if seen.area
    ]
    pts_s = round(number / FRAMES_A_SECOND, 6)
    return {"seq": number, "pts_s": pts_s, "inferred": True, "instances": instances}


def _write_line(lines: TextIO, number: int, picture: Picture) -> None:
    lines.write(json.dumps(record(number, picture)) + "\n")


def _video_stream(container: OutputContainer, size: tuple[int, int]) -> VideoStream:
    options = {"crf": "25", "preset": "slow", "threads": "2"}
    stream = container.add_stream("libx264", rate=FRAMES_A_SECOND, options=options)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, FRAMES_A_SECOND)
    context.color_range = ColorRange.MPEG
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    return stream


def _audio_stream(container: OutputContainer) -> AudioStream:
    stream = container.add_stream("aac", rate=RATE, layout="stereo")
    stream.bit_rate = 96_000
    return stream


def _video_frame(image: Patch, number: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
    )
    frame.pts = number
    frame.time_base = Fraction(1, FRAMES_A_SECOND)
    return frame


def _mux_sound(
    container: OutputContainer, stream: AudioStream, sound: np.ndarray[Any, Any], number: int
) -> None:
    """Encode the sound of one video frame."""
    step = RATE // FRAMES_A_SECOND
    samples = np.ascontiguousarray(sound[:, number * step : (number + 1) * step])
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
    frame.sample_rate = RATE
    frame.pts = number * step
    frame.time_base = Fraction(1, RATE)
    container.mux(stream.encode(frame))


if __name__ == "__main__":
    main()

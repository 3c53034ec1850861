"""The README's picture: a few moments of the demo's real output, side by side.

streamer run
python -m tools.demo.picture [demo-annotated.mp4] [-o docs/demo.jpg] [--seconds 3.0 8.2]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

_QUALITY = 88


def moments(film: Path, seconds: Sequence[float]) -> list[NDArray[np.uint8]]:
    """The pictures u8[H, W, 3] BGR that are shown at some times, ascending."""
    wanted = list(seconds)
    found: list[NDArray[np.uint8]] = []
    with av.open(str(film)) as container:
        for picture in container.decode(video=0):
            while wanted and picture.time is not None and picture.time >= wanted[0]:
                found.append(np.asarray(picture.to_ndarray(format="bgr24"), np.uint8))
                wanted.pop(0)
    if wanted:
        raise SystemExit(f"{film} ends before {wanted[0]:g} s")
    return found


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("film", type=Path, nargs="?", default=Path("demo-annotated.mp4"))
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/demo.jpg"))
    parser.add_argument("--seconds", type=float, nargs="+", default=[3.2, 8.4])
    parser.add_argument("--width", type=int, default=1600, help="of the picture in pixels (1600)")
    options = parser.parse_args()
    joined = np.hstack(moments(options.film, sorted(options.seconds)))
    height = round(joined.shape[0] * options.width / joined.shape[1])
    small = cv2.resize(joined, (options.width, height), interpolation=cv2.INTER_AREA)
    if not cv2.imwrite(str(options.output), small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]):
        raise SystemExit(f"{options.output} cannot be written")


if __name__ == "__main__":
    main()

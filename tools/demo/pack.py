"""Put what was trained into the program: the weights in half precision, with their config.

python -m tools.demo.pack RUN [-o assets/demo.npz] [--proposals N] [--candidates N]

Both counts may be smaller than in training: scenes show a dozen objects, and work on what is no
object is done in vain.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from streamer.models.demo import pack
from tools.demo.training.config import CONFIG, NOTES

_NMS_IOU = _RPN_NMS_IOU = 0.6
"""Overlaps from which detections and proposals are taken for one: best on 200 training scenes."""


def main() -> None:
    """Pack the weights of a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("run", type=Path, help="folder of the run, which holds weights.npz")
    parser.add_argument("-o", "--output", type=Path, default=Path("assets/demo.npz"))
    parser.add_argument("--proposals", type=int, default=48, help="regions looked at (48)")
    parser.add_argument("--candidates", type=int, default=800, help="anchors that compete (800)")
    options = parser.parse_args()
    with np.load(options.run / "weights.npz") as archive:
        arrays = dict(archive)
    config = replace(
        CONFIG,
        proposals=options.proposals,
        rpn_candidates=options.candidates,
        nms_iou=_NMS_IOU,
        rpn_nms_iou=_RPN_NMS_IOU,
    )
    pack(config, arrays, NOTES, options.output)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

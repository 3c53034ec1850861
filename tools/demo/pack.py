"""Put what was trained into the program: the weights in half precision, with their config.

python -m tools.demo.pack RUN [-o assets/demo.npz] [--proposals N] [--candidates N]

Both counts may be smaller than in training: scenes show a dozen objects, and work on what is no
object is done in vain.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.models.demo import pack
from streamer.network.architecture import HEADS
from tools.demo.training.config import CONFIG, NOTES

_NMS_IOU, _RPN_NMS_IOU = 0.5, 0.65
"""Overlaps from which detections and proposals are taken for one, by 200 scenes that are like those
of training. For detections 0.6 gives 0.0006 more mask AP and ten times as many doubles."""

_BACKGROUND_ODDS = 3.0
"""How much rarer background is among a run's regions than among those that training samples: there
three to one object, here half of them."""


def main() -> None:
    """Pack the weights of a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("run", type=Path, help="folder of the run, which holds weights.npz")
    parser.add_argument("-o", "--output", type=Path, default=Path("assets/demo.npz"))
    parser.add_argument("--proposals", type=int, default=48, help="regions looked at (48)")
    parser.add_argument("--candidates", type=int, default=2000, help="anchors that compete (2000)")
    options = parser.parse_args()
    with np.load(options.run / "weights.npz") as archive:
        arrays = calibrated(dict(archive))
    config = replace(
        CONFIG,
        proposals=options.proposals,
        rpn_candidates=options.candidates,
        nms_iou=_NMS_IOU,
        rpn_nms_iou=_RPN_NMS_IOU,
    )
    pack(config, arrays, NOTES, options.output)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")


def calibrated(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Weights whose scores are the chances of a run's regions, not of those sampled in training.

    Logits are moved by the logarithm of how the odds differ (Saerens et al., "Adjusting the outputs
    of a classifier to new a priori probabilities", 2002).
    """
    name = f"{HEADS}/ClassPredictor/biases"
    biases = arrays[name].copy()
    biases[0] -= np.log(_BACKGROUND_ODDS)
    return {**arrays, name: biases}


if __name__ == "__main__":
    main()

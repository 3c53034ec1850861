"""Whether a device computes right: the demo on it, against the CPU in f32.

Drivers have been known to get masks wrong and boxes right, so both are judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from streamer.assets import DEMO
from streamer.errors import StreamerError, one_line
from streamer.evaluation.agreement import Agreement, compare
from streamer.evaluation.int8 import Pictures
from streamer.models.base import sample_inputs
from streamer.models.names import find
from streamer.models.registry import open_model
from streamer.two_pass import start

_PICTURES = 8
_FOUND_AGAIN = 0.9
_MASKS_OVERLAP = 0.9
# Detections near the threshold fall on either side of it by rounding alone.
_THRESHOLD, _LENIENT_THRESHOLD = 0.6, 0.4


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a device.

    Attributes:
        precision: that it takes by itself; empty where it does not run.
        words: ``right``, or what is wrong.
    """

    precision: str
    words: str

    @property
    def is_right(self) -> bool:
        """Whether it can be trusted."""
        return self.words == "right"


def self_check(device: str, models: Path) -> Verdict:
    """Try a device.

    Args:
        device: as OpenVINO names it.
        models: the folder that models are kept in.

    Raises:
        ModelError: the demo model cannot be built.
    """
    path = find(DEMO, models)
    exact, tried = (open_model(path, threshold=t) for t in (_THRESHOLD, _LENIENT_THRESHOLD))
    precision = ""
    try:
        with start(exact, "CPU", "f32", requests=1) as cpu, start(tried, device) as engine:
            precision = engine.precision
            engine.check(sample_inputs(tried))
            agreement = compare(exact, tried, (cpu, engine), Pictures(DEMO, _PICTURES))
    except StreamerError as failure:
        return Verdict(precision, one_line(failure))
    return Verdict(precision, judge(agreement))


def judge(agreement: Agreement) -> str:
    """``right``, or what is wrong."""
    if not agreement.detections:
        return "nothing was found that could be compared"
    if agreement.share < _FOUND_AGAIN:
        return f"wrong boxes: {agreement.share:.0%} of the CPU's detections are found"
    if agreement.mask_iou < _MASKS_OVERLAP:
        return f"wrong masks: they overlap with the CPU's by {agreement.mask_iou:.0%}"
    return "right"

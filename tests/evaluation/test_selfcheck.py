from __future__ import annotations

from pathlib import Path

import pytest

from streamer.evaluation.agreement import Agreement
from streamer.evaluation.selfcheck import judge, self_check


@pytest.mark.parametrize(
    ("agreement", "words"),
    [
        (Agreement(10, 10, [0.0] * 10, [0.99] * 10), "right"),
        (Agreement(10, 8, [0.0] * 8, [0.99] * 8), "wrong boxes: 80% of the CPU's detections"),
        (Agreement(10, 10, [0.0] * 10, [0.5] * 10), "wrong masks: they overlap with the CPU's by"),
        (Agreement(), "nothing was found"),
    ],
)
def test_verdicts(agreement: Agreement, words: str) -> None:
    assert judge(agreement).startswith(words)


def test_what_combines_devices_is_right_too(home: Path) -> None:
    verdict = self_check("HETERO:CPU", home / "models")
    assert (verdict.words, verdict.is_right) == ("right", True)
    assert verdict.precision


def test_a_device_that_is_not_there_is_said(home: Path) -> None:
    verdict = self_check("GPU.7", home / "models")
    assert not verdict.is_right
    assert verdict.precision == ""
    assert "GPU.7" in verdict.words

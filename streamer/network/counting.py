"""How large a Mask R-CNN is, and how much work."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from streamer.network.architecture import layers
from streamer.network.config import MaskRcnnConfig


@dataclass(frozen=True, slots=True)
class Size:
    """Parameters and work of the network as published: every mask, every class.

    Attributes:
        stored: numbers in the weights, with batch norm folded into them.
        published: the same as Open Model Zoo counts: the fourth block twice, since it runs twice.
        multiplies: multiply-adds of one image by part of the network.
    """

    stored: int
    published: int
    multiplies: dict[str, int]


def size_of(config: MaskRcnnConfig) -> Size:
    """Count the layers of a network."""
    stored = published = 0
    multiplies: Counter[str] = Counter()
    for layer in layers(config):
        numbers = max(layer.kernel, 1) ** 2 * layer.inputs * layer.outputs + layer.outputs
        stored += numbers
        published += numbers * layer.uses
        multiplies[layer.part] += layer.multiplies * layer.uses
    return Size(stored, published, dict(multiplies))

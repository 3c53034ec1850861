"""Beginning with the weights of a wider network: its strongest channels are kept.

A channel matters by the weights that make it and by those that use it (in the manner of Li et al.,
"Pruning filters for efficient ConvNets", 2017). A layer that has become wider keeps its new
channels as they were drawn. Training soon makes good what was cut away.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from streamer.network.architecture import (
    HEADS,
    RPN,
    RPN_CONV,
    backbone_units,
    mask_scope,
    roi_units,
    root_scope,
)
from streamer.network.config import MaskRcnnConfig
from tools.demo.training.export import Arrays

_PREDICTORS = ("BoxEncodingPredictor", "ClassPredictor")


def narrowed(wide: Arrays, drawn: Arrays, config: MaskRcnnConfig) -> Arrays:
    """The weights of a wider network in the shapes of another.

    Args:
        wide: of the wider network, which has the same layers.
        drawn: of the other, as drawn at random; what ``wide`` lacks stays so.
        config: of the other.
    """
    takes, makes = _channels(config)
    strength = _strength(wide, takes, makes)
    result = {}
    for name, start in drawn.items():
        scope, _, variable = name.rpartition("/")
        scope = scope.removesuffix("/BatchNorm")
        array = wide[name]
        if variable == "weights" and scope in takes:
            array = _strongest(array, strength[takes[scope]], start.shape[-2], array.ndim - 2)
        if scope in makes:
            array = _strongest(array, strength[makes[scope]], start.shape[-1], array.ndim - 1)
        result[name] = start.copy()
        result[name][tuple(map(slice, array.shape))] = array
    return result


def _channels(config: MaskRcnnConfig) -> tuple[dict[str, str], dict[str, str]]:
    """By layer, the group of channels that it takes, and the one that it makes.

    Layers that add to one residual stream make the same group.
    """
    root = root_scope(config)
    takes: dict[str, str] = {}
    makes, stream = {root: root}, root
    for unit in (*backbone_units(config), *roi_units(config)):
        block = unit.scope.split("/unit_")[0]
        steps = [f"{unit.scope}/conv{number}" for number in (1, 2, 3)]
        takes.update(zip(steps, [stream, *steps[:2]], strict=True))
        makes.update(zip(steps, [*steps[:2], block], strict=True))
        if unit.projects:
            shortcut = f"{unit.scope}/shortcut"
            takes[shortcut], makes[shortcut] = stream, block
        stream = block
        if block.endswith("block3"):
            takes[RPN_CONV], makes[RPN_CONV] = block, RPN_CONV
    for name in _PREDICTORS:
        takes[f"{RPN}/{name}"], takes[f"{HEADS}/{name}"] = RPN_CONV, stream
    for number in range(config.mask_convs):
        scope = mask_scope(number)
        takes[scope] = stream
        if number < config.mask_convs - 1:
            makes[scope] = stream = scope
    return takes, makes


def _strength(
    arrays: Arrays, takes: dict[str, str], makes: dict[str, str]
) -> dict[str, NDArray[np.float32]]:
    """By group, how much each channel matters."""
    made: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    used: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for scope, group in makes.items():
        kernel = arrays[f"{scope}/weights"]
        gamma = arrays.get(f"{scope}/BatchNorm/gamma")
        # Batch norm undoes whatever scale the weights have.
        made[group].append(_relative(_norms(kernel, -1) if gamma is None else np.abs(gamma)))
    for scope, group in takes.items():
        used[group].append(_relative(_norms(arrays[f"{scope}/weights"], -2)))
    return {group: np.mean(made[group], 0) * np.mean(used[group], 0) for group in made}


def _norms(kernel: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    others = tuple(a for a in range(kernel.ndim) if a != kernel.ndim + axis)
    return np.asarray(np.sqrt(np.square(kernel).sum(others)), np.float32)


def _relative(sizes: NDArray[np.float32]) -> NDArray[np.float32]:
    # All are 0 where a network was drawn and not yet trained: then none matters more.
    return np.asarray(sizes / sizes.mean() if sizes.any() else np.ones_like(sizes), np.float32)


def _strongest(
    array: NDArray[np.float32], strength: NDArray[np.float32], count: int, axis: int
) -> NDArray[np.float32]:
    kept = np.sort(np.argsort(-strength, kind="stable")[:count])
    return np.take(array, kept, axis)

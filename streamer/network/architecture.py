"""The network's layers as data: what building, checking weights and counting all go by.

Names and rules are those of the TensorFlow Object Detection API (state of early 2018) and of
TF-Slim's ``resnet_v1``: a block's stride sits in its last unit, and once the feature map has its
stride, later strides are replaced by dilation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streamer.network.config import MaskRcnnConfig

FIRST_STAGE = "FirstStageFeatureExtractor"
SECOND_STAGE = "SecondStageFeatureExtractor"
RPN = "FirstStageBoxPredictor"
HEADS = "SecondStageBoxPredictor"
RPN_CONV = "Conv"

_ROOT_KERNEL = 7


@dataclass(frozen=True, slots=True)
class Unit:
    """A bottleneck: 1x1, 3x3 and 1x1 convolution beside a shortcut.

    Attributes:
        scope: of its variables.
        inputs: channels that enter.
        width: channels between the convolutions.
        depth: channels that leave.
        stride: of the 3x3 convolution and of the shortcut.
        rate: dilation of the 3x3 convolution.
    """

    scope: str
    inputs: int
    width: int
    depth: int
    stride: int
    rate: int

    @property
    def projects(self) -> bool:
        """Whether the shortcut is a convolution, because the channels change."""
        return self.inputs != self.depth


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution or a fully connected layer.

    Attributes:
        scope: of its variables.
        part: of the network, for reports.
        kernel: rows and columns; 0 for a fully connected layer.
        inputs: channels that enter.
        outputs: channels that leave.
        positions: places where it is evaluated for one image.
        batch_norm: whether batch norm follows; else it has biases.
        uses: how many times the network has it.
    """

    scope: str
    part: str
    kernel: int
    inputs: int
    outputs: int
    positions: int
    batch_norm: bool = False
    uses: int = 1

    @property
    def multiplies(self) -> int:
        """Multiply-adds of one use."""
        return max(self.kernel, 1) ** 2 * self.inputs * self.outputs * self.positions

    def shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Names and shapes of its variables, as TensorFlow lays them out."""
        window = (self.kernel, self.kernel) if self.kernel else ()
        yield f"{self.scope}/weights", (*window, self.inputs, self.outputs)
        if self.batch_norm:
            for name in ("gamma", "beta", "moving_mean", "moving_variance"):
                yield f"{self.scope}/BatchNorm/{name}", (self.outputs,)
        else:
            yield f"{self.scope}/biases", (self.outputs,)


def root_scope(config: MaskRcnnConfig) -> str:
    """Scope of the first convolution."""
    return f"{FIRST_STAGE}/{config.backbone}/conv1"


def backbone_units(config: MaskRcnnConfig) -> Iterator[Unit]:
    """The units of blocks 1 to 3, which make the feature map."""
    inputs, reached, rate = config.base_width, 4, 1
    for block in (1, 2, 3):
        depth, last = config.block_depth(block), config.units[block - 1]
        for number in range(1, last + 1):
            scope = f"{FIRST_STAGE}/{config.backbone}/block{block}/unit_{number}/bottleneck_v1"
            wanted = 2 if number == last else 1
            stride = wanted if reached < config.features_stride else 1
            yield Unit(scope, inputs, config.block_width(block), depth, stride, rate)
            reached *= stride
            rate *= wanted // stride
            inputs = depth


def roi_units(config: MaskRcnnConfig) -> Iterator[Unit]:
    """The units of block 4, which each region of interest passes."""
    inputs, depth = config.feature_depth, config.block_depth(4)
    for number in range(1, config.units[3] + 1):
        scope = f"{SECOND_STAGE}/{config.backbone}/block4/unit_{number}/bottleneck_v1"
        yield Unit(scope, inputs, config.block_width(4), depth, 1, 1)
        inputs = depth


def layers(config: MaskRcnnConfig) -> Iterator[Layer]:
    """Every layer that has weights, in the order in which they run."""
    yield from _backbone_layers(config)
    yield from _rpn_layers(config)
    for unit in roi_units(config):
        yield from _unit_layers(unit, "block4", config.proposals * config.roi_size**2, uses=2)
    depth, rois = config.block_depth(4), config.proposals
    part = "fully connected"
    yield Layer(f"{HEADS}/BoxEncodingPredictor", part, 0, depth, 4 * config.classes, rois)
    yield Layer(f"{HEADS}/ClassPredictor", part, 0, depth, config.classes + 1, rois)
    for number in range(config.mask_convs):
        outputs = config.classes if number == config.mask_convs - 1 else config.mask_depth
        positions = config.max_detections * config.mask_size**2
        yield Layer(mask_scope(number), "mask head", 3, depth, outputs, positions)
        depth = outputs


def mask_scope(number: int) -> str:
    """Scope of the mask head's convolution ``number``, from 0."""
    return f"{HEADS}/Conv_{number}" if number else f"{HEADS}/Conv"


def _backbone_layers(config: MaskRcnnConfig) -> Iterator[Layer]:
    height, width = -(-config.height // 2), -(-config.width // 2)
    scope, part = root_scope(config), "backbone"
    yield Layer(scope, part, _ROOT_KERNEL, 3, config.base_width, height * width, batch_norm=True)
    height, width = -(-height // 2), -(-width // 2)
    for unit in backbone_units(config):
        before = height * width
        height, width = -(-height // unit.stride), -(-width // unit.stride)
        yield from _unit_layers(unit, part, height * width, before)


def _rpn_layers(config: MaskRcnnConfig) -> Iterator[Layer]:
    cells = config.feature_size[0] * config.feature_size[1]
    depth, anchors = config.rpn_depth, config.anchors_per_cell
    yield Layer(RPN_CONV, "RPN", config.rpn_kernel, config.feature_depth, depth, cells)
    yield Layer(f"{RPN}/BoxEncodingPredictor", "RPN", 1, depth, 4 * anchors, cells)
    yield Layer(f"{RPN}/ClassPredictor", "RPN", 1, depth, 2 * anchors, cells)


def _unit_layers(
    unit: Unit, part: str, after: int, before: int | None = None, uses: int = 1
) -> Iterator[Layer]:
    """Layers of ``unit``; ``before`` and ``after`` are places before and after its stride."""
    first = after if before is None else before
    convolutions = [
        ("conv1", 1, unit.inputs, unit.width, first),
        ("conv2", 3, unit.width, unit.width, after),
        ("conv3", 1, unit.width, unit.depth, after),
    ]
    if unit.projects:
        convolutions.insert(0, ("shortcut", 1, unit.inputs, unit.depth, after))
    for name, kernel, inputs, outputs, positions in convolutions:
        scope = f"{unit.scope}/{name}"
        yield Layer(scope, part, kernel, inputs, outputs, positions, batch_norm=True, uses=uses)

"""What a Mask R-CNN of the TensorFlow Object Detection API is made of, in numbers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from streamer.errors import ModelError

_EXPANSION = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskRcnnConfig:
    """A Faster R-CNN with a ResNet v1 and a mask head. The defaults are the COCO release's.

    Attributes:
        height: rows of the input image.
        width: columns of the input image.
        keep_aspect_ratio: pictures are scaled to fit, with padding right and below; else stretched.
        means: what is subtracted from R, G and B.
        classes: how many, without the background. Their ids are 1 to ``classes``.
        backbone: scope of the feature extractor's variables, such as ``"resnet_v1_50"``.
        units: bottleneck units of the four blocks.
        base_width: channels after the first convolution and of the first block's bottleneck.
        features_stride: input pixels for one cell of the feature map; later strides become rates.
        rpn_depth: channels of the RPN's own convolution.
        rpn_kernel: its size, odd.
        rpn_rate: its dilation.
        anchor_scales: anchor sizes as multiples of ``anchor_base``.
        anchor_ratios: widths of anchors over their heights.
        anchor_base: height and width of an anchor of scale 1 and ratio 1, in pixels.
        anchor_stride: pixels between neighbouring anchor centres, down and across.
        anchor_offset: centre of the first anchor, in pixels, down and across.
        rpn_candidates: so many of the best anchors compete to be proposals; None for all, as the
            original has it.
        rpn_score_threshold: proposals must score more.
        rpn_nms_iou: a proposal that overlaps a better one by more is dropped.
        proposals: how many reach the box head.
        crop_size: rows and columns that are sampled from a region of interest.
        pool: size and stride of the max pooling after that.
        score_threshold: detections must score more.
        nms_iou: a detection that overlaps a better one of its class by more is dropped.
        max_per_class: detections kept of one class.
        max_detections: detections kept in all.
        mask_size: rows and columns of a predicted mask.
        mask_depth: channels of the mask head's convolutions.
        mask_convs: how many it has, with the one that gives a plane for each class.
        box_scales: the box coder's scales of y, x, height and width.
        batch_norm_epsilon: what is added to the variance.
    """

    height: int = 800
    width: int = 1365
    keep_aspect_ratio: bool = False
    means: tuple[float, float, float] = (123.68, 116.779, 103.939)
    classes: int = 90
    backbone: str = "resnet_v1_50"
    units: tuple[int, int, int, int] = (3, 4, 6, 3)
    base_width: int = 64
    features_stride: int = 8
    rpn_depth: int = 512
    rpn_kernel: int = 3
    rpn_rate: int = 2
    anchor_scales: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    anchor_base: tuple[float, float] = (256.0, 256.0)
    anchor_stride: tuple[int, int] = (8, 8)
    anchor_offset: tuple[float, float] = (0.0, 0.0)
    rpn_candidates: int | None = None
    rpn_score_threshold: float = 0.0
    rpn_nms_iou: float = 0.7
    proposals: int = 100
    crop_size: int = 14
    pool: int = 2
    score_threshold: float = 0.3
    nms_iou: float = 0.6
    max_per_class: int = 100
    max_detections: int = 100
    mask_size: int = 33
    mask_depth: int = 256
    mask_convs: int = 4
    box_scales: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    batch_norm_epsilon: float = 1e-5

    def __post_init__(self) -> None:
        """Check that a network can be built.

        Raises:
            ModelError: it cannot; names the field at fault.
        """
        self._check_counts()
        self._check_thresholds()
        if self.features_stride not in (8, 16):
            raise ModelError(f"features_stride {self.features_stride} is not supported: 8 or 16 is")
        if tuple(self.anchor_stride) != (self.features_stride, self.features_stride):
            raise ModelError(
                f"anchor_stride {self.anchor_stride} does not fit features_stride "
                f"{self.features_stride}: each cell of the feature map has its own anchors"
            )
        if min(self.feature_size) < 2:
            raise ModelError(
                f"input size {self.height}x{self.width} is too small: its feature map has "
                f"{self.feature_size[0]}x{self.feature_size[1]} cells, and anchors need 2x2; "
                f"take at least {self.features_stride + 1} pixels each way"
            )

    def _check_counts(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            numbers = value if isinstance(value, tuple) else (value,)
            if not numbers:
                raise ModelError(f"{field.name} must not be empty")
            if str(field.type).startswith(("int", "tuple[int")) and min(numbers) < 1:
                raise ModelError(f"{field.name} must be 1 or more, not {value}")
        if self.rpn_kernel % 2 == 0:
            raise ModelError(f"rpn_kernel must be odd, not {self.rpn_kernel}")
        if self.crop_size < max(2, self.pool):
            raise ModelError(f"crop_size {self.crop_size} is less than 2 or than pool {self.pool}")
        if self.mask_size < 2 or self.mask_convs < 2:
            raise ModelError("mask_size and mask_convs must be 2 or more")

    def _check_thresholds(self) -> None:
        for name in ("rpn_score_threshold", "rpn_nms_iou", "score_threshold", "nms_iou"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ModelError(f"{name} must be between 0 and 1, not {value}")
        for name in ("anchor_scales", "anchor_ratios", "anchor_base", "box_scales"):
            if min(getattr(self, name)) <= 0:
                raise ModelError(f"{name} must be positive, not {getattr(self, name)}")

    @property
    def feature_size(self) -> tuple[int, int]:
        """Rows and columns of the feature map."""
        return _cells(self.height, self.features_stride), _cells(self.width, self.features_stride)

    @property
    def feature_depth(self) -> int:
        """Channels of the feature map: those of the third block."""
        return self.block_depth(3)

    @property
    def roi_size(self) -> int:
        """Rows and columns of a region of interest when it enters the fourth block."""
        return (self.crop_size - self.pool) // self.pool + 1

    @property
    def anchors_per_cell(self) -> int:
        """Anchors that share a centre."""
        return len(self.anchor_scales) * len(self.anchor_ratios)

    def block_width(self, block: int) -> int:
        """Channels of the bottleneck in ``block``, 1 to 4."""
        return self.base_width << (block - 1)

    def block_depth(self, block: int) -> int:
        """Channels that leave ``block``, 1 to 4."""
        return _EXPANSION * self.block_width(block)


def _cells(pixels: int, stride: int) -> int:
    # Every halving rounds up, as "SAME" padding does.
    return -(-pixels // stride)


MASK_RCNN_RESNET50_ATROUS_COCO = MaskRcnnConfig()
"""The release of 2018-01-28."""

MASK_RCNN_RESNET101_ATROUS_COCO = MaskRcnnConfig(backbone="resnet_v1_101", units=(3, 4, 23, 3))
"""Its larger sister of the same day."""

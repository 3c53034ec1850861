"""The model's part of a TensorFlow Object Detection API ``pipeline.config``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import message_factory, text_format

from streamer.errors import ModelError
from streamer.network.protobuf import declare

_DETECTION = "model.faster_rcnn"
_HEAD = f"{_DETECTION}.second_stage_box_predictor.mask_rcnn_box_predictor"
_NMS = f"{_DETECTION}.second_stage_post_processing.batch_non_max_suppression"
_GRID = f"{_DETECTION}.first_stage_anchor_generator.grid_anchor_generator"
_FIT = f"{_DETECTION}.image_resizer.keep_aspect_ratio_resizer"
_FIXED = f"{_DETECTION}.image_resizer.fixed_shape_resizer"

_NUMBERS: Mapping[str, tuple[str, float]] = {
    "classes": (f"{_DETECTION}.num_classes", 0),
    "features_stride": (f"{_DETECTION}.feature_extractor.first_stage_features_stride", 16),
    "rpn_rate": (f"{_DETECTION}.first_stage_atrous_rate", 1),
    "rpn_kernel": (f"{_DETECTION}.first_stage_box_predictor_kernel_size", 3),
    "rpn_depth": (f"{_DETECTION}.first_stage_box_predictor_depth", 512),
    "rpn_score_threshold": (f"{_DETECTION}.first_stage_nms_score_threshold", 0.0),
    "rpn_nms_iou": (f"{_DETECTION}.first_stage_nms_iou_threshold", 0.7),
    "proposals": (f"{_DETECTION}.first_stage_max_proposals", 300),
    "crop_size": (f"{_DETECTION}.initial_crop_size", 0),
    "pool": (f"{_DETECTION}.maxpool_kernel_size", 0),
    "mask_size": (f"{_HEAD}.mask_height", 15),
    "mask_convs": (f"{_HEAD}.mask_prediction_num_conv_layers", 2),
    "score_threshold": (f"{_NMS}.score_threshold", 0.0),
    "nms_iou": (f"{_NMS}.iou_threshold", 0.6),
    "max_per_class": (f"{_NMS}.max_detections_per_class", 100),
    "max_detections": (f"{_NMS}.max_total_detections", 100),
}
"""Fields of `MaskRcnnConfig`: where they stand, and what the API takes where they do not."""

_PAIRS: Mapping[str, tuple[str, str, float]] = {
    "anchor_base": (f"{_GRID}.height", f"{_GRID}.width", 256),
    "anchor_stride": (f"{_GRID}.height_stride", f"{_GRID}.width_stride", 16),
    "anchor_offset": (f"{_GRID}.height_offset", f"{_GRID}.width_offset", 0),
}

_LISTS = {"anchor_scales": f"{_GRID}.scales", "anchor_ratios": f"{_GRID}.aspect_ratios"}
_LIST_DEFAULTS = {"anchor_scales": (0.5, 1.0, 2.0), "anchor_ratios": (0.5, 1.0, 2.0)}

_CHECKED = (f"{_HEAD}.mask_width", f"{_DETECTION}.maxpool_stride", f"{_FIT}.min_dimension",
            f"{_FIT}.max_dimension", f"{_FIXED}.height", f"{_FIXED}.width",
            f"{_DETECTION}.number_of_stages")  # fmt: skip
"""Numbers that are read beside those above."""

_WHOLE = "int32"
_FLOATS = ("threshold", "scales", "ratios")


def read_pipeline_config(path: Path) -> dict[str, Any]:
    """Fields for `MaskRcnnConfig` as a ``pipeline.config`` gives them.

    Raises:
        ModelError: it cannot be read or describes something else; names the field at fault.
    """
    config = _parse(path)
    if not _has(config, _DETECTION):
        raise ModelError(f"{path} describes no faster_rcnn model")
    if not _has(config, _HEAD) or _number(config, f"{_DETECTION}.number_of_stages", 2) != 3:
        raise ModelError(f"{path} describes a model without masks")
    fields: dict[str, Any] = {
        name: _number(config, at, default) for name, (at, default) in _NUMBERS.items()
    }
    for name, (first, second, default) in _PAIRS.items():
        fields[name] = (_number(config, first, default), _number(config, second, default))
    for name, at in _LISTS.items():
        fields[name] = tuple(map(_short, _value(config, at))) or _LIST_DEFAULTS[name]
    if fields["mask_size"] != _number(config, f"{_HEAD}.mask_width", 15):
        raise ModelError(f"{path}: mask_height and mask_width differ, which is not supported")
    if fields["pool"] != _number(config, f"{_DETECTION}.maxpool_stride", 0):
        raise ModelError(f"{path}: maxpool_kernel_size and maxpool_stride differ")
    return fields | _input_size(path, config)


def _input_size(path: Path, config: Any) -> dict[str, Any]:
    if _has(config, _FIXED):
        at, names, keep = _FIXED, ("height", "width"), False
    elif _has(config, _FIT):
        at, names, keep = _FIT, ("min_dimension", "max_dimension"), True
    else:
        raise ModelError(f"{path} has no image_resizer")
    # What keeps its aspect ratio is laid into the larger, landscape format.
    sizes = {f"{at}.{name}": _value(config, f"{at}.{name}") for name in names}
    for name, value in sizes.items():
        if not value:
            raise ModelError(f"{path} does not say {name.removeprefix(_DETECTION + '.')}")
    height, width = sizes.values()
    return {"height": height, "width": width, "keep_aspect_ratio": keep}


def _parse(path: Path) -> Any:
    message = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("streamer.Root"))()
    try:
        text = path.read_text(encoding="utf-8")
        text_format.Parse(text, message, allow_unknown_field=True)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not a pipeline.config: {error}") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    return message


def _paths() -> Iterator[str]:
    yield from (at for at, _ in _NUMBERS.values())
    yield from (at for first, second, _ in _PAIRS.values() for at in (first, second))
    yield from _LISTS.values()
    yield from _CHECKED


def _schema() -> dict[str, tuple[tuple[str, int, str, bool], ...]]:
    """Messages for just the paths that are read. Text has names only, so any numbers will do."""
    messages: dict[str, dict[str, tuple[str, bool]]] = {"Root": {}}
    for path in _paths():
        *folders, leaf = path.split(".")
        owner = "Root"
        for folder in folders:
            child = f"{owner}_{folder}"
            messages[owner][folder] = (child, False)
            messages.setdefault(child, {})
            owner = child
        kind = "float" if leaf.endswith(_FLOATS) else _WHOLE
        messages[owner][leaf] = (kind, path in _LISTS.values())
    return {
        name: tuple(
            (field, number, kind, repeated)
            for number, (field, (kind, repeated)) in enumerate(fields.items(), 1)
        )
        for name, fields in messages.items()
    }


_POOL = declare(_schema(), "proto2")


def _has(message: Any, path: str) -> bool:
    for name in path.split("."):
        if not message.HasField(name):
            return False
        message = getattr(message, name)
    return True


def _value(message: Any, path: str) -> Any:
    for name in path.split("."):
        message = getattr(message, name)
    return message


def _number(message: Any, path: str, default: float) -> Any:
    return _short(_value(message, path) if _has(message, path) else default)


def _short(value: float) -> float:
    """A float as it was meant: 0.7, not what float32 makes of it."""
    return round(value, 6) if isinstance(value, float) else value

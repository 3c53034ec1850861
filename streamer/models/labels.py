"""Class names: COCO's categories, and what a model's own names mean."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from streamer.errors import SettingsError

# The 80 categories of COCO 2017 (cocodataset.org) that have annotations, in the order in which
# models number them from 0. The ids run to 90 because eleven categories were given up.
COCO: Mapping[int, str] = {
    1: "person",
    2: "bicycle",
    3: "car",
    4: "motorcycle",
    5: "airplane",
    6: "bus",
    7: "train",
    8: "truck",
    9: "boat",
    10: "traffic light",
    11: "fire hydrant",
    13: "stop sign",
    14: "parking meter",
    15: "bench",
    16: "bird",
    17: "cat",
    18: "dog",
    19: "horse",
    20: "sheep",
    21: "cow",
    22: "elephant",
    23: "bear",
    24: "zebra",
    25: "giraffe",
    27: "backpack",
    28: "umbrella",
    31: "handbag",
    32: "tie",
    33: "suitcase",
    34: "frisbee",
    35: "skis",
    36: "snowboard",
    37: "sports ball",
    38: "kite",
    39: "baseball bat",
    40: "baseball glove",
    41: "skateboard",
    42: "surfboard",
    43: "tennis racket",
    44: "bottle",
    46: "wine glass",
    47: "cup",
    48: "fork",
    49: "knife",
    50: "spoon",
    51: "bowl",
    52: "banana",
    53: "apple",
    54: "sandwich",
    55: "orange",
    56: "broccoli",
    57: "carrot",
    58: "hot dog",
    59: "pizza",
    60: "donut",
    61: "cake",
    62: "chair",
    63: "couch",
    64: "potted plant",
    65: "bed",
    67: "dining table",
    70: "toilet",
    72: "tv",
    73: "laptop",
    74: "mouse",
    75: "remote",
    76: "keyboard",
    77: "cell phone",
    78: "microwave",
    79: "oven",
    80: "toaster",
    81: "sink",
    82: "refrigerator",
    84: "book",
    85: "clock",
    86: "vase",
    87: "scissors",
    88: "teddy bear",
    89: "hair drier",
    90: "toothbrush",
}
"""Names by COCO category id."""

_COCO_IDS = {name: category for category, name in COCO.items()}

# What training frameworks put at the head of a list so that it fits numbers that begin at 1.
_BACKGROUND = {"background", "otx empty lbl"}


@dataclass(frozen=True, slots=True)
class Classes:
    """What the numbers mean by which a model tells its classes apart.

    Attributes:
        ids: the id to report, by the model's own number.
        names: class names by the id that is reported.
    """

    ids: Mapping[int, int]
    names: Mapping[int, str]

    @classmethod
    def coco(cls) -> Classes:
        """The model's numbers are COCO's category ids."""
        return cls({category: category for category in COCO}, COCO)

    @classmethod
    def counted(cls, names: Sequence[str], first: int = 0) -> Classes:
        """The model numbers its classes in the order of the names, beginning with ``first``."""
        ids = category_ids(names, first)
        return cls(
            dict(enumerate(ids, first)),
            dict(zip(ids, names, strict=True)),
        )

    def of(self, number: int) -> tuple[int, str]:
        """The id and the name to report for one of the model's numbers, also for unknown ones."""
        class_id = self.ids.get(number, number)
        return class_id, self.names.get(class_id, f"class {class_id}")


def category_ids(names: Sequence[str], first: int = 0) -> tuple[int, ...]:
    """The id under which each class of a model is reported, in the model's own order.

    COCO category ids where every name is one of COCO's, also for a model that knows only some of
    them; else the classes' own numbers from ``first`` on, because the two must not mix.
    """
    if names and set(names) <= _COCO_IDS.keys():
        return tuple(_COCO_IDS[name] for name in names)
    return tuple(range(first, first + len(names)))


def without_background(names: Sequence[str]) -> tuple[str, ...]:
    """Names of a model's classes less the one for no object, if the list begins with it."""
    if names and names[0].strip("_ ").casefold() in _BACKGROUND:
        return tuple(names[1:])
    return tuple(names)


def are_coco(names: Iterable[str]) -> bool:
    """Whether these are COCO's 80 names, in whatever order."""
    return set(names) == _COCO_IDS.keys()


def default_names(classes: int) -> tuple[str, ...]:
    """Names for a model that brings none: COCO's if it has 80 classes, else numbered."""
    if classes == len(COCO):
        return tuple(COCO.values())
    return tuple(f"class {index}" for index in range(classes))


def select(labels: Mapping[int, str], wanted: Iterable[str]) -> frozenset[int]:
    """The ids of the wanted class names, whatever their case.

    Args:
        labels: names by id.
        wanted: names, as the user gave them.

    Raises:
        SettingsError: the model has no class of that name; the message gives near ones.
    """
    ids: dict[str, set[int]] = {}
    for class_id, name in labels.items():
        ids.setdefault(name.casefold(), set()).add(class_id)
    chosen: set[int] = set()
    for name in wanted:
        key = name.strip().casefold()
        if key not in ids:
            raise SettingsError(f"the model has no class {name.strip()!r}; {_near(key, ids)}")
        chosen |= ids[key]
    return frozenset(chosen)


def _near(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3)
    if near:
        return "did you mean " + " or ".join(repr(match) for match in near) + "?"
    if not known:
        return "its file names none"
    shown = ", ".join(known[:8])
    return f"it has {shown}" + (f" and {len(known) - 8} more" if len(known) > 8 else "")

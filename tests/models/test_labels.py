import pytest

from streamer.errors import SettingsError
from streamer.models import labels


def test_coco_has_its_80_names_and_the_gaps_of_its_ids() -> None:
    assert len(labels.COCO) == len(set(labels.COCO.values())) == 80
    unused = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    assert set(labels.COCO) == set(range(1, 91)) - unused
    # As the annotations of COCO val2017 have them.
    known = {1: "person", 13: "stop sign", 44: "bottle", 67: "dining table", 90: "toothbrush"}
    assert known.items() <= labels.COCO.items()


def test_coco_names_are_reported_under_coco_ids_in_any_order_and_number() -> None:
    assert labels.category_ids(["bottle", "person"]) == (44, 1)
    assert labels.category_ids(labels.default_names(80)) == tuple(labels.COCO)


def test_other_names_keep_their_own_indices() -> None:
    assert labels.category_ids(["person", "forklift"]) == (0, 1)
    assert labels.category_ids([]) == ()


def test_classes_in_the_order_of_their_names() -> None:
    classes = labels.Classes.counted(["nut", "bolt"], 1)
    assert classes.of(2) == (2, "bolt")
    assert classes.of(7) == (7, "class 7")
    assert labels.Classes.counted(["bottle", "person"]).of(0) == (44, "bottle")
    assert labels.Classes.counted(["bottle", "person"], 1).of(2) == (1, "person")


def test_classes_by_category() -> None:
    classes = labels.Classes.coco()
    assert classes.of(90) == (90, "toothbrush")
    # Categories that were given up have no names.
    assert classes.of(12) == (12, "class 12")


@pytest.mark.parametrize("first", ["__background__", "background", "otx empty lbl"])
def test_the_class_of_nothing_is_no_class(first: str) -> None:
    assert labels.without_background([first, "nut"]) == ("nut",)
    assert labels.without_background(["nut", first]) == ("nut", first)
    assert labels.without_background([]) == ()


def test_which_names_are_coco() -> None:
    assert labels.are_coco(list(labels.COCO.values())[::-1])
    assert not labels.are_coco(["person"])


def test_default_names() -> None:
    assert labels.default_names(80)[:2] == ("person", "bicycle")
    assert labels.default_names(2) == ("class 0", "class 1")


def test_select_takes_names_in_any_case() -> None:
    assert labels.select(labels.COCO, ["Person", " traffic light "]) == {1, 10}
    assert labels.select(labels.COCO, []) == frozenset()


def test_select_takes_all_classes_of_one_name() -> None:
    assert labels.select({0: "nut", 1: "bolt", 2: "nut"}, ["nut"]) == {0, 2}


@pytest.mark.parametrize(
    ("known", "wanted", "hint"),
    [
        (labels.COCO, "persn", "did you mean 'person'?"),
        (labels.COCO, "bottel", "'bottle'"),
        ({0: "nut", 1: "bolt"}, "xyz", "it has nut, bolt"),
        (labels.COCO, "xyz", "and 72 more"),
        ({}, "person", "its file names none"),
    ],
)
def test_select_of_an_unknown_name_gives_a_hint(
    known: dict[int, str], wanted: str, hint: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        labels.select(known, [wanted])
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)

"""The renderer of the demo's scenes: what it says about its pictures is true."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO

from tools.demo import clip, dataset
from tools.demo.classes import CATEGORY_IDS, CLASSES
from tools.demo.scenes import compositor
from tools.demo.scenes.backdrop import Backdrop
from tools.demo.scenes.balls import Ball
from tools.demo.scenes.buses import Bus, BusLook
from tools.demo.scenes.camera import Camera
from tools.demo.scenes.cycles import Bicycle, Frame
from tools.demo.scenes.director import random_scene
from tools.demo.scenes.figure import Figure, Moment
from tools.demo.scenes.finish import Finish
from tools.demo.scenes.ground import Band, Ground
from tools.demo.scenes.kites import Kite
from tools.demo.scenes.light import NOON
from tools.demo.scenes.looks import Look
from tools.demo.scenes.pen import Pen
from tools.demo.scenes.scene import Actor, Picture, Scene, SceneObject
from tools.demo.scenes.shapes import box
from tools.demo.scenes.showcase import SECONDS, showcase
from tools.demo.sound import RATE, soundtrack

SIZE = (224, 126)


@lru_cache
def still(seed: int) -> Picture:
    return random_scene(seed).render(0.3, *SIZE)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def scene_of(*actors: Actor, camera: Camera | None = None) -> Scene:
    """A bare lawn with certain figures."""
    lawn = Ground((Band(40, 0.1, "grass", (90, 170, 120)),))
    backdrop = Backdrop(1, "meadow", 40, lawn)
    camera = camera or Camera(horizon=0.4, height=2, focal=1.3)
    return Scene(1, camera, NOON, backdrop, Finish(), actors)


def only(picture: Picture, label: str) -> SceneObject:
    (found,) = (seen for seen in picture.objects if seen.label == label)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_boxes_lie_tightly_around_masks(seed: int) -> None:
    for seen in still(seed).objects:
        rows, columns = np.nonzero(seen.mask)
        if len(rows):
            tight = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            assert seen.box == tight
            assert seen.area == len(rows) == np.count_nonzero(seen.crop)


@pytest.mark.parametrize("seed", range(3))
def test_no_pixel_belongs_to_two_objects(seed: int) -> None:
    masks = [seen.mask for seen in still(seed).objects]
    assert np.sum(masks, axis=0).max() == 1


def test_the_same_seed_gives_the_same_picture_and_another_another() -> None:
    again = random_scene(3).render(0.3, *SIZE)
    assert np.array_equal(again.image, still(3).image)
    assert [seen.label for seen in again.objects] == [seen.label for seen in still(3).objects]
    assert not np.array_equal(still(4).image, still(3).image)


def test_every_class_appears_and_no_other() -> None:
    seen = Counter(seen.label for seed in range(14) for seen in still(seed).objects)
    assert set(seen) == set(CLASSES) == set(CATEGORY_IDS)
    assert seen["person"] == max(seen.values())


def test_pictures_have_the_size_that_was_asked_for() -> None:
    picture = random_scene(5).render(0, 130, 73)
    assert picture.image.shape == (73, 130, 3)
    assert picture.image.dtype == np.uint8
    assert all(seen.mask.shape == (73, 130) for seen in picture.objects)


def test_what_stands_in_front_hides_what_is_behind() -> None:
    bus = Actor(Bus(BusLook.random(rng())), 0, 9)
    ball = Actor(Ball(rng(), 0.3), 0, 12)
    hidden = only(scene_of(bus, ball).render(0, *SIZE), "sports ball")
    assert hidden.area == 0
    assert hidden.visible == 0
    assert hidden.box == (0, 0, 0, 0)
    assert hidden.whole_area > 0
    ahead = only(scene_of(bus, replace(ball, z=6)).render(0, *SIZE), "sports ball")
    assert ahead.visible == 1


def test_the_border_cuts_off_as_much_as_lies_beyond_it() -> None:
    ball = Ball(rng(), 0.4)
    camera = Camera(horizon=0.4, height=2, focal=1.3)
    scale = camera.view(0, *SIZE).scale(5.0)
    edge = SIZE[0] / 2 / scale
    seen = only(scene_of(Actor(ball, edge, 5)).render(0, *SIZE), "sports ball")
    assert seen.visible == pytest.approx(0.5, abs=0.06)
    assert seen.box[2] == SIZE[0]
    assert not scene_of(Actor(ball, edge + 2, 5)).render(0, *SIZE).objects


def test_a_ball_covers_the_disc_that_its_distance_says() -> None:
    seen = only(scene_of(Actor(Ball(rng(), 0.4), 0, 5)).render(0, 448, 252), "sports ball")
    radius = 0.4 * 1.3 * 252 / 5
    assert seen.area == pytest.approx(np.pi * radius**2, rel=0.06)
    # Its lowest point is on the ground: as far below the horizon as the camera is above it.
    assert seen.box[3] == pytest.approx(252 * 0.4 + 2 * 1.3 * 252 / 5, abs=1.5)


def test_wheels_of_a_bicycle_are_filled_and_its_rider_is_somebody_else() -> None:
    bicycle = Bicycle(Frame.random(rng()), Look.random(rng(), child=False))
    picture = scene_of(Actor(bicycle, 0, 5, speed=3)).render(0, 448, 252)
    wheels, rider = only(picture, "bicycle"), only(picture, "person")
    view = Camera(horizon=0.4, height=2, focal=1.3).view(0, 448, 252)
    x, y = view.point(Bicycle.FRONT[0], Bicycle.FRONT[1] + 0.17, 5)
    assert wheels.mask[round(y), round(x)]
    assert rider.box[1] < wheels.box[1]
    assert rider.track_id != wheels.track_id


def test_the_string_of_a_kite_is_no_part_of_it() -> None:
    kite = Actor(Kite(rng(), 1, (0, -4)), 0, 9, lift=5)
    seen = only(scene_of(kite, camera=Camera(0.7, 2, 1.3)).render(0, 448, 252), "kite")
    assert seen.box[3] - seen.box[1] < 1.7 * 1.3 * 252 / 9


def test_figures_stay_within_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure that left its bounds would be cut off by the edge of its patch."""
    touched: list[str] = []
    reduced = compositor._reduced

    def spy(patch: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], times: int) -> object:
        rim = [patch[0], patch[-1], patch[:, 0], patch[:, -1]]
        if any(edge.any() for edge in rim):
            touched.append(figure.labels[0])
        return reduced(patch, times)

    monkeypatch.setattr(compositor, "_reduced", spy)
    view = Camera(horizon=0.4, height=2, focal=1.3).view(0, *SIZE)
    figures: list[tuple[Figure, float]] = [
        (actor.figure, actor.speed)
        for seed in (*range(6), 12, 28)
        for actor in random_scene(seed).actors
        if actor.figure.labels
    ]
    for figure, speed in figures:
        moment = Moment(0.7, 0.7 * speed, speed)
        ids = tuple(range(1, 1 + len(figure.labels)))
        compositor.draw(compositor.Placed(figure, ids, 0, 12, False, moment), view, NOON)
    assert not touched
    assert len(figures) > 50


def test_what_moves_keeps_its_track_and_goes_its_way() -> None:
    scene = showcase()
    early, late = (
        {seen.track_id: seen for seen in scene.render(t, *SIZE).objects} for t in (1.0, 1.5)
    )
    car = next(number for number, seen in early.items() if seen.label == "car")
    assert late[car].label == "car"
    assert late[car].box[0] > early[car].box[0]
    assert all(late[number].label == early[number].label for number in early.keys() & late.keys())


def test_the_showcase_has_all_classes() -> None:
    scene = showcase()
    labels = {label for actor in scene.actors for label in actor.figure.labels}
    assert labels == set(CLASSES)


def test_a_moved_camera_moves_near_things_more() -> None:
    camera = Camera(horizon=0.4, height=2, focal=1.3, truck_from=0.5)
    view = camera.view(0, *SIZE)
    shift = [view.point(0, 0, z)[0] - SIZE[0] / 2 for z in (5.0, 10.0)]
    assert shift[0] == pytest.approx(2 * shift[1])
    for z in (5.0, 10.0):
        # The ground moves with what stands on it.
        at_rest = replace(view, truck=0).point(1, 0, z)
        moved = view.warp(None, 0, 0) @ (*at_rest, 1)
        assert moved.tolist() == pytest.approx(view.point(1, 0, z))


def test_a_pen_blends_and_claims() -> None:
    pen = Pen(np.zeros((20, 20, 4), np.uint8), np.asarray([[1.0, 0, 0], [0, 1, 0]]), 0)
    square = box(5, 5, 15, 15)
    pen.fill(square, (0, 0, 200), 0)
    pen.fill(square, (200, 0, 0), 0, opacity=0.5)
    assert pen.patch[10, 10].tolist() == pytest.approx([100, 0, 100, 255], abs=2)
    assert not pen.patch[2, 2].any()
    pen.moved(dx=3).claim(square)
    assert pen.cover is not None
    assert pen.cover[10, 17] == 255
    assert pen.patch[10, 17, 3] == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("val")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "WIDTH", SIZE[0])
        patch.setattr(dataset, "HEIGHT", SIZE[1])
        threads = cv2.getNumThreads()
        dataset.main(["--split", "val", "--count", "4", "-o", str(place)])
        cv2.setNumThreads(threads)
    return place


def test_a_data_set_is_valid_coco(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coco = COCO(str(folder / "instances.json"))
    capsys.readouterr()
    assert {entry["name"]: number for number, entry in coco.cats.items()} == CATEGORY_IDS
    assert len(coco.imgs) == 4
    assert coco.anns
    for entry in coco.imgs.values():
        image = cv2.imread(str(folder / "images" / entry["file_name"]))
        assert image is not None
        assert image.shape[:2] == (entry["height"], entry["width"])
    for annotation in coco.anns.values():
        mask = coco.annToMask(annotation)
        assert mask.sum() == annotation["area"]
        assert coco_masks.toBbox(annotation["segmentation"]).tolist() == annotation["bbox"]


def test_a_data_set_shows_its_split_s_own_seeds(folder: Path) -> None:
    time = np.random.default_rng([4, 1_000_002]).uniform(0, 0.6)
    expected = random_scene(1_000_002).render(time, *SIZE).image
    image = cv2.imread(str(folder / "images" / "000002.jpg"))
    assert image is not None
    assert float(np.abs(image.astype(int) - expected).mean()) < 6


def test_crowds_stand_in_each_other_s_way() -> None:
    partly = []
    for crowded in (False, True):
        scenes = [random_scene(seed, crowded=crowded) for seed in range(8)]
        seen = [one.visible for scene in scenes for one in scene.render(0, *SIZE).objects]
        partly.append(sum(0.25 < visible < 0.75 for visible in seen))
    assert partly[1] > 1.4 * partly[0]


def test_pictures_that_are_there_are_kept(folder: Path) -> None:
    image, label = folder / "images" / "000001.jpg", folder / "labels" / "000001.json"
    (folder / "images" / "000000.jpg").unlink()
    image.write_bytes(b"kept")
    before = label.stat().st_mtime_ns
    dataset.main(["--split", "val", "--count", "2", "-o", str(folder)])
    assert image.read_bytes() == b"kept"
    assert label.stat().st_mtime_ns == before
    assert (folder / "images" / "000000.jpg").exists()
    assert len(json.loads((folder / "instances.json").read_text())["images"]) == 2


def test_what_can_hardly_be_seen_is_marked_as_a_crowd() -> None:
    mask = np.zeros((504, 896), bool)
    mask[10:30, 10:30] = True
    clear = SceneObject(1, "dog", mask, (10, 10, 30, 30), 800)
    speck = np.zeros_like(mask)
    speck[10:20, 10:20] = True
    small = SceneObject(3, "dog", speck, (10, 10, 20, 20), 100)
    nothing = SceneObject(4, "dog", np.zeros_like(mask), (0, 0, 0, 0), 500)
    objects = (clear, replace(clear, track_id=2, whole_area=2000), small, nothing)
    entries = dataset.annotate(Picture(np.zeros((504, 896, 3), np.uint8), objects), 7)
    assert [(entry["track_id"], entry["iscrowd"]) for entry in entries] == [(1, 0), (2, 1), (3, 1)]
    assert entries[0]["visible"] == 0.5
    assert {entry["image_id"] for entry in entries} == {7}


def test_the_clip_and_its_truth_agree(tmp_path: Path) -> None:
    movie, truth = tmp_path / "demo.mp4", tmp_path / "truth.jsonl"
    clip.main(["-o", str(movie), "--truth", str(truth), "--truth-every", "5", "--seconds", "0.2",
               "--lines", "126"])  # fmt: skip
    with av.open(str(movie)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.width, video.height, video.average_rate) == (224, 126, Fraction(30))
        assert video.codec_context.pix_fmt == "yuv420p"
        assert video.codec_context.colorspace == video.codec_context.color_range == 1
        assert audio.codec_context.name == "aac"
        assert audio.codec_context.channels == 2
        assert [frame.pts for frame in container.decode(video)] == [512 * n for n in range(6)]
    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    assert [(line["seq"], line["pts_s"]) for line in lines] == [(0, 0.0), (5, 0.166667)]
    expected = showcase().render(5 / 30, 224, 126)
    seen = {one.track_id: one for one in expected.objects if one.area}
    assert {entry["track_id"] for entry in lines[1]["instances"]} == set(seen)
    for entry in lines[1]["instances"]:
        one = seen[entry["track_id"]]
        assert np.array_equal(coco_masks.decode(entry["segmentation"]).astype(bool), one.mask)
        assert entry["box"] == list(one.box)
        assert entry["category_id"] == CATEGORY_IDS[entry["label"]]
        assert (entry["score"], entry["visible"]) == (1.0, round(one.visible, 4))


def test_the_sound_is_as_long_as_the_clip_and_does_not_clip() -> None:
    sound = soundtrack(showcase(), 0.5)
    assert sound.shape == (2, round(0.5 * RATE))
    assert np.abs(sound).max() == pytest.approx(0.5, abs=1e-3)
    assert not np.array_equal(sound[0], sound[1])
    assert np.array_equal(sound, soundtrack(showcase(), 0.5))
    assert SECONDS == 12

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco_masks

pytest.importorskip("torch", reason="training needs PyTorch, the extra 'train'")

import torch
from torch.nn import functional

from streamer.evaluation.coco import Found
from streamer.evaluation.dataset import Record, load_dataset
from streamer.models.registry import open_model
from tests.network.parts import TINY, random_arrays, random_image
from tools.demo import train
from tools.demo.classes import CATEGORY_IDS, CLASSES
from tools.demo.pack import calibrated
from tools.demo.training import boxes, export
from tools.demo.training.augment import mirrored, moved
from tools.demo.training.config import CATEGORIES, CONFIG
from tools.demo.training.confusion import confusion
from tools.demo.training.crops import crop
from tools.demo.training.loop import Plan, Training
from tools.demo.training.network import Network
from tools.demo.training.scenes import GRID, Scene, Scenes, read
from tools.demo.training.targets import Truth, anchor_targets, mask_regions, mask_targets, regions

WIDTH, HEIGHT = 896, 504


def annotation(number: int, image: int, name: str, mask: NDArray[np.uint8]) -> dict[str, object]:
    rle = coco_masks.encode(np.asfortranarray(mask))
    return {
        "id": number,
        "image_id": image,
        "category_id": CATEGORY_IDS[name],
        "bbox": coco_masks.toBbox(rle).tolist(),
        "area": float(mask.sum()),
        "iscrowd": 0,
        "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
    }


def write_scenes(folder: Path, count: int) -> Path:
    """Grey pictures, each with a red disc that is a ball and a blue rectangle that is a bus."""
    (folder / "images").mkdir(parents=True)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for index in range(count):
        name = f"{index:06d}.png"
        picture = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        ball, bus = (np.zeros((HEIGHT, WIDTH), np.uint8) for _ in range(2))
        cv2.circle(ball, (150 + 90 * index, 200), 60, 1, -1)
        bus[300:420, 400 + 50 * index : 600 + 50 * index] = 1
        picture[ball > 0], picture[bus > 0] = (30, 30, 220), (220, 60, 30)
        cv2.imwrite(str(folder / "images" / name), picture)
        images.append({"id": index + 1, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for kind, mask in (("sports ball", ball), ("bus", bus)):
            annotations.append(annotation(len(annotations) + 1, index + 1, kind, mask))
    categories = [{"id": CATEGORY_IDS[name], "name": name} for name in CLASSES]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes") / "made", 4)


@pytest.fixture(scope="module")
def scenes(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Scenes:
    return read([folder], tmp_path_factory.mktemp("cache"), CONFIG, CATEGORIES)


def plan(steps: int) -> Plan:
    return Plan(epochs=steps / 2, batch=2, rois=16, save_every=1e9)


def test_a_scene_is_read_as_it_was_drawn(scenes: Scenes) -> None:
    scene = scenes[1]
    scale = CONFIG.width / WIDTH
    assert scene.picture.shape == (CONFIG.height, CONFIG.width, 3)
    assert scene.classes.tolist() == [CLASSES.index("sports ball") + 1, CLASSES.index("bus") + 1]
    np.testing.assert_allclose(scene.boxes[1], np.array([300, 450, 420, 650]) * scale, rtol=1e-5)
    assert scene.picture[round(360 * scale), round(550 * scale)].tolist() == [30, 60, 220]
    disc, rectangle = scene.masks[:, GRID // 2] > 127
    assert disc.all()
    assert rectangle.all()
    assert scene.masks[0, 2, 2] == 0
    disc_pixels = cv2.circle(np.zeros((HEIGHT, WIDTH), np.uint8), (240, 200), 60, 1, -1).sum()
    assert scene.masks[0].mean() / 255 == pytest.approx(disc_pixels / 121**2, abs=0.002)


def test_what_is_packed_is_calibrated_to_as_much_background_as_objects() -> None:
    before = export.arrays_of(Network(CONFIG))
    after = calibrated(before)
    changed = [name for name in before if not np.array_equal(before[name], after[name])]
    assert changed == ["SecondStageBoxPredictor/ClassPredictor/biases"]
    logits = np.zeros(CONFIG.classes + 1)
    logits[0] = np.log(CONFIG.classes * 3)  # three to one background
    chances = np.exp(logits + after[changed[0]] - before[changed[0]])
    assert chances[0] / chances.sum() == pytest.approx(0.5)


def test_decoded_scenes_are_kept_until_they_change(folder: Path, tmp_path: Path) -> None:
    read([folder], tmp_path, CONFIG, CATEGORIES)
    kept = np.load(tmp_path / "pictures.npy")
    np.save(tmp_path / "pictures.npy", kept + 1)
    again = read([folder], tmp_path, CONFIG, CATEGORIES)
    np.testing.assert_array_equal(again[0].picture, kept[0] + 1)
    (folder / "instances.json").touch()
    fresh = read([folder], tmp_path, CONFIG, CATEGORIES)
    np.testing.assert_array_equal(fresh[0].picture, kept[0])


def test_scenes_of_several_folders_follow_each_other(folder: Path, tmp_path: Path) -> None:
    other = write_scenes(tmp_path / "other", 2)
    both = read([folder, other], tmp_path / "both", CONFIG, CATEGORIES)
    alone = read([folder], tmp_path / "alone", CONFIG, CATEGORIES)
    second = read([other], tmp_path / "second", CONFIG, CATEGORIES)
    assert len(both) == len(alone) + 2
    for index, part in ((0, alone[0]), (len(alone), second[0])):
        np.testing.assert_array_equal(both[index].picture, part.picture)
        np.testing.assert_array_equal(both[index].boxes, part.boxes)


def test_training_goes_on_as_if_it_had_not_been_stopped(scenes: Scenes, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    folders = [tmp_path / name for name in ("whole", "stopped")]
    for each in folders:
        each.mkdir()
    whole = Training(CONFIG, scenes, folders[0], plan(2))
    before = export.arrays_of(whole.network)
    assert len(list(whole.run(lambda: False))) == 2
    first = Training(CONFIG, scenes, folders[1], plan(2))
    assert len(list(first.run(lambda: first.progress.step == 1))) == 1
    second = Training(CONFIG, scenes, folders[1], plan(2))
    assert second.progress.step == 1
    assert len(list(second.run(lambda: False))) == 1
    after, other = export.arrays_of(whole.smoothed), export.arrays_of(second.smoothed)
    for name, array in after.items():
        np.testing.assert_allclose(array, other[name], rtol=1e-4, atol=1e-6, err_msg=name)
    changed = [name for name in before if not np.array_equal(before[name], after[name])]
    assert len(changed) == len(before)


def test_one_command_trains_and_reports(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # What two steps give is a tie of all anchors, on which no two programs need agree; that they
    # do on a network with opinions is tested below.
    monkeypatch.setattr(export, "check", lambda *_: 0.0)
    run = tmp_path / "run"
    command = f"train --data {folder} --val {folder} -o {run} --epochs 1 --batch 2 --rois 16"
    monkeypatch.setattr("sys.argv", [*command.split(), "--looks", "1", "--threads", "1"])
    assert train.main() == 0, capsys.readouterr().err
    report = (run / "report.md").read_text()
    for part in ("4 held-out scenes", "| umbrella |", "losses.png", "samples.png"):
        assert part in report
    for picture in ("losses.png", "precision.png", "samples.png"):
        assert cv2.imread(str(run / picture)) is not None
    model = open_model(run / "model")
    assert list(model.labels.values()) == list(CLASSES)
    with np.load(run / "weights.npz") as arrays:
        network = Network(CONFIG)
        export.load_arrays(network, dict(arrays))
        np.testing.assert_array_equal(
            export.arrays_of(network)["Conv/weights"], arrays["Conv/weights"]
        )


def test_pytorch_and_openvino_agree() -> None:
    network = Network(TINY).eval()
    export.load_arrays(network, random_arrays(TINY))
    images = np.concatenate([random_image(TINY, seed) for seed in (1, 2, 3)])
    assert export.check(network, images) < 1e-3


def test_a_network_that_differs_is_found_out() -> None:
    network = Network(TINY).eval()
    export.load_arrays(network, random_arrays(TINY))
    network.means += 3
    with pytest.raises(export.DisagreementError, match="feature map"):
        export.check(network, random_image(TINY))


def test_crops_and_their_gradient_are_those_of_grid_sample() -> None:
    noise = torch.Generator().manual_seed(0)
    height, width = TINY.feature_size
    features = torch.rand(2, 3, height, width, generator=noise, requires_grad=True)
    low = torch.rand(5, 2, generator=noise) * 0.5
    places = torch.cat([low, low + 0.1 + 0.4 * torch.rand(5, 2, generator=noise)], 1)
    images = torch.tensor([0, 1, 1, 0, 1])
    found = crop(features, places * torch.tensor([TINY.height, TINY.width] * 2), images, TINY)
    steps = torch.linspace(0, 1, TINY.crop_size)
    ys, xs = (
        2 * (places[:, axis, None] + (places[:, axis + 2] - places[:, axis])[:, None] * steps) - 1
        for axis in (0, 1)
    )
    side = TINY.crop_size
    grid = torch.stack([xs[:, None].expand(-1, side, -1), ys[:, :, None].expand(-1, -1, side)], -1)
    sampled = functional.grid_sample(features[images], grid, align_corners=True)
    wanted = functional.max_pool2d(sampled, TINY.pool)
    torch.testing.assert_close(found, wanted)
    weights = torch.rand(wanted.shape, generator=noise)
    gradients = [torch.autograd.grad((y * weights).sum(), features)[0] for y in (found, wanted)]
    torch.testing.assert_close(*gradients)


def test_boxes_are_decoded_as_they_were_encoded() -> None:
    places = torch.tensor([[10.0, 20.0, 50.0, 80.0]])
    wanted = torch.tensor([[15.0, 10.0, 45.0, 95.0]])
    codes = boxes.encode(wanted, places, CONFIG)
    torch.testing.assert_close(boxes.decode(codes, places, CONFIG), wanted)


def test_suppression_keeps_the_best_of_what_overlaps() -> None:
    places = torch.tensor([[0.0, 0, 10, 10], [0, 1, 10, 11], [20, 20, 30, 30], [5, 5, 5, 9]])
    scores = torch.tensor([0.5, 0.9, 0.2, 1.0])
    kept = boxes.suppress(places, scores, iou=0.5, limit=9, consider=9)
    assert kept.tolist() == [1, 2]
    assert boxes.suppress(places, scores, iou=0.5, limit=1, consider=9).tolist() == [1]


def truth(*places: tuple[float, ...], ignored: tuple[tuple[float, ...], ...] = ()) -> Truth:
    masks = torch.full((len(places), GRID, GRID), 255, dtype=torch.uint8)
    classes = torch.arange(len(places)) + 1
    return Truth(
        torch.tensor(places).reshape(-1, 4), classes, masks, torch.tensor(ignored).reshape(-1, 4)
    )


def test_anchors_on_ignored_objects_count_for_nothing() -> None:
    anchors = torch.tensor(
        [[0.0, 0, 10, 10], [0, 0, 10, 14], [50, 50, 60, 60], [100, 100, 110, 110]]
    )
    found = anchor_targets(
        anchors,
        truth((0.0, 0.0, 10.0, 11.0), ignored=((48.0, 48.0, 62.0, 62.0),)),
        CONFIG,
        torch.Generator().manual_seed(0),
    )
    assert found.objects.tolist() == [0, 1]
    assert found.background.tolist() == [3]
    decoded = boxes.decode(found.codes, anchors[found.objects], CONFIG)
    torch.testing.assert_close(decoded, torch.tensor([[0.0, 0, 10, 11]] * 2))


def test_a_quarter_of_the_regions_are_objects() -> None:
    wanted = truth((20.0, 20.0, 60.0, 90.0), (100.0, 200.0, 180.0, 260.0))
    noise = torch.Generator().manual_seed(0)
    low = torch.rand(60, 2, generator=noise) * 150
    proposals = torch.cat([torch.cat([low, low + 40], 1), wanted.boxes.repeat(10, 1)])
    found = regions(proposals, wanted, 3, 32, CONFIG, noise)
    assert (found.classes > 0).sum() == 8
    assert len(found.boxes) == 32
    assert set(found.images.tolist()) == {3}
    overlaps = boxes.overlaps(found.boxes, wanted.boxes).amax(1)
    assert (overlaps[:8] >= 0.5).all()
    assert (overlaps[8:] < 0.5).all()
    decoded = boxes.decode(found.wanted[:8], found.boxes[:8], CONFIG)
    torch.testing.assert_close(decoded, wanted.boxes[found.classes[:8] - 1])


def test_objects_with_few_anchors_are_sampled_as_often_as_others() -> None:
    wanted = truth((0.0, 0.0, 40.0, 40.0), (100.0, 100.0, 120.0, 120.0))
    anchors = torch.cat([wanted.boxes[:1].repeat(2000, 1), wanted.boxes[1:].repeat(100, 1)])
    found = anchor_targets(anchors, wanted, CONFIG, torch.Generator().manual_seed(0))
    assert len(found.objects) == len(set(found.objects.tolist())) == 128
    few = (found.objects >= 2000).sum()
    assert 40 < few < 80


def test_masks_are_learnt_in_boxes_that_nearly_fit() -> None:
    wanted = truth(*((20.0 + 30 * n, 20.0, 40.0 + 30 * n, 90.0) for n in range(11)))
    found = mask_regions(wanted, 3, CONFIG, torch.Generator().manual_seed(0))
    assert len(found.boxes) == len(found.wanted) == 10
    assert set(found.images.tolist()) == {3}
    overlaps, numbers = boxes.overlaps(found.boxes, wanted.boxes).max(1)
    assert (overlaps > 0.75).all()
    assert (overlaps < 1).all()
    assert len(set(numbers.tolist())) == 10
    assert found.classes.tolist() == wanted.classes[numbers].tolist()
    assert found.wanted.mean() > 0.8


def test_masks_are_seen_from_other_boxes() -> None:
    mask = np.zeros((1, GRID, GRID), np.uint8)
    mask[:, :, : GRID // 2] = 255
    own = torch.tensor([[10.0, 20.0, 50.0, 100.0]])
    right = torch.tensor([[10.0, 40.0, 50.0, 80.0]])
    [same] = mask_targets(own, own, torch.from_numpy(mask), 8)
    assert same.tolist() == [[1.0] * 4 + [0.0] * 4] * 8
    [shifted] = mask_targets(right, own, torch.from_numpy(mask), 8)
    assert shifted.tolist() == [[1.0] * 4 + [0.0] * 4] * 8
    [wide] = mask_targets(
        torch.tensor([[-30.0, 20.0, 50.0, 100.0]]), own, torch.from_numpy(mask), 8
    )
    assert wide[:4].sum() == 0


def drawn(scene: Scene) -> NDArray[np.bool_]:
    """What the masks of a scene cover, drawn into a picture."""
    canvas = np.zeros(scene.picture.shape[:2], bool)
    for box, mask in zip(scene.boxes, scene.masks, strict=True):
        y1, x1, y2, x2 = (round(float(side)) for side in box)
        size = (x2 - x1, y2 - y1)
        canvas[y1:y2, x1:x2] |= cv2.resize(np.ascontiguousarray(mask), size) > 127
    return canvas


@pytest.mark.parametrize(
    "varied",
    [
        mirrored,
        lambda scene: moved(scene, (1.0, 1.0), (0.0, 0.0)),
        lambda scene: moved(scene, (1.4, 1.2), (-30.0, -40.0)),
        lambda scene: moved(scene, (1.3, 1.5), (-130.0, -90.0)),
        lambda scene: moved(scene, (0.8, 0.8), (20.0, 50.0)),
    ],
)
def test_masks_stay_on_their_objects(varied: Callable[[Scene], Scene], scenes: Scenes) -> None:
    scene = varied(scenes[2])
    red, _, blue = (scene.picture[:, :, channel].astype(int) for channel in range(3))
    objects = abs(red - blue) > 95
    covered = drawn(scene)
    assert (objects & covered).sum() / (objects | covered).sum() > 0.96


def test_what_leaves_the_picture_is_cut_off(scenes: Scenes) -> None:
    scene = scenes[0]
    cut = moved(scene, (1.0, 1.0), (0.0, -float(scene.boxes[0, 3]) + 10))
    cell = (scene.boxes[0, 3] - scene.boxes[0, 1]) / GRID
    np.testing.assert_allclose(cut.boxes[0, [1, 3]], [0, 10], atol=cell)
    assert cut.ignored.tolist() == [True, False]
    gone = moved(scene, (1.0, 1.0), (0.0, -float(scene.boxes[0, 3]) - 1))
    assert gone.classes.tolist() == [CLASSES.index("bus") + 1]


def test_confusion_counts_what_is_taken_for_what(folder: Path) -> None:
    truth = load_dataset(folder / "instances.json", folder / "images", limit=2)
    bus, ball, kite = (CATEGORY_IDS[name] for name in ("bus", "sports ball", "kite"))
    rows = truth.annotations
    found = [
        detection(rows[0], 0.9),
        detection(rows[1], 0.8)._replace(category_id=kite),
        detection(rows[0], 0.7),
        detection(rows[2], 0.2),
    ]
    crowded = replace(truth, annotations=(*rows[:3], {**rows[3], "iscrowd": 1}))
    counts = confusion(crowded, found, [bus, ball, kite])
    assert counts.tolist() == [[0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]


def detection(row: Record, score: float) -> Found:
    """What is there, found exactly."""
    box, mask = tuple(row["bbox"]), row["segmentation"]
    return Found(row["image_id"], row["category_id"], score, box, mask)

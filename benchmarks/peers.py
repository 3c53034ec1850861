"""How much sooner is a film done than with Ultralytics, from the same model and the same clip?

    pip install ultralytics
    python benchmarks/peers.py CLIP --model MODEL [--rounds 3]

MODEL is of the yolo-seg contract. Both run the same graph, as OpenVINO IR in the form that
Ultralytics exports, in the precision that OpenVINO chooses, and both write an annotated film; each
in a process of its own, in turns. The ratio is Ultralytics' time over ours: of whole processes,
from the command to the end, and without what a process takes for a single frame, most of which is
its start. How many objects each has found shows that both did the same.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as op
from openvino.preprocess import PrePostProcessor

from streamer.models.loading import Loaded, load
from streamer.models.yolo_ports import Ports, recognize
from streamer.models.yolo_seg import LARGEST_NORMALIZED
from streamer.sources.registry import open_source

_THEIRS = """
import sys
from ultralytics import YOLO
model, clip, folder, threshold, most = sys.argv[1:]
found = 0
results = YOLO(model, task="segment").predict(
    clip, stream=True, save=True, conf=float(threshold), device="cpu", verbose=False, project=folder
)
for number, result in enumerate(results, 1):
    found += len(result.boxes)
    if number == int(most):
        break
print(found)
"""

_THRESHOLD = "0.5"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("clip", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    clip = options.clip.resolve()
    with open_source(str(clip)) as source:
        frames = sum(1 for _ in source)
    whole: list[tuple[float, float]] = []
    rest: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        model = export(load(options.model), folder / "model_openvino_model")
        for number in range(options.rounds + 1):
            (ours, found), (theirs, their_found) = (
                run(clip, model, folder, frames) for run in (run_ours, run_theirs)
            )
            (our_start, _), (their_start, _) = (
                run(clip, model, folder, 1) for run in (run_ours, run_theirs)
            )
            if number == 0:
                print(f"objects in {frames} frames: {found} here, {their_found} there")
                continue  # graphs were compiled and files read for the first time
            whole.append((ours, theirs))
            rest.append((ours - our_start, theirs - their_start))
            print(
                f"{ours:.1f} s here, {theirs:.1f} s there; start {our_start:.1f}, {their_start:.1f}"
            )
    show("whole runs", frames, whole)
    show("without the start", frames - 1, rest)


def show(name: str, frames: int, times: list[tuple[float, float]]) -> None:
    """The medians, and the ratio."""
    ours, theirs = (frames / statistics.median(side) for side in zip(*times, strict=True))
    ratio = statistics.median(b / a for a, b in times)
    print(f"{name}: {ours:.1f} frames a second here, {theirs:.1f} there, ratio {ratio:.2f}")


def export(loaded: Loaded, folder: Path) -> Path:
    """Write a model as Ultralytics exports its own: [1, 3, H, W] in, boxes in pixels."""
    recognized = recognize(loaded)
    if recognized is None:
        sys.exit(f"{loaded.path} does not follow the yolo-seg contract")
    graph, ports = recognized
    folder.mkdir()
    ov.save_model(_as_exported(graph, ports), folder / "model.xml", compress_to_fp16=False)
    names = dict(enumerate(loaded.names or map(str, range(ports.classes or 80))))
    metadata = {
        "task": "segment",
        "imgsz": [ports.height, ports.width],
        "stride": 32,
        "batch": 1,
        "names": names,
        "channels": 3,
    }
    # JSON is YAML.
    (folder / "metadata.yaml").write_text(json.dumps(metadata), "utf-8")
    return folder


def _as_exported(graph: ov.Model, ports: Ports) -> ov.Model:
    changes = PrePostProcessor(graph)
    changes.input().model().set_layout(ov.Layout(ports.layout))
    changes.input().tensor().set_layout(ov.Layout("NCHW"))
    changed = changes.build()
    rows, prototypes = (
        changed.output(index).get_node().input_value(0)
        for index in (ports.detections, ports.prototypes)
    )
    if ports.values_last:
        rows = op.transpose(rows, [0, 2, 1]).output(0)
    if ports.prototypes_last:
        prototypes = op.transpose(prototypes, [0, 3, 1, 2]).output(0)
    exported = ov.Model([rows, prototypes], changed.get_parameters(), "model")
    if _largest_box(exported) > LARGEST_NORMALIZED:
        return exported
    scale = np.ones((1, rows.shape[1], 1), np.float32)
    scale[0, :4, 0] = [ports.width, ports.height] * 2
    rows = op.multiply(rows, op.constant(scale)).output(0)
    return ov.Model([rows, prototypes], changed.get_parameters(), "model")


def _largest_box(exported: ov.Model) -> float:
    """The largest coordinate for a grey picture: anchors have boxes also where nothing is."""
    compiled = ov.Core().compile_model(exported, "CPU")
    grey = np.full(exported.input().shape, 0.5, np.float32)
    return float(compiled([grey])[0][:, :4].max())


def run_ours(clip: Path, model: Path, folder: Path, frames: int) -> tuple[float, int]:
    """Seconds that a run of so many frames takes, and how many objects it finds."""
    results = folder / "ours.jsonl"
    outputs = ["-o", str(folder / "ours.mp4"), "-o", str(results), "--overwrite", "--quiet"]
    command = ["run", str(clip), "--model", str(model), "--threshold", _THRESHOLD]
    command += ["--frames", str(frames), *outputs]
    seconds, _ = timed([sys.executable, "-m", "streamer", *command])
    lines = results.read_text("utf-8").splitlines()
    return seconds, sum(len(json.loads(line)["instances"]) for line in lines)


def run_theirs(clip: Path, model: Path, folder: Path, frames: int) -> tuple[float, int]:
    """Seconds that Ultralytics takes for so many frames, and how many objects it finds."""
    arguments = [str(model), str(clip), str(folder / "theirs"), _THRESHOLD, str(frames)]
    seconds, words = timed([sys.executable, "-c", _THEIRS, *arguments])
    return seconds, int(words.split()[-1])


def timed(command: list[str]) -> tuple[float, str]:
    """Seconds that a process takes, and what it prints."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return seconds, done.stdout


if __name__ == "__main__":
    main()

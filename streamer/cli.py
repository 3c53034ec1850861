"""The command line: from arguments to settings, from outcome to exit code.

Exit codes: 0 done; 1 it broke while running; 2 the request was wrong; 130 stopped with Ctrl-C, 143
with SIGTERM, in both cases after the output was finalized.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from streamer import __version__
from streamer.arguments import Parser, count, count_or_auto
from streamer.assets import DEMO
from streamer.config import Settings
from streamer.console import Lenient
from streamer.errors import StreamerError, one_line
from streamer.model_commands import add_models
from streamer.urls import redact_text

_ABOUT = "Instance segmentation on live and recorded video with OpenVINO."

_COMMANDS = """\
commands:
  run                    try it: the embedded demo clip to demo-annotated.mp4
  run SOURCE -o SINK     find instances in a video and draw or write them
  models list            which models are known, and which are on this machine
  models fetch NAME      download a model, verify it and convert it
  models info MODEL      what a model is: contract, ports, parameters, work
  models convert FILE    a TensorFlow frozen graph of Mask R-CNN to OpenVINO IR
  models quantize MODEL  a model in INT8, by NNCF, and how it compares
  models random NAME     a network of full size with random weights, for benchmarks
  evaluate               average precision of a model on annotated images
  bench                  what this machine can do, and how close the pipeline gets
  doctor                 versions, devices, codecs, and a check of each device

examples:
  streamer run clip.mp4 --model yolov8n-seg.onnx -o out.mp4
  streamer run clip.mp4 --model yolov8n-seg.onnx -o out.mp4 -o out.jsonl --classes person
  streamer run 0 -o window
  streamer run rtsp://user:password@camera/stream -o web
  streamer models convert frozen_inference_graph.pb -o models/mask_rcnn
  streamer run photos/ --model yolov8n-seg.onnx -o annotated/
  streamer run lavfi:testsrc2=size=1280x720:rate=30 --frames 300 --model m.xml -o null

`streamer COMMAND --help` tells more.
"""

_SOURCES_AND_SINKS = """\
SOURCE is a video file, an image, a folder of images, a camera (0, /dev/video0 or its name), a URL
(rtsp:// rtsps:// rtmp:// udp:// http:// ...), lavfi:GRAPH (made by FFmpeg) or demo, the embedded
clip. Without any, the demo clip goes through the demo model to demo-annotated.mp4.
SINK is window, web or web:PORT (a page), a video file (.mp4 .mkv .mov .webm), rtsp:// or rtmp://
(publish), an image (.png .jpg), a folder for images, FILE.jsonl (results, a line a frame) or null
(nowhere). Give -o several times for several.

examples:
  streamer run
  streamer run clip.mp4 --model yolov8n-seg_openvino_model -o out.mp4
  streamer run 0 -o window
  streamer run rtsp://user:password@camera/stream -o web -o cam.mp4 --segment 10m
  streamer run clip.mp4 --model m.onnx -o part.mp4 --start 1:20 --duration 10
  streamer run clip.mp4 --model m.onnx -o small.mp4 --encoder h265 --crf 28
  streamer run clip.mp4 --model m.onnx -o people.jsonl --classes person --threshold 0.3
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    try:
        parsed = parser().parse_args(arguments)
        return int(parsed.command(parsed))
    except StreamerError as error:
        return _fail(error, error.exit_code, debug)
    except KeyboardInterrupt as signal:
        return int(getattr(signal, "exit_code", 130))
    except BrokenPipeError:
        return 0
    except Exception as error:
        hint = "" if debug else " (this is a bug; --debug shows where)"
        return _fail(error, 1, debug, hint)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = Parser(
        prog="streamer",
        description=_ABOUT,
        epilog=_COMMANDS,
        usage="streamer COMMAND [OPTION]...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"streamer {__version__}")
    commands = top.add_subparsers(
        required=True, metavar="COMMAND", help=argparse.SUPPRESS, parser_class=Parser
    )
    for command in (
        _add_run(commands),
        *add_models(commands),
        _add_evaluate(commands),
        _add_bench(commands),
        _add_doctor(commands),
    ):
        command.add_argument("--debug", action="store_true", help="show tracebacks")
    return top


def _add_run(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "run",
        prog="streamer run",
        usage="streamer run [SOURCE] [-o SINK]... [--model MODEL] [OPTION]...",
        description="Find instances in a video, and draw or write them.",
        epilog=_SOURCES_AND_SINKS,
        argument_default=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("source", metavar="SOURCE", nargs="?", help="where the pictures come from")
    command.add_argument(
        "--config", type=Path, metavar="FILE.toml", help="settings by the names of these options"
    )
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name, field in Settings.model_fields.items():
        if name != "source":
            title = _hints(field)["group"]
            if title not in groups:
                groups[title] = command.add_argument_group(title)
            _add_option(groups[title], name, field)
    command.set_defaults(command=_run)
    return command


def _add_option(group: argparse._ArgumentGroup, name: str, field: FieldInfo) -> None:
    flag = f"--{name.replace('_', '-')}"
    text = (field.description or "").replace("%", "%%")
    if field.annotation is bool:
        off = field.default is True
        action = "store_false" if off else "store_true"
        group.add_argument(
            flag.replace("--", "--no-") if off else flag, dest=name, action=action, help=text
        )
        return
    if field.default not in (None, (), "", Path()):
        text += f" ({field.default})"
    choices = _choices(field.annotation)
    metavar = _hints(field)["metavar"] or ("|".join(choices) if choices else None)
    action = "append" if name == "output" else "store"
    flags = ["-o", flag] if name == "output" else [flag]
    group.add_argument(*flags, dest=name, action=action, metavar=metavar, help=text)


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words that a field may be; none where it may be something else."""
    kinds: tuple[Any, ...] = getattr(annotation, "__args__", ())
    if type(None) in kinds:
        return _choices(kinds[0])
    return kinds if all(isinstance(kind, str) for kind in kinds) else ()


def _hints(field: FieldInfo) -> dict[str, Any]:
    """What `streamer.config.option` has noted."""
    return dict(field.json_schema_extra) if isinstance(field.json_schema_extra, dict) else {}


def _add_evaluate(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "evaluate",
        prog="streamer evaluate",
        usage="streamer evaluate --model MODEL --annotations FILE --images DIR [OPTION]...",
        description="Average precision of a model on images annotated in COCO's format.",
    )
    command.add_argument(
        "--model", required=True, metavar="MODEL", help="a name, a file or a folder"
    )
    command.add_argument(
        "--annotations", type=Path, metavar="FILE", help="instances in COCO's format"
    )
    command.add_argument("--images", type=Path, metavar="DIR", help="the folder of their images")
    command.add_argument(
        "--dataset",
        nargs=2,
        metavar=("coco-val2017", "DIR"),
        help="instead of both: a known data set and the folder that holds it",
    )
    command.add_argument(
        "--limit", type=count, metavar="N", help="so many images only, those of the lowest ids"
    )
    command.add_argument("--device", default="AUTO", metavar="NAME", help="as for run (AUTO)")
    command.add_argument(
        "--precision",
        choices=("auto", "f32", "bf16", "f16", "int8"),
        default="auto",
        help="what inference computes in (auto)",
    )
    command.add_argument(
        "--requests", type=count_or_auto, metavar="N|auto", help="infer requests in flight (auto)"
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    command.add_argument("--sheet", type=Path, metavar="FILE.png", help="draw the worst images")
    command.set_defaults(command=_evaluate)
    return command


def _add_bench(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "bench",
        prog="streamer bench",
        description="Measure each part of the pipeline alone and the whole, and how close it gets.",
    )
    command.add_argument(
        "--model", metavar="MODEL", default=DEMO, help="a name, a file or a folder (demo)"
    )
    command.add_argument("--source", default=DEMO, help="what to run on (demo)")
    command.add_argument("--device", default="AUTO", metavar="NAME", help="as for run")
    command.add_argument("--frames", type=int, default=150, metavar="N", help="how many (150)")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    command.set_defaults(command=_bench)
    return command


def _add_doctor(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "doctor",
        prog="streamer doctor",
        description="Show versions, devices and codecs, and check each device against the CPU.",
    )
    command.set_defaults(command=_doctor)
    return command


# What a command needs is imported when it is chosen: help and errors come at once.


def _run(parsed: argparse.Namespace) -> int:
    from streamer.config import load
    from streamer.running import run

    flags = {name: value for name, value in vars(parsed).items() if name in Settings.model_fields}
    return run(load(flags, getattr(parsed, "config", None)))


def _evaluate(parsed: argparse.Namespace) -> int:
    from streamer.config import home
    from streamer.evaluation.dataset import locate
    from streamer.evaluation.evaluate import BOXES, MASKS, evaluate
    from streamer.models.catalogue import read_catalogue
    from streamer.models.names import find

    annotations, images = locate(parsed.annotations, parsed.images, parsed.dataset)
    entry = read_catalogue().get(parsed.model)
    published = {BOXES: entry.box_ap / 100, MASKS: entry.mask_ap / 100} if entry else {}
    evaluate(
        find(parsed.model, home() / "models"),
        annotations,
        images,
        limit=parsed.limit,
        device=parsed.device,
        precision=parsed.precision,
        requests=parsed.requests,
        json_file=parsed.json,
        sheet=parsed.sheet,
        published=published,
        published_on=entry.measured_on if entry else "",
    )
    return 0


def _bench(parsed: argparse.Namespace) -> int:
    from streamer.bench import bench

    bench(parsed.source, parsed.model, parsed.device, parsed.frames, parsed.json)
    return 0


def _doctor(_: argparse.Namespace) -> int:
    from streamer.doctor import doctor

    return doctor()


def _fail(error: BaseException, code: int, debug: bool, hint: str = "") -> int:
    stderr = Lenient.stderr()
    if debug:
        stderr.write(redact_text("".join(traceback.format_exception(error))))
    stderr.write(redact_text(f"streamer: {one_line(error)}{hint}\n"))
    return code

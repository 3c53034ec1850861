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
from typing import Any, NoReturn

from pydantic.fields import FieldInfo

from streamer import __version__
from streamer.assets import DEMO
from streamer.config import Settings
from streamer.console import Lenient
from streamer.errors import SettingsError, StreamerError, one_line
from streamer.urls import redact_text

_ABOUT = "Instance segmentation on live and recorded video with OpenVINO."

_COMMANDS = """\
commands:
  run                    try it: the embedded demo clip to demo-annotated.mp4
  run SOURCE -o SINK     find instances in a video and draw or write them
  models info MODEL      what a model is: contract, ports, parameters, work
  models convert FILE    a TensorFlow frozen graph of Mask R-CNN to OpenVINO IR
  models random NAME     a network of full size with random weights, for benchmarks
  bench                  what this machine can do, and how close the pipeline gets
  doctor                 versions, devices, codecs, and a check of each device

examples:
  streamer run clip.mp4 --model yolov8n-seg.onnx -o out.mp4
  streamer run clip.mp4 --model yolov8n-seg.onnx -o out.mp4 -o out.jsonl --classes person
  streamer models convert frozen_inference_graph.pb -o models/mask_rcnn
  streamer run photos/ --model yolov8n-seg.onnx -o annotated/
  streamer run lavfi:testsrc2=size=1280x720:rate=30 --frames 300 --model m.xml -o null

`streamer COMMAND --help` tells more.
"""

_SOURCES_AND_SINKS = """\
SOURCE is a video file, an image, a folder of images, lavfi:GRAPH (made by FFmpeg) or demo, the
embedded clip. Without any, the demo clip goes through the demo model to demo-annotated.mp4.
SINK is a video file (.mp4 .mkv .mov .webm), an image (.png .jpg), a folder for images,
FILE.jsonl (results, a line a frame) or null (nowhere). Give -o several times for several.

examples:
  streamer run
  streamer run clip.mp4 --model yolov8n-seg_openvino_model -o out.mp4
  streamer run clip.mp4 --model m.onnx -o part.mp4 --start 1:20 --duration 10
  streamer run clip.mp4 --model m.onnx -o small.mp4 --encoder h265 --crf 28
  streamer run clip.mp4 --model m.onnx -o people.jsonl --classes person --threshold 0.3
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line.

    Options are not to be abbreviated: a new option must not break a script.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; see {self.prog} --help")


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
    top = _Parser(
        prog="streamer",
        description=_ABOUT,
        epilog=_COMMANDS,
        usage="streamer COMMAND [OPTION]...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"streamer {__version__}")
    commands = top.add_subparsers(
        required=True, metavar="COMMAND", help=argparse.SUPPRESS, parser_class=_Parser
    )
    for command in (
        _add_run(commands),
        *_add_models(commands),
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
    flags = ["-o", f"--{name}"] if name == "output" else [f"--{name}"]
    text = (field.description or "").replace("%", "%%")
    if field.annotation is bool:
        off = field.default is True
        action = "store_false" if off else "store_true"
        flag = f"--no-{name}" if off else f"--{name}"
        group.add_argument(flag, dest=name, action=action, help=text)
        return
    if field.default not in (None, (), ""):
        text += f" ({field.default})"
    choices = getattr(field.annotation, "__args__", ()) if name == "precision" else None
    metavar = _hints(field)["metavar"] or ("|".join(choices) if choices else None)
    action = "append" if name == "output" else "store"
    group.add_argument(*flags, dest=name, action=action, metavar=metavar, help=text)


def _hints(field: FieldInfo) -> dict[str, Any]:
    """What `streamer.config.option` has noted."""
    return dict(field.json_schema_extra) if isinstance(field.json_schema_extra, dict) else {}


def _add_models(commands: Any) -> list[argparse.ArgumentParser]:
    models: argparse.ArgumentParser = commands.add_parser(
        "models", prog="streamer models", description="Look at models, and make them."
    )
    kinds = models.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    info: argparse.ArgumentParser = kinds.add_parser(
        "info", help="what a model is: contract, ports, parameters, work"
    )
    info.add_argument("model", metavar="MODEL", help="a file, a folder, or a network's name")
    info.set_defaults(command=_models_info)
    convert: argparse.ArgumentParser = kinds.add_parser(
        "convert", help="a TensorFlow frozen graph of Mask R-CNN to OpenVINO IR"
    )
    convert.add_argument("file", type=Path, metavar="FILE", help="frozen_inference_graph.pb")
    convert.set_defaults(command=_models_convert)
    random: argparse.ArgumentParser = kinds.add_parser(
        "random", help="a network of full size with random weights, for benchmarks"
    )
    random.add_argument("name", metavar="NAME", help="such as mask_rcnn_resnet50_atrous_coco")
    random.add_argument("--seed", type=int, default=0, metavar="N", help="of the weights (0)")
    random.set_defaults(command=_models_random)
    for maker in (convert, random):
        maker.add_argument(
            "-o", "--output", type=Path, required=True, metavar="DIR", help="where it goes"
        )
        maker.add_argument(
            "--input-size", type=_size, metavar="HxW", help="rows and columns of the input"
        )
    return [info, convert, random]


def _size(text: str) -> tuple[int, int]:
    rows, times, columns = text.lower().partition("x")
    if not (times and rows.isdecimal() and columns.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give rows x columns as 480x820")
    return int(rows), int(columns)


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


def _models_info(parsed: argparse.Namespace) -> int:
    from streamer.models.info import info

    info(parsed.model)
    return 0


def _models_convert(parsed: argparse.Namespace) -> int:
    from streamer.models.convert import convert

    print(convert(parsed.file, parsed.output, parsed.input_size))
    return 0


def _models_random(parsed: argparse.Namespace) -> int:
    from streamer.models.convert import make_random

    print(make_random(parsed.name, parsed.output, parsed.input_size, parsed.seed))
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
        traceback.print_exception(error, file=stderr)
    stderr.write(redact_text(f"streamer: {one_line(error)}{hint}\n"))
    return code

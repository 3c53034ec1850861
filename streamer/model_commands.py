"""``streamer models ...``: the command line of everything that has to do with models themselves."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from streamer.arguments import Parser, count, size


def add_models(commands: Any) -> list[argparse.ArgumentParser]:
    """Add ``models`` and what belongs to it; gives the parsers of its commands."""
    models: argparse.ArgumentParser = commands.add_parser(
        "models", prog="streamer models", description="Look at models, and make them."
    )
    kinds = models.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    listing: argparse.ArgumentParser = kinds.add_parser(
        "list", help="which models are known, and which are on this machine"
    )
    listing.set_defaults(command=_models_list)
    fetch: argparse.ArgumentParser = kinds.add_parser(
        "fetch", help="download a model, verify it and convert it"
    )
    fetch.add_argument("name", metavar="NAME", help="as `models list` shows it")
    fetch.add_argument(
        "--from", dest="origin", metavar="FILE_OR_URL", help="take it from there instead"
    )
    fetch.add_argument(
        "--keep-archive", action="store_true", help="keep the download after its use"
    )
    fetch.add_argument(
        "--unverified", action="store_true", help="take a file that is not the published one"
    )
    fetch.set_defaults(command=_models_fetch)
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
    quantize: argparse.ArgumentParser = kinds.add_parser(
        "quantize", help="a model in INT8, by NNCF, and how it compares"
    )
    quantize.add_argument("model", metavar="MODEL", help="a name, a file or a folder")
    quantize.add_argument(
        "--data", required=True, metavar="DIR_OR_CLIP", help="pictures to calibrate on"
    )
    quantize.add_argument(
        "--samples", type=count, default=300, metavar="N", help="how many at most (300)"
    )
    quantize.add_argument(
        "--max-drop",
        type=float,
        metavar="POINTS",
        help="of average precision that may be lost; needs annotated images",
    )
    quantize.add_argument(
        "--annotations", type=Path, metavar="FILE", help="instances in COCO's format"
    )
    quantize.add_argument("--images", type=Path, metavar="DIR", help="the folder of their images")
    quantize.set_defaults(command=_models_quantize)
    for maker in (convert, random, quantize):
        maker.add_argument(
            "-o", "--output", type=Path, required=True, metavar="DIR", help="where it goes"
        )
    for maker in (convert, random):
        maker.add_argument(
            "--input-size", type=size, metavar="HxW", help="rows and columns of the input"
        )
    return [listing, fetch, info, convert, random, quantize]


# As in `streamer.cli`, what a command needs is imported when it is chosen.


def _models_list(_: argparse.Namespace) -> int:
    from rich.console import Console

    from streamer.config import home
    from streamer.models.listing import list_models

    list_models(home() / "models", Console())
    return 0


def _models_fetch(parsed: argparse.Namespace) -> int:
    from rich.console import Console

    from streamer.config import home
    from streamer.models.fetch import fetch

    fetch(
        parsed.name,
        home() / "models",
        origin=parsed.origin,
        keep_archive=parsed.keep_archive,
        unverified=parsed.unverified,
        console=Console(highlight=False, soft_wrap=True),
    )
    return 0


def _models_info(parsed: argparse.Namespace) -> int:
    from streamer.models.info import info

    info(parsed.model)
    return 0


def _models_convert(parsed: argparse.Namespace) -> int:
    from streamer.models.convert import convert

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    print(convert(parsed.file, parsed.output, parsed.input_size, say=say))
    return 0


def _models_random(parsed: argparse.Namespace) -> int:
    from streamer.models.convert import make_random

    print(make_random(parsed.name, parsed.output, parsed.input_size, parsed.seed))
    return 0


def _models_quantize(parsed: argparse.Namespace) -> int:
    from rich.console import Console

    from streamer.config import home
    from streamer.evaluation.dataset import load_dataset, locate
    from streamer.evaluation.int8 import Limit, quantize_model
    from streamer.models.names import find

    model = find(parsed.model, home() / "models")
    console = Console(highlight=False, soft_wrap=True)
    limit = None
    if parsed.max_drop is not None:
        dataset = load_dataset(*locate(parsed.annotations, parsed.images, None), None)
        limit = Limit(parsed.max_drop, dataset)
    quantize_model(
        model, parsed.data, parsed.output, samples=parsed.samples, limit=limit, console=console
    )
    return 0

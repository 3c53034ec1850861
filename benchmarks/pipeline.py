"""How close the whole pipeline gets to what the machine could do.

    python benchmarks/pipeline.py CLIP --model MODEL [--rounds 3]

The bound is 1 / (sum of the CPU seconds a frame of decoding alone, preprocessing and inference
alone, drawing alone and encoding alone, over the cores). Each round measures the parts and the
whole anew, at the clip's own size and at 1920x1080; the medians of the rounds are printed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from fractions import Fraction
from pathlib import Path

import av
from rich.console import Console

from streamer.bench import Bench, Cost, measure, table
from streamer.config import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("clip")
    parser.add_argument("--model", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=247, help="of the clip, held in memory")
    parsed = parser.parse_args()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder, "1080p.mp4")
        enlarge(parsed.clip, large)
        for name, clip in (("as it is", parsed.clip), ("1920x1080", str(large))):
            settings = Settings(
                source=clip,
                model=parsed.model,
                output=(str(Path(folder, "out.mp4")),),
                frames=parsed.frames,
                overwrite=True,
                audio=False,
            )
            rounds = [measure(settings) for _ in range(parsed.rounds)]
            console.print(f"\n{name}: medians of {parsed.rounds} rounds", style="bold")
            console.print(table(median(rounds)))
            console.print("ratios: " + ", ".join(f"{r.ratio:.3f}" for r in rounds))
            console.print("of free cores: " + ", ".join(f"{r.free_ratio:.3f}" for r in rounds))


def median(rounds: list[Bench]) -> Bench:
    """Each figure's median."""

    def middle(values: list[float]) -> float:
        return statistics.median(values)

    parts = {
        name: Cost(
            middle([r.parts[name].cpu_ms for r in rounds]),
            middle([r.parts[name].wall_ms for r in rounds]),
        )
        for name in rounds[0].parts
    }
    return Bench(
        rounds[0].frames,
        parts,
        middle([r.bound_fps for r in rounds]),
        middle([r.pipeline_fps for r in rounds]),
        middle([r.ratio for r in rounds]),
        middle([r.pipeline_cpu_ms for r in rounds]),
        middle([r.free_cores for r in rounds]),
        middle([r.free_ratio for r in rounds]),
    )


def enlarge(clip: str, target: Path, size: tuple[int, int] = (1920, 1080)) -> None:
    """The same pictures at another size, in H.264 of high quality."""
    with av.open(clip) as source, av.open(str(target), "w") as output:
        video = source.streams.video[0]
        rate = video.average_rate or Fraction(25)
        encoder = output.add_stream("libx264", rate, options={"crf": "18", "preset": "veryfast"})
        encoder.width, encoder.height = size
        encoder.pix_fmt = "yuv420p"
        for picture in source.decode(video):
            scaled = picture.reformat(*size, format="yuv420p")
            scaled.pict_type = 0
            output.mux(encoder.encode(scaled))
        output.mux(encoder.encode())


if __name__ == "__main__":
    main()

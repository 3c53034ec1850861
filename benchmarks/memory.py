"""Peak memory of a ten-minute clip over that of a one-minute clip: it must not grow.

    python benchmarks/memory.py --model MODEL

Each run is a process of its own on made pictures of 640x360, encoded to a file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def peak_mb(model: str, minutes: int, folder: Path) -> float:
    summary = folder / "summary.json"
    source = "lavfi:testsrc2=size=640x360:rate=10"
    command = [sys.executable, "-m", "streamer", "run", source, "--model", model, "--quiet"]
    command += ["-o", str(folder / "out.mp4"), "-o", str(folder / "out.jsonl"), "--overwrite"]
    command += ["--frames", str(minutes * 600), "--summary", str(summary)]
    subprocess.run(command, check=True)
    figures = json.loads(summary.read_text())
    assert figures["frames"]["written"] == minutes * 600
    return float(figures["peak_rss_mb"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", required=True)
    model = parser.parse_args().model
    with tempfile.TemporaryDirectory() as folder:
        short, long = (peak_mb(model, minutes, Path(folder)) for minutes in (1, 10))
    print(f"1 minute: {short:.0f} MB, 10 minutes: {long:.0f} MB, ratio {long / short:.3f}")


if __name__ == "__main__":
    main()

"""From the command to the first frame written, without and with the compiled-graph cache.

python benchmarks/startup.py CLIP --model MODEL [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(clip: str, model: str, home: Path) -> float:
    """Wall time of a run of one frame, Python's own start and the writing included."""
    command = [sys.executable, "-m", "streamer", "run", clip, "--model", model, "--quiet"]
    command += ["--frames", "1", "-o", str(home / "first.mp4"), "--overwrite"]
    began = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, "STREAMER_HOME": str(home)})
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("clip")
    parser.add_argument("--model", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parsed = parser.parse_args()
    cold, warm = [], []
    for _ in range(parsed.rounds):
        with tempfile.TemporaryDirectory() as folder:
            cold.append(seconds(parsed.clip, parsed.model, Path(folder)))
            warm.append(seconds(parsed.clip, parsed.model, Path(folder)))
    first, second = statistics.median(cold), statistics.median(warm)
    print(f"cold {first:.2f} s, warm {second:.2f} s, ratio {second / first:.2f}")


if __name__ == "__main__":
    main()

"""Put what was trained into the program: the weights in half precision, with their config.

python -m tools.demo.pack RUN [-o assets/demo.npz] [--proposals N]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from streamer.models.demo import pack
from tools.demo.training.config import CONFIG, NOTES


def main() -> None:
    """Pack the weights of a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("run", type=Path, help="folder of the run, which holds weights.npz")
    parser.add_argument("-o", "--output", type=Path, default=Path("assets/demo.npz"))
    parser.add_argument("--proposals", type=int, default=CONFIG.proposals)
    options = parser.parse_args()
    with np.load(options.run / "weights.npz") as archive:
        arrays = dict(archive)
    config = replace(CONFIG, proposals=options.proposals)
    pack(config, arrays, NOTES, options.output)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

"""``python run.py ARGS`` is the installed ``streamer ARGS``."""

import sys

from streamer.cli import main

sys.exit(main())

"""``python run.py ARGS`` is the installed ``streamer ARGS``."""

import sys

try:
    from streamer.cli import main
except KeyboardInterrupt:  # while everything is being imported
    sys.exit(130)

sys.exit(main())

"""``python -m streamer`` is the installed ``streamer`` command."""

import sys

from streamer.cli import main

sys.exit(main())

"""``python -m streamer`` is the installed ``streamer`` command."""

import sys

try:
    from streamer.cli import main
except KeyboardInterrupt:  # while everything is being imported
    sys.exit(130)

sys.exit(main())

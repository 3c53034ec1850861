"""Instance segmentation on live and recorded video with OpenVINO."""

import sys
from typing import Any, cast

# Before PyAV: both bring a libxcb-shm of the same name, the first to be loaded serves both, and
# with PyAV's OpenCV hangs when it opens a window.
import cv2  # noqa: F401

# OpenVINO reports its use over the network and keeps files in the home folder for that. Without
# this module, which it can do without, it does neither.
cast("dict[str, Any]", sys.modules).setdefault("openvino_telemetry", None)

__version__ = "0.1.0"

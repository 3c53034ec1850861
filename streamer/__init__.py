"""Instance segmentation on live and recorded video with OpenVINO."""

__version__ = "0.1.0"

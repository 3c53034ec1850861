"""Mask R-CNN itself, built with OpenVINO's operation set from a config and a set of weights."""

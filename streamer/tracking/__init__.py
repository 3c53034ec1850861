"""Tracks objects: which of one frame is which of another, and who has come and gone."""

from streamer.tracking.presence import Event, Presence
from streamer.tracking.tracker import Tracker

__all__ = ["Event", "Presence", "Tracker"]

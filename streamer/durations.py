"""How long something takes, in words."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss, or m:ss below an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def left(amount: float, rate: float) -> str:
    """How long an amount takes at a rate; ``-:--`` where nothing happens.

    Args:
        amount: what is still to be done.
        rate: how much of it is done in a second.
    """
    return clock(amount / rate) if rate > 0 else "-:--"

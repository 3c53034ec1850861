"""What takes long is started seldom."""

from __future__ import annotations

from streamer.allowance import Allowance


def test_what_costs_nothing_is_always_permitted() -> None:
    allowance = Allowance(0.25, 60.0)
    assert allowance.permits(0.0)
    allowance.start(0.0)
    assert allowance.permits(0.0)


def test_what_takes_long_waits_for_its_share() -> None:
    allowance = Allowance(0.25, 60.0)
    allowance.start(10.0)
    allowance.spend(0.5)
    assert not allowance.permits(11.9)
    assert allowance.permits(12.0)


def test_the_latest_cost_counts() -> None:
    allowance = Allowance(0.25, 60.0)
    allowance.start(10.0)
    allowance.spend(5.0)
    allowance.spend(0.25)
    assert allowance.permits(11.0)


def test_one_that_was_held_up_does_not_stop_all() -> None:
    allowance = Allowance(0.25, 2.0)
    allowance.start(10.0)
    allowance.spend(30.0)
    assert not allowance.permits(11.9)
    assert allowance.permits(12.0)

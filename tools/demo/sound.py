"""Sound of the demo clip: traffic that passes, birds, a ball that bounces; all of it computed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools.demo.scenes.balls import Ball
from tools.demo.scenes.buses import Bus
from tools.demo.scenes.camera import Camera
from tools.demo.scenes.cars import Car
from tools.demo.scenes.scene import Actor, Scene

RATE = 48_000
"""Samples a second."""

Sound = NDArray[np.float32]

_CHIRPS = 26
_PEAK = 0.5


def soundtrack(scene: Scene, seconds: float) -> Sound:
    """What a scene sounds like: f32[2, N], left and right, within -0.5 to 0.5."""
    rng = np.random.default_rng([9, scene.seed])
    time = np.arange(round(seconds * RATE)) / RATE
    mixed = 0.05 * _wind(rng, time)
    for actor in scene.actors:
        if isinstance(actor.figure, Car | Bus) and actor.speed:
            mixed += _engine(rng, time, actor, scene.camera)
        elif isinstance(actor.figure, Ball) and actor.figure.bounce:
            mixed += _bounces(time, actor, actor.figure, scene.camera)
    for _ in range(_CHIRPS):
        mixed += _chirp(rng, time)
    # A soft start and end, so that a loop does not click.
    edge = np.clip(np.minimum(time, seconds - time) / 0.25, 0, 1)
    mixed *= edge
    mixed *= _PEAK / max(float(np.abs(mixed).max()), 1e-9)
    return mixed.astype(np.float32)


def _panned(mono: NDArray[np.float64], pan: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Equal power on two channels; pan from -1, left, to 1, right."""
    angle = (np.clip(pan, -1, 1) + 1) * (np.pi / 4)
    return np.stack([mono * np.cos(angle), mono * np.sin(angle)])


def _low_pass(mono: NDArray[np.float64], hertz: float) -> NDArray[np.float64]:
    """A gentle low-pass filter, 12 dB an octave."""
    spectrum = np.fft.rfft(mono)
    frequency = np.fft.rfftfreq(len(mono), 1 / RATE)
    filtered: NDArray[np.float64] = np.fft.irfft(
        spectrum / (1 + (frequency / hertz) ** 2), len(mono)
    )
    return filtered / max(float(filtered.std()), 1e-9)


def _wind(rng: np.random.Generator, time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Air and a city far away."""
    sides = [_low_pass(rng.normal(0, 1, len(time)), 260) for _ in range(2)]
    return np.stack(sides) * (1 + 0.3 * np.sin(0.9 * time))


def _engine(
    rng: np.random.Generator, time: NDArray[np.float64], actor: Actor, camera: Camera
) -> NDArray[np.float64]:
    """Tyres and an engine that come and go; the pitch drops as they pass."""
    gone = np.maximum(time - actor.start, 0)
    x = actor.x + (-1 if actor.mirrored else 1) * actor.speed * gone
    x -= camera.truck_from + camera.truck * time
    distance = np.hypot(x, actor.z)
    bus = isinstance(actor.figure, Bus)
    tyres = _low_pass(rng.normal(0, 1, len(time)), 420 if bus else 700)
    approach = -np.gradient(distance, time)
    turn = np.cumsum((48 if bus else 74) * (1 + approach / 343)) / RATE * 2 * np.pi
    hum = np.sin(turn) + 0.5 * np.sin(2 * turn) + 0.25 * np.sin(3 * turn)
    loud = (1.4 if bus else 1.0) * (actor.z / distance) ** 3 * (time > actor.start)
    fade = np.clip(gone / 0.6, 0, 1) if actor.start else 1.0
    return _panned((0.14 * tyres + 0.07 * hum) * loud * fade, x / actor.z)


def _bounces(
    time: NDArray[np.float64], actor: Actor, ball: Ball, camera: Camera
) -> NDArray[np.float64]:
    """A thump whenever a ball touches the ground."""
    height = np.asarray([ball.height(float(t)) for t in time[::48]])
    lows = 1 + np.flatnonzero((height[1:-1] <= height[:-2]) & (height[1:-1] < height[2:]))
    sound = np.zeros((2, len(time)))
    length = int(0.2 * RATE)
    after = np.arange(length) / RATE
    thump = np.sin(2 * np.pi * (130 * after - 160 * after**2)) * np.exp(-after * 28)
    thump += 0.25 * np.sin(2 * np.pi * 520 * after) * np.exp(-after * 90)
    for start in (lows * 48).tolist():
        placed = actor.placed(start / RATE, ())
        x = placed.x - camera.truck_from - camera.truck * start / RATE
        loud = 0.5 * min((5.5 / float(np.hypot(x, placed.z))) ** 1.5, 1)
        if actor.speed and start / RATE < actor.start:
            continue
        end = min(start + length, len(time))
        sound[:, start:end] += _panned(loud * thump[: end - start], x / placed.z)
    return sound


def _chirp(rng: np.random.Generator, time: NDArray[np.float64]) -> NDArray[np.float64]:
    """A bird that calls a few times."""
    start, pitch = rng.uniform(0, time[-1]), rng.uniform(2300, 4600)
    calls, gap, rise = int(rng.integers(2, 6)), rng.uniform(0.08, 0.16), rng.uniform(-900, 1400)
    loud, pan = rng.uniform(0.008, 0.035), rng.uniform(-0.9, 0.9)
    sound = np.zeros((2, len(time)))
    length = int(0.07 * RATE)
    after = np.arange(length) / RATE
    turn = 2 * np.pi * (pitch * after + rise * after**2 / 0.14 + 4 * np.sin(2 * np.pi * 28 * after))
    call = np.sin(turn) * np.sin(np.pi * after / 0.07) ** 2
    for k in range(calls):
        first = int((start + k * gap) * RATE)
        last = min(first + length, len(time))
        if first < last:
            sound[:, first:last] += _panned(loud * call[: last - first], pan)
    return sound

"""The training loop: schedule, steps, checkpoints."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from streamer.network.config import MaskRcnnConfig
from tools.demo.training.augment import vary
from tools.demo.training.losses import NAMES, Batch, Losses
from tools.demo.training.network import Network
from tools.demo.training.scenes import Scenes
from tools.demo.training.targets import Truth

_CHECKPOINT = "checkpoint.pt"
_WARM_UP = 200
"""Steps in which the learning rate rises."""

_PRIME = 1_000_003
"""Between the seeds of two runs there is room for as many steps."""

_LEAST_RATE = 0.01
"""Share of the learning rate that is left at the end."""


class TrainingError(Exception):
    """Training cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train.

    Attributes:
        minutes: of training in all, over all runs; None where ``epochs`` tells.
        epochs: passes over the scenes; None where ``minutes`` tells.
        batch: pictures a step.
        rois: regions of interest that are sampled from a picture.
        rate: highest learning rate.
        decay: weight decay, of convolutions and fully connected layers only.
        average: decay of the weights' moving average, which is what is kept in the end.
        save_every: seconds between checkpoints.
        seed: of the first weights and of all chance.
    """

    minutes: float | None = None
    epochs: float | None = None
    batch: int = 8
    rois: int = 32
    rate: float = 2e-3
    decay: float = 0.03
    average: float = 0.998
    save_every: float = 180.0
    seed: int = 0


@dataclass(slots=True)
class Progress:
    """What is kept of a run beside the weights.

    Attributes:
        step: steps done.
        seconds: spent on them.
        losses: mean losses, `NAMES`, of every `LOGGED` steps.
        scores: mask AP on validation scenes by step, as the loop's caller found it.
    """

    step: int = 0
    seconds: float = 0.0
    losses: list[list[float]] = field(default_factory=list)
    scores: list[list[float]] = field(default_factory=list)


LOGGED = 20
"""Steps that one entry of `Progress.losses` stands for."""


class Training:
    """A network being trained, in a folder from which it can go on.

    Args:
        config: of the network.
        scenes: to learn from.
        folder: of the run; holds its checkpoint.
        plan: how to train.

    Raises:
        TrainingError: the folder is of a run with another network.

    Attributes:
        network: being trained.
        smoothed: the same with the moving average of its weights, which finds more; in evaluation
            mode.
    """

    def __init__(self, config: MaskRcnnConfig, scenes: Scenes, folder: Path, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.progress = plan, Progress()
        self._scenes, self._path = scenes, folder / _CHECKPOINT
        self.network = Network(config)
        _channels_last(self.network)
        self.smoothed = copy.deepcopy(self.network).eval()
        self._optimizer = torch.optim.AdamW(_groups(self.network, plan), lr=plan.rate, fused=True)
        self._losses = Losses(self.network, plan.rois)
        self._recent = torch.zeros(len(NAMES))
        if self._path.is_file():
            self._load()

    @property
    def done(self) -> float:
        """Share of the plan that is done; 1 or more at the end."""
        plan, progress = self.plan, self.progress
        if plan.minutes is not None:
            return progress.seconds / (60 * plan.minutes)
        assert plan.epochs is not None
        return progress.step * plan.batch / max(plan.epochs * len(self._scenes), 1)

    def run(self, stopped: Callable[[], bool]) -> Iterator[list[float]]:
        """Train until the plan is done or ``stopped``; gives the losses after every step.

        Raises:
            TrainingError: a loss is no number.
        """
        saved = time.monotonic()
        with contextlib.closing(_batches(self._scenes, self.plan, self.progress.step)) as batches:
            while self.done < 1 and not stopped():
                began = time.perf_counter()
                losses = self._step(next(batches))
                self.progress.seconds += time.perf_counter() - began
                if time.monotonic() - saved > self.plan.save_every:
                    self.save()
                    saved = time.monotonic()
                yield losses
        self.save()

    def begin_with(self, weights: dict[str, Tensor]) -> None:
        """Take over weights before the first step."""
        for network in (self.network, self.smoothed):
            network.load_state_dict(weights)

    def save(self) -> None:
        """Write the checkpoint; the old one stays until the new one is whole."""
        content = {
            "network": self.network.state_dict(),
            "smoothed": self.smoothed.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "recent": self._recent,
            "step": self.progress.step,
            "seconds": self.progress.seconds,
            "losses": self.progress.losses,
            "scores": self.progress.scores,
        }
        part = self._path.with_suffix(".part")
        torch.save(content, part)
        part.replace(self._path)

    def _load(self) -> None:
        content: dict[str, Any] = torch.load(self._path, weights_only=True)
        try:
            self.network.load_state_dict(content["network"])
            self.smoothed.load_state_dict(content["smoothed"])
            self._optimizer.load_state_dict(content["optimizer"])
        except (RuntimeError, ValueError) as error:
            raise TrainingError(f"{self._path} is of another network; take a new folder") from error
        self._recent = content["recent"]
        names = ("step", "seconds", "losses", "scores")
        self.progress = Progress(**{name: content[name] for name in names})

    def _step(self, batch: Batch) -> list[float]:
        step = self.progress.step
        for group in self._optimizer.param_groups:
            group["lr"] = self.plan.rate * _share_of_rate(self.done, step)
        self.network.train()
        noise = torch.Generator().manual_seed(self.plan.seed * _PRIME + step)
        loss, parts = self._losses(batch, noise)
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self._optimizer.step()
        self._average()
        self.progress.step += 1
        self._recent += parts / LOGGED
        if self.progress.step % LOGGED == 0:
            self.progress.losses.append(self._recent.tolist())
            self._recent = torch.zeros(len(NAMES))
        values: list[float] = parts.tolist()
        if not all(map(math.isfinite, values)):
            raise TrainingError(f"step {step}: the losses are {values}; try a lower rate")
        return values

    @torch.no_grad()
    def _average(self) -> None:
        """Move the smoothed weights towards the current ones; at first quickly."""
        step = self.progress.step
        keep = min(self.plan.average, (1 + step) / (10 + step))
        for old, new in zip(_tensors(self.smoothed), _tensors(self.network), strict=True):
            old.lerp_(new, 1 - keep)


def _tensors(network: Network) -> list[Tensor]:
    """Everything that is learnt or measured while training."""
    return list(network.state_dict().values())


def _share_of_rate(done: float, step: int) -> float:
    """Warm-up, then a cosine (Loshchilov and Hutter, "SGDR", 2017)."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return min(1.0, (step + 1) / _WARM_UP) * (_LEAST_RATE + (1 - _LEAST_RATE) * cosine)


def _groups(network: Network, plan: Plan) -> list[dict[str, Any]]:
    kernels = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim == 1]
    return [
        {"params": kernels, "weight_decay": plan.decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _channels_last(network: Network) -> None:
    """Lay kernels out as the convolutions of oneDNN want them, lest they be copied every time."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def _batches(scenes: Scenes, plan: Plan, step: int) -> Generator[Batch, None, None]:
    """Batches from ``step`` on, without end; the next one is made beside the current step."""
    cv2.setNumThreads(1)
    with ThreadPoolExecutor(1) as pool:
        coming: Future[Batch] = pool.submit(batch_of, scenes, plan, step)
        while True:
            step += 1
            ready, coming = coming, pool.submit(batch_of, scenes, plan, step)
            yield ready.result()


def batch_of(scenes: Scenes, plan: Plan, step: int) -> Batch:
    """The batch of a step: the same for the same seed, whichever run comes to it."""
    varied = []
    for place in range(step * plan.batch, (step + 1) * plan.batch):
        epoch, index = divmod(place, len(scenes))
        order = np.random.default_rng([plan.seed, epoch]).permutation(len(scenes))
        varied.append(vary(scenes[int(order[index])], np.random.default_rng([plan.seed, 1, place])))
    images = torch.from_numpy(np.stack([scene.picture for scene in varied]))
    return Batch(images, [Truth.of(scene) for scene in varied])

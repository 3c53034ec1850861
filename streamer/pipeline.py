"""Pipeline: runs stages in threads and joins them by channels.

A stage is a generator function from an iterable to an iterator, so it can be tried without threads:
``list(stage([a, b]))``. The pipeline gives each a thread of its own and one wrapper, `_Worker`,
which alone knows about end of stream, errors and stopping:

    source ──channel──> stage ──channel──> ... ──channel──> last stage

- End: a stage whose input has ended returns; the wrapper closes its output. What is queued drains,
  so the last stage sees every item and then the end.
- Error: the wrapper keeps the first exception, cancels the stage's input and closes its output.
  Upstream, `send` is refused and each stage ends; downstream drains. `run` raises it.
- Stop: the source ends after the item at hand, and the rest is an ordinary end.
- Cancel: every channel is cancelled; items under way are lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Generic, TypeVar

from streamer.channel import Channel, OnFull
from streamer.errors import StageError
from streamer.metrics import Metrics, Snapshot

In = TypeVar("In")
Out = TypeVar("Out")

Stage = Callable[[Iterable[In]], Iterator[Out]]
"""Takes the items of the stage before it and yields one item for each, or fewer, or more."""


class Link(Generic[Out]):
    """The open end of the line: what the stage before it yields."""

    def __init__(self, pipeline: Pipeline, worker: _Worker) -> None:
        self._pipeline = pipeline
        self._worker = worker

    def then(
        self,
        name: str,
        stage: Stage[Out, In],
        *,
        size: int = 2,
        on_full: OnFull = "block",
        discard: Callable[[Out], None] | None = None,
        idle: Callable[[], None] | None = None,
        timed: bool = True,
    ) -> Link[In]:
        """Append a stage.

        Args:
            name: of the stage, as errors and metrics show it.
            stage: the generator function.
            size: how many items may wait for it.
            on_full: what happens when they are that many; see `Channel`.
            discard: gives back what an item holds that never reaches the stage.
            idle: called on the stage's thread now and then while nothing comes.
            timed: the stage's working time is measured here; False where it reports its own.
        """
        channel: Channel[Any] = Channel(size, on_full, discard, idle)
        self._worker.outlet = channel
        return Link(self._pipeline, self._pipeline._add(name, stage, channel, timed))


class Pipeline:
    """A line of stages, run once.

    Attributes:
        metrics: what the stages count.
        stopped: `stop` has ended the source before its own end.
    """

    def __init__(self, metrics: Metrics | None = None) -> None:
        self.stopped = False
        self.metrics = metrics or Metrics()
        self._workers: list[_Worker] = []
        self._error: StageError | None = None
        self._error_lock = threading.Lock()
        self._interrupt: Callable[[], None] = lambda: None
        # No Event: a signal's handler sets it, perhaps while it is being set.
        self._stopping = False

    def source(
        self,
        name: str,
        items: Iterable[Out],
        *,
        interrupt: Callable[[], None] = lambda: None,
        timed: bool = True,
    ) -> Link[Out]:
        """Begin the line with a source.

        Args:
            name: of the stage.
            items: what the source gives.
            interrupt: ends a source that waits for what may never come. Called by signal handlers
                too, so it may take no lock.
            timed: see `Link.then`.
        """
        self._interrupt = interrupt

        def until_stopped(_: Iterable[None]) -> Iterator[Out]:
            for item in items:
                yield item
                if self._stopping:
                    self.stopped = True
                    return
            self.stopped = self._stopping

        return Link(self, self._add(name, until_stopped, None, timed))

    def run(self, *, last_here: bool = False) -> None:
        """Run every stage to its end.

        Args:
            last_here: the last stage runs on the caller's thread, as windows want it.

        Raises:
            StageError: a stage raised; the first one wins.
        """
        threads = [
            threading.Thread(target=worker.work, name=worker.name, daemon=True)
            for worker in (self._workers[:-1] if last_here else self._workers)
        ]
        self.metrics.begin()
        for thread in threads:
            thread.start()
        if last_here:
            self._workers[-1].work()
        for thread in threads:
            # With a limit, because Windows delivers no Ctrl-C to a thread that waits without one.
            while thread.is_alive():
                thread.join(0.5)
        self.metrics.end()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the source; what is under way is finished."""
        self._stopping = True
        self._interrupt()

    def cancel(self) -> None:
        """End everything now; what is under way is lost. Sinks still finalize."""
        self.stop()
        for worker in self._workers:
            if worker.inlet is not None:
                worker.inlet.cancel()

    def snapshot(self) -> Snapshot:
        """The metrics, with how full the channels are."""
        channels = {w.name: w.inlet for w in self._workers if w.inlet is not None}
        snapshot = self.metrics.snapshot({n: (len(c), c.size) for n, c in channels.items()})
        return replace(snapshot, counts=snapshot.counts | {"dropped": self.dropped})

    @property
    def dropped(self) -> int:
        """Items that full channels have dropped."""
        return sum(w.inlet.dropped for w in self._workers if w.inlet is not None)

    def _add(
        self, name: str, stage: Stage[Any, Any], inlet: Channel[Any] | None, timed: bool
    ) -> _Worker:
        self.metrics.add_stage(name)
        worker = _Worker(name, stage, inlet, self.metrics if timed else None, self._fail)
        self._workers.append(worker)
        return worker

    def _fail(self, name: str, error: BaseException) -> None:
        with self._error_lock:
            if self._error is None:
                self._error = StageError(name, error)
                self._error.__cause__ = error
        # A source that waits for what may never come would not notice that nobody listens.
        self._interrupt()


class _Worker:
    """Runs one stage: the one place where a stage's end, error and time are handled."""

    def __init__(
        self,
        name: str,
        stage: Stage[Any, Any],
        inlet: Channel[Any] | None,
        metrics: Metrics | None,
        fail: Callable[[str, BaseException], None],
    ) -> None:
        self.name = name
        self.inlet = inlet
        self.outlet: Channel[Any] | None = None
        self._stage = stage
        self._metrics = metrics
        self._fail = fail
        self._waited = 0.0

    def work(self) -> None:
        items = self._stage(self._received())
        try:
            self._pass_on(items)
        except KeyboardInterrupt:  # on the main thread only, by the third Ctrl-C
            raise
        except BaseException as error:  # the thread's last chance to tell anyone
            self._fail(self.name, error)
        finally:
            # A generator that was left in the middle holds files and requests until it is closed.
            try:
                items.close()  # type: ignore[attr-defined]
            except BaseException as error:
                self._fail(self.name, error)
            if self.inlet is not None:
                self.inlet.cancel()
            if self.outlet is not None:
                self.outlet.close()

    def _pass_on(self, items: Iterator[Any]) -> None:
        began = time.perf_counter()
        for item in items:
            if self._metrics is not None:
                worked = time.perf_counter() - began - self._waited
                self._metrics.observe(self.name, max(worked, 0.0))
            if self.outlet is not None and not self.outlet.send(item):
                return
            began = time.perf_counter()
            self._waited = 0.0

    def _received(self) -> Iterator[Any]:
        if self.inlet is None:
            return
        began = time.perf_counter()
        for item in self.inlet:
            self._waited += time.perf_counter() - began
            yield item
            began = time.perf_counter()

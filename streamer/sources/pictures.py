"""Normalizer: whatever a decoder gives becomes upright, progressive 8-bit YUV 4:2:0 of one size."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
from av.filter.context import FilterContext
from av.filter.graph import Graph
from av.video.format import VideoFormat
from av.video.reformatter import ColorRange

from streamer.frame import HD_LINES, PIXEL_FORMATS
from streamer.sources.orientation import Turn, turn_of

_FULL = int(ColorRange.JPEG)
_LIMITED = int(ColorRange.MPEG)
_SMALLEST_DEINTERLACED = 16
"""The deinterlacer refuses chroma planes of fewer than 4 rows; nothing so small is interlaced."""


@dataclass(frozen=True, slots=True)
class _Input:
    """What a filter graph was built for; a picture that differs needs another."""

    format: str
    width: int
    height: int
    turn: Turn
    matrix: int
    range: int
    interlaced: bool
    backward: bool
    """Lines lie in memory from the lowest to the highest, which `Frame` cannot show."""

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows once upright."""
        sides = self.width, self.height
        return sides[::-1] if self.turn.swaps_sides else sides


class Normalizer:
    """Makes pictures what `Frame` promises, through an FFmpeg filter graph where one is needed.

    A picture that already is upright, progressive 8-bit 4:2:0 is passed on as it is, uncopied.
    What the others undergo, in this order: fields are woven into frames, one for one (bwdif);
    samples become 8-bit 4:2:0 in their own range and matrix, RGB becomes limited range of an
    explicit matrix, alpha is dropped; the display matrix is applied; pictures of another size than
    the first are scaled to it.

    Attributes:
        size: columns and rows of every picture given; None before the first.
        turn: what the latest picture underwent.
    """

    def __init__(self, time_base: Fraction, *, turn: Turn | None = None, threads: int = 1) -> None:
        """Start with no picture seen.

        Args:
            time_base: of the pictures to come, and of those given.
            turn: makes the pictures upright; by default their own display matrix says it.
            threads: of the filters.
        """
        self.size: tuple[int, int] | None = None
        self.turn = Turn.NONE
        self._time_base = time_base
        self._fixed_turn = turn
        self._turns: dict[int, Turn] = {}
        self._threads = threads
        self._interlaced = False
        self._input: _Input | None = None
        self._graph: Graph | None = None

    def push(self, picture: av.VideoFrame) -> list[av.VideoFrame]:
        """Take one picture; give those that are done, which may be earlier ones.

        Raises:
            av.FFmpegError: FFmpeg cannot convert such pictures.
        """
        # Once fields were seen all pictures pass the deinterlacer, which leaves frames as they
        # are: it holds one picture back, and none may overtake it.
        tall = min(picture.width, picture.height) >= _SMALLEST_DEINTERLACED
        self._interlaced |= picture.interlaced_frame and tall
        given = self._describe(picture)
        self.turn = given.turn
        self.size = self.size or given.size
        if self._is_done(given):
            return [*self.flush(), picture]
        done: list[av.VideoFrame] = []
        if given != self._input:
            done = self.flush()
            self._input, self._graph = given, self._build(given)
        assert self._graph is not None
        picture.time_base = self._time_base
        self._graph.vpush(picture)
        return done + self._pull()

    def flush(self) -> list[av.VideoFrame]:
        """Give what is held back."""
        if self._graph is None:
            return []
        self._graph.vpush(None)
        rest = self._pull()
        self._input = self._graph = None
        return rest

    def _describe(self, picture: av.VideoFrame) -> _Input:
        return _Input(
            picture.format.name,
            picture.width,
            picture.height,
            self._turn_of(picture) if self._fixed_turn is None else self._fixed_turn,
            int(picture.colorspace),
            int(picture.color_range),
            self._interlaced,
            picture.planes[0].line_size < 0,
        )

    def _turn_of(self, picture: av.VideoFrame) -> Turn:
        # The whole matrix takes milliseconds, so it is looked at once for each angle.
        angle = picture.rotation
        if angle not in self._turns:
            self._turns[angle] = turn_of(picture)
        return self._turns[angle]

    def _is_done(self, given: _Input) -> bool:
        return (
            given.format in PIXEL_FORMATS
            and not given.backward
            and given.turn is Turn.NONE
            and not given.interlaced
            and given.size == self.size
        )

    def _build(self, given: _Input) -> Graph:
        graph = Graph()
        graph.threads = self._threads
        nodes = [
            graph.add(
                "buffer",
                video_size=f"{given.width}x{given.height}",
                pix_fmt=given.format,
                time_base=str(self._time_base),
                pixel_aspect="1/1",
                colorspace=str(given.matrix),
                range=str(given.range),
            )
        ]
        if given.interlaced:
            nodes.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
        nodes += self._conversion(graph, given)
        nodes += [graph.add(name, arguments) for name, arguments in given.turn.value]
        if given.turn is not Turn.NONE:
            nodes.append(graph.add("sidedata", "mode=delete:type=DISPLAYMATRIX"))
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()
        return graph

    def _conversion(self, graph: Graph, given: _Input) -> list[FilterContext]:
        assert self.size is not None
        if given.format in PIXEL_FORMATS and given.size == self.size:
            return [graph.add("copy")] if given.backward else []
        width, height = self.size[::-1] if given.turn.swaps_sides else self.size
        scale = f"w={width}:h={height}:flags=bicubic+accurate_rnd+full_chroma_int"
        tags: list[FilterContext] = []
        if _is_rgb(given.format):
            matrix, range_in, range_out = _matrix_for_rgb(self.size), _FULL, _LIMITED
            scale += f":out_color_matrix={matrix}"
        else:  # levels stay as they are, whatever they mean
            range_in = range_out = _FULL if _is_full(given) else _LIMITED
            if _is_grey(given.format):
                # FFmpeg scales grey levels as if they were full range, even where they are tagged
                # not to be: let them pass as such, and say afterwards what they are.
                tags.append(graph.add("setparams", f"range={range_out}"))
                range_in = range_out = _FULL
        scale += f":in_range={range_in}:out_range={range_out}"
        return [graph.add("scale", scale), graph.add("format", "pix_fmts=yuv420p"), *tags]

    def _pull(self) -> list[av.VideoFrame]:
        assert self._graph is not None
        done: list[av.VideoFrame] = []
        while True:
            try:
                picture = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return done
            if picture.pts is not None and picture.time_base:
                # The deinterlacer counts in half units.
                picture.pts = round(picture.pts * picture.time_base / self._time_base)
            picture.time_base = self._time_base
            done.append(picture)


def _is_rgb(name: str) -> bool:
    kind = VideoFormat(name)
    return kind.is_rgb or kind.has_palette or kind.is_bayer


def _is_grey(name: str) -> bool:
    return len(VideoFormat(name).components) < 3 and not _is_rgb(name)


def _is_full(given: _Input) -> bool:
    """Whether levels span 0..255.

    Where a grey picture does not say, FFmpeg and what writes such pictures take it for full range;
    others are limited unless they say otherwise.
    """
    tagged = given.range == _FULL or given.format.startswith("yuvj")
    return tagged or (_is_grey(given.format) and given.range != _LIMITED)


def _matrix_for_rgb(size: tuple[int, int]) -> str:
    """The matrix that players assume for an untagged picture of this size."""
    return "bt601" if min(size) < HD_LINES else "bt709"

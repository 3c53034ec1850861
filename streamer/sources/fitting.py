"""Fitter: pictures of a stream that changes on its way keep the form of the first."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
from av.filter.graph import Graph

from streamer.frame import Color, copy_tags

_TICK = Fraction(1, 90_000)  # graphs want a unit of time; nothing here goes by it


@dataclass(frozen=True, slots=True)
class _Form:
    """What must be the same in all pictures."""

    width: int
    height: int
    format: str
    color: Color
    aspect: Fraction


class Fitter:
    """Gives every picture the size, the levels and the colour matrix of the first one.

    A picture of another shape keeps its own, with black bars beside or above it.
    """

    def __init__(self) -> None:
        self._wanted: _Form | None = None
        self._tags = av.VideoFrame(16, 16, "yuv420p")
        self._graph: tuple[_Form, Graph] | None = None

    def fit(self, picture: av.VideoFrame, pixel_aspect: Fraction) -> av.VideoFrame:
        """The picture itself if it fits, else a new one without a time.

        Args:
            picture: as `Frame` wants it, of any size.
            pixel_aspect: width of a pixel over its height.
        """
        size = picture.width, picture.height
        form = _Form(*size, picture.format.name, Color.of(picture), pixel_aspect)
        if self._wanted is None:
            self._wanted = form
            copy_tags(picture, self._tags)
        if form == self._wanted:
            return picture
        if self._graph is None or self._graph[0] != form:
            self._graph = form, _build(form, self._wanted)
        graph = self._graph[1]
        picture.pts, picture.time_base = None, _TICK
        graph.vpush(picture)
        fitted = graph.vpull()
        copy_tags(self._tags, fitted)
        return fitted


def _build(given: _Form, wanted: _Form) -> Graph:
    width, height = _inside(given, wanted)
    graph = Graph()
    graph.threads = 1
    nodes = [
        graph.add(
            "buffer",
            video_size=f"{given.width}x{given.height}",
            pix_fmt=given.format,
            time_base=str(_TICK),
            pixel_aspect="1/1",
        ),
        graph.add(
            "scale",
            f"w={width}:h={height}:flags=bilinear+accurate_rnd"
            f":in_color_matrix={given.color.matrix}:out_color_matrix={wanted.color.matrix}"
            f":in_range={_levels(given)}:out_range={_levels(wanted)}",
        ),
        graph.add("format", f"pix_fmts={wanted.format}"),
        graph.add("pad", f"w={wanted.width}:h={wanted.height}:x=(ow-iw)/2:y=(oh-ih)/2:color=black"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def _inside(given: _Form, wanted: _Form) -> tuple[int, int]:
    """Columns and rows, even for the chroma's sake, of the given shape inside the wanted one."""
    width = given.width * given.aspect / wanted.aspect  # in pixels of the wanted shape
    scale = min(wanted.width / width, Fraction(wanted.height, given.height))
    columns, rows = (max(2 * round(side * scale / 2), 2) for side in (width, given.height))
    return min(columns, wanted.width), min(rows, wanted.height)


def _levels(form: _Form) -> str:
    return "full" if form.color.full_range else "limited"

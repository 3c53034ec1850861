import numpy as np
import pytest
from numpy.typing import NDArray

from streamer.models.masks import crop_mask

Floats = NDArray[np.float32]


def expected(
    cells: Floats, extent: tuple[float, ...], rect: tuple[int, ...]
) -> NDArray[np.float64]:
    """Probabilities at the centres of the rectangle's pixels, by the definition."""

    def at(low: int, high: int, start: float, end: float, count: int) -> NDArray[np.float64]:
        places = (np.arange(low, high) + 0.5 - start) / (end - start) * count - 0.5
        places = np.clip(places, 0, count - 1)
        left = np.minimum(places.astype(int), max(count - 2, 0))
        weights = np.zeros((high - low, count))
        rows = np.arange(high - low)
        weights[rows, left] = 1 - (places - left)
        weights[rows, np.minimum(left + 1, count - 1)] += places - left
        return weights

    x1, y1, x2, y2 = rect
    down = at(y1, y2, extent[1], extent[3], cells.shape[0])
    across = at(x1, x2, extent[0], extent[2], cells.shape[1])
    probabilities: NDArray[np.float64] = down @ cells.astype(np.float64) @ across.T
    return probabilities


def smooth(seed: int, height: int, width: int) -> Floats:
    """Blobs: noise of 4x4 made finer."""
    noise = np.random.default_rng(seed).random((4, 4)).astype(np.float32)
    return expected(noise, (0, 0, width, height), (0, 0, width, height)).astype(np.float32)


@pytest.mark.parametrize("side", [2.6, 9.0, 21.3, 47.7, 133.2, 611.9])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (10.4, 3.7)])
def test_a_mask_lies_where_its_box_lies(side: float, offset: tuple[float, float]) -> None:
    x, y = offset
    extent = (x, y, x + side, y + 0.8 * side)
    rect = (int(x), int(y), int(np.ceil(extent[2])), int(np.ceil(extent[3])))
    cells = smooth(3, 33, 33)
    mask = crop_mask(cells, extent, rect)
    assert mask.shape == (rect[3] - rect[1], rect[2] - rect[0])
    assert set(np.unique(mask)) <= {0, 255}
    probabilities = expected(cells, extent, rect)
    wrong = (mask > 0) != (probabilities > 0.5)
    # What is off is off because it lies on the edge.
    assert wrong.mean() < 0.01
    assert np.abs(probabilities - 0.5)[wrong].max(initial=0) < 0.02


def test_at_a_cell_a_pixel_the_mask_is_what_was_given() -> None:
    cells = smooth(5, 28, 28)
    mask = crop_mask(cells, (4, 2, 32, 30), (4, 2, 32, 30))
    assert ((mask == 255) == (cells > 0.5)).all()
    assert (crop_mask(cells, (4, 2, 32, 30), (10, 5, 14, 9)) == mask[3:7, 6:10]).all()


def test_a_plane_over_the_whole_picture_is_read_at_the_rectangle() -> None:
    plane = np.zeros((48, 96), np.float32)
    plane[12:24, 30:60] = 1
    mask = crop_mask(plane, (0, 0, 192, 96), (50, 20, 130, 60))
    assert (mask[4:28, 10:70] == 255).all()
    assert mask.sum() == 255 * 24 * 60


def test_the_half_itself_is_outside() -> None:
    assert not crop_mask(np.full((7, 7), 0.5, np.float32), (0, 0, 9, 9), (0, 0, 9, 9)).any()


def test_a_box_smaller_than_a_pixel_has_its_mask() -> None:
    cells = np.ones((33, 33), np.float32)
    assert crop_mask(cells, (4.2, 4.2, 4.3, 4.9), (4, 4, 5, 5)).tolist() == [[255]]


def test_a_view_of_one_plane_among_many_will_do() -> None:
    planes = np.zeros((2, 5, 14, 14), np.float32)
    planes[1, 3] = smooth(2, 14, 14)
    extent, rect = (0.0, 0.0, 30.0, 20.0), (0, 0, 30, 20)
    whole = crop_mask(planes[1, 3].copy(), extent, rect)
    assert (crop_mask(planes[1, 3], extent, rect) == whole).all()

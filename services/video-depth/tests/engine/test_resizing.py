"""Maps at another size are bilinear, with corners on corners."""

import numpy as np
import pytest
from immichvr_video_depth.engine.resizing import resized


def expected(values: np.ndarray, width: int, height: int) -> np.ndarray:  # type: ignore[type-arg]
    rows = np.linspace(0, values.shape[0] - 1, height)
    columns = np.linspace(0, values.shape[1] - 1, width)
    top, left = np.minimum(rows.astype(int), max(values.shape[0] - 2, 0)), columns.astype(int)
    left = np.minimum(left, max(values.shape[1] - 2, 0))
    down, right = (rows - top)[:, None], (columns - left)[None]
    under, beside = np.minimum(top + 1, values.shape[0] - 1), np.minimum(left + 1, values.shape[1] - 1)
    upper = values[top][:, left] * (1 - right) + values[top][:, beside] * right
    lower = values[under][:, left] * (1 - right) + values[under][:, beside] * right
    return upper * (1 - down) + lower * down


@pytest.mark.parametrize("size", [(124, 90), (112, 84), (1, 1), (113, 1), (640, 360), (50, 33)])
def test_every_value_lies_between_its_neighbours_to_the_last_digit(size: tuple[int, int]) -> None:
    values = np.random.default_rng(0).random((84, 112), dtype=np.float32) * 6
    if min(size) == 1:
        assert resized(values, *size)[0, 0] == values[0, 0]
    else:
        np.testing.assert_allclose(resized(values, *size), expected(values, *size), atol=1e-4)


def test_a_map_of_one_pixel_fills_any_size() -> None:
    assert np.array_equal(resized(np.full((1, 1), 3, np.float32), 7, 5), np.full((5, 7), 3, np.float32))

"""What a moved eye sees behind the edges of the foreground.

For every run of holes in a row, the background beside it says how far away it is that is missing. Its colours are, in
this order: what the background showed there in other frames of the shot, where its visible part looks the same in
them; the visible background, reflected in the edge. What was filled in a frame before is carried on, so that nothing
flickers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from immichvr_depth.compiled import Bytes, Floats, Indices, kernel

from immichvr_video_depth.stereo.warp import HOLE

SEEN, PAINTED = 1, 2
"""Where the colour of what was a hole is from: another frame, or the background beside it."""
_NOTHING = 2.0  # the value of what is beyond the picture's edge: nearer than all
_RIM = 1  # pixels beside a hole whose colours are in part the foreground's
_REACH = 192  # pixels of background that are reflected at most
_PROBES = 6  # pixels of visible background that are compared
_ALIKE = 20.0  # levels, mean: how much the same background differs between frames
_SAME = 0.06  # of the range of values: one surface
_KEEP_SEEN, _KEEP_PAINTED, _KEEP_BETTER = 0.5, 0.8, 0.95  # share of what was there in the frame before


class Others(NamedTuple):
    """Frames of the shot to look at.

    pictures: (m, h, w, 3) uint8. nearest: (m, h', w') float32, disparity of the nearest thing around each sample of
    their maps. order: (n,) int32, which of them to look at, nearest in time first. ways: (n, k, 2, 3) float32, for k
    values from 0 to 1 the affine map from a place in this frame to theirs. low, span: disparity of value v is
    low + v * span.
    """

    pictures: Bytes
    nearest: Floats
    order: Indices
    ways: Floats
    low: float
    span: float


class Before(NamedTuple):
    """What this eye was shown in the frame before (h, w, 3), how its holes were filled, the way there (k, 2, 3)."""

    picture: Bytes
    filled: Bytes
    way: Floats


@kernel
def fill(view: Bytes, seen: Floats, gain: float, convergence: float, others: Others, before: Before) -> Bytes:
    """Fills the holes of `view` (h, w, 3) in place; (h, w) uint8 says how: SEEN, PAINTED, 0 where there was none.

    seen: (h, w), as of `warp`; gets the values of what is filled in. gain, convergence: those of `warp`. before: of no
    rows where there is no frame before.
    """
    height, width = seen.shape
    filled = np.zeros(seen.shape, np.uint8)
    for y in range(height):
        start = 0
        while start < width:
            if seen[y, start] != HOLE:
                start += 1
                continue
            end = start
            while end < width and seen[y, end] == HOLE:
                end += 1
            _fill_run(view, seen, y, start, end, gain, convergence, others, before, filled)
            start = end
    return filled


@kernel
def _fill_run(
    view: Bytes, seen: Floats, y: int, start: int, end: int, gain: float, convergence: float,
    others: Others, before: Before, filled: Bytes,
) -> None:  # fmt: skip
    width = seen.shape[1]
    left = seen[y, start - 1] if start > 0 else _NOTHING
    right = seen[y, end] if end < width else _NOTHING
    side = -1 if left <= right else 1  # where the background is
    rim = start - 1 if side < 0 else end
    value = min(left, right) if min(left, right) < _NOTHING else 0.0
    reach = _background_beside(seen, filled, y, rim, side, value)
    trusted = _looking_alike(view, seen, y, rim, side, reach, gain, convergence, others)
    moved_by = gain * (value - convergence)
    for t in range(start, end):
        _reflect(view, y, t, rim, side, reach)
        how = PAINTED
        for i in range(others.order.shape[0]):
            if trusted >> i & 1 and _show(view, y, t, t - moved_by, value, i, others):
                how = SEEN
                break
        _carry_on(view, y, t, moved_by, value, before, how)
        filled[y, t] = how
        seen[y, t] = value
    if y > 0:
        _even_out(view, filled, y, start, end)


@kernel
def _background_beside(seen: Floats, filled: Bytes, y: int, rim: int, side: int, value: float) -> int:
    """How many pixels from the rim on show the surface that goes on behind the hole."""
    reach, width = 0, seen.shape[1]
    while reach < _REACH and 0 <= rim + side * reach < width:
        x = rim + side * reach
        if seen[y, x] == HOLE or seen[y, x] > value + _SAME or filled[y, x] != 0:
            break
        reach += 1
    return reach


@kernel
def _reflect(view: Bytes, y: int, t: int, rim: int, side: int, reach: int) -> None:
    first = min(_RIM, max(reach - 1, 0))
    length = max(reach - first, 1)
    away = abs(t - rim) - 1
    turn = away % (2 * length)
    at = rim + side * (first + (turn if turn < length else 2 * length - 1 - turn))
    at = min(max(at, 0), view.shape[1] - 1)
    for channel in range(3):
        view[y, t, channel] = view[y, at, channel]


@kernel
def _place(way: Floats, value: float, x: float, y: float) -> tuple[float, float]:
    """Where a way of k values leads from (x, y)."""
    at = min(max(value, 0.0), 1.0) * (way.shape[0] - 1)
    low = min(int(at), way.shape[0] - 2)
    share = at - low
    one, two = way[low], way[low + 1]
    u = one[0, 0] * x + one[0, 1] * y + one[0, 2]
    v = one[1, 0] * x + one[1, 1] * y + one[1, 2]
    u += share * (two[0, 0] * x + two[0, 1] * y + two[0, 2] - u)
    v += share * (two[1, 0] * x + two[1, 1] * y + two[1, 2] - v)
    return u, v


@kernel
def _sample(picture: Bytes, x: float, y: float, channel: int) -> float:
    """Bilinear; (x, y) is within the picture."""
    left, top = int(x), int(y)
    right, bottom = min(left + 1, picture.shape[1] - 1), min(top + 1, picture.shape[0] - 1)
    across, down = x - left, y - top
    upper = picture[top, left, channel] * (1 - across) + picture[top, right, channel] * across
    lower = picture[bottom, left, channel] * (1 - across) + picture[bottom, right, channel] * across
    return float(upper * (1 - down) + lower * down)


@kernel
def _is_background(others: Others, slot: int, x: float, y: float, value: float) -> bool:
    """Whether nothing nearer than `value` is seen at (x, y) of a frame, which has to be within it."""
    height, width = others.pictures.shape[1:3]
    if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        return False
    nearest = others.nearest[slot]
    row = min(int((y + 0.5) * nearest.shape[0] / height), nearest.shape[0] - 1)
    column = min(int((x + 0.5) * nearest.shape[1] / width), nearest.shape[1] - 1)
    return bool(nearest[row, column] <= others.low + (value + _SAME) * others.span)


@kernel
def _looking_alike(
    view: Bytes, seen: Floats, y: int, rim: int, side: int, reach: int, gain: float, convergence: float, others: Others
) -> int:
    """Which of the others show the visible background beside the hole as this frame does: a bit for each."""
    trusted = 0
    for i in range(others.order.shape[0]):
        slot = others.order[i]
        probes, off = 0, 0.0
        for away in range(_RIM + 1, min(reach, _RIM + 1 + _PROBES)):
            t = rim + side * away
            x, there_y = _place(others.ways[i], seen[y, t], t - gain * (seen[y, t] - convergence), y)
            if not _is_background(others, slot, x, there_y, seen[y, t]):
                continue
            probes += 1
            for channel in range(3):
                off += abs(_sample(others.pictures[slot], x, there_y, channel) - view[y, t, channel]) / 3
        # Where nothing can be compared, as when all of it is hidden there, the way alone is trusted.
        if off <= _ALIKE * probes:
            trusted |= 1 << i
    return trusted


@kernel
def _show(view: Bytes, y: int, t: int, x: float, value: float, i: int, others: Others) -> bool:
    slot = others.order[i]
    there_x, there_y = _place(others.ways[i], value, x, y)
    if not _is_background(others, slot, there_x, there_y, value):
        return False
    for channel in range(3):
        view[y, t, channel] = np.uint8(_sample(others.pictures[slot], there_x, there_y, channel) + 0.5)
    return True


@kernel
def _carry_on(view: Bytes, y: int, t: int, moved_by: float, value: float, before: Before, how: int) -> None:
    height, width = before.filled.shape
    x, there_y = _place(before.way, value, t - moved_by, y)
    x += moved_by
    if not (0 <= x <= width - 1 and 0 <= there_y <= height - 1):
        return
    was = before.filled[int(there_y + 0.5), int(x + 0.5)]
    if was == 0:
        return
    keep = _KEEP_SEEN if was == SEEN else _KEEP_PAINTED
    if how == PAINTED and was == SEEN:
        keep = _KEEP_BETTER
    elif how == SEEN and was == PAINTED:
        keep = _KEEP_SEEN
    for channel in range(3):
        now = float(view[y, t, channel])
        view[y, t, channel] = np.uint8(now + keep * (_sample(before.picture, x, there_y, channel) - now) + 0.5)


@kernel
def _even_out(view: Bytes, filled: Bytes, y: int, start: int, end: int) -> None:
    """Rows are painted each for itself; what is painted is drawn a little towards the row above."""
    for t in range(start, end):
        if filled[y, t] == PAINTED and filled[y - 1, t] == PAINTED:
            for channel in range(3):
                view[y, t, channel] = np.uint8((2 * int(view[y, t, channel]) + int(view[y - 1, t, channel]) + 1) // 3)

"""Maps of a network that sees each frame alone, on one scale over time.

Such a network's disparity is known up to a scale and a shift, which jump from frame to frame. Between frames that are
1, 2, 4 and 8 apart both are fitted robustly, pixel on pixel, without optical flow: what moved are outliers. All these
relations together, those to frames ahead included, give each frame's scale and shift by least squares; what was given
out stays as it is. A weak pull towards the network's own values keeps the chain from drifting away.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from immichvr_video_depth.engine.alignment import Shares, State, packed, unpacked
from immichvr_video_depth.engine.frames import FloatImage, Share
from immichvr_video_depth.engine.resizing import resized
from immichvr_video_depth.engine.windows import OVERLAP

_APART = (1, 2, 4, 8)
_PULL = 0.02
"""Weight of a frame's own values beside a relation's, which is up to 1."""
_SAMPLES = 1500
_ROUNDS = 3
_MOST = math.log(4)
"""No network changes its scale more than so from one frame to the next; a fit that says so has failed."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Given:
    """A frame whose scale and shift are settled. sample: of its raw map."""

    sample: Floats
    log_scale: float
    shift: float


class FollowingAlignment:
    """Aligns the maps of one shot, OVERLAP frames of which lie ahead of those that are final."""

    def __init__(self, metric: bool, state: State | None = None) -> None:
        """metric: the maps are metres, and stay so."""
        self._metric = metric
        self._given: list[_Given] = []
        self._ahead: list[Share] = []
        if state is not None:
            self._ahead = list(unpacked(state, "ahead"))
            numbers = state["given.numbers"].astype(np.float64)
            samples = state["given.samples"].astype(np.float64)
            self._given = [
                _Given(sample, float(log_scale), float(shift))
                for sample, (log_scale, shift) in zip(samples, numbers, strict=True)
            ]

    def add(self, raw: Iterable[FloatImage]) -> list[Shares]:
        """Takes further maps, (h', w') float32; the depth of the frames that is final now, in order.

        A network may give smaller maps where memory ran out: all of a shot are brought to the size of its first.
        """
        maps = [*(share.raw for share in self._ahead), *raw]
        height, width = maps[0].shape
        shares = self._solved([one if one.shape == maps[0].shape else resized(one, width, height) for one in maps])
        count = max(len(shares) - OVERLAP, 0)
        for share in shares[:count]:
            self._given.append(_Given(_sample(share.raw), math.log(share.scale), share.shift))
        self._given = self._given[-max(_APART) :]
        self._ahead = [replace(share, raw=share.raw.copy()) for share in shares[count:]]
        return [(share,) for share in shares[:count]]

    def pending(self) -> list[Shares]:
        """The depth that is not final yet, as it would be if the shot ended here."""
        return [(share,) for share in self._ahead]

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """What it takes to go on after these frames, of which there were more than OVERLAP."""
        numbers = np.array([(one.log_scale, one.shift) for one in self._given], np.float64)
        samples = np.stack([one.sample for one in self._given])
        return packed(self._ahead, "ahead") | {"given.samples": samples, "given.numbers": numbers}

    def _solved(self, maps: Sequence[FloatImage]) -> list[Share]:
        if self._metric:
            return [Share(raw) for raw in maps]
        numbers = _settled(self._given, [_sample(raw) for raw in maps])
        return [Share(raw, scale, shift) for raw, (scale, shift) in zip(maps, numbers, strict=True)]


def _settled(given: Sequence[_Given], samples: Sequence[Floats]) -> list[tuple[float, float]]:
    """Scale and shift of each of these frames, which come after the given ones."""
    known = [*(one.sample for one in given), *samples]
    relations = [
        (early, late, *_relation(known[early], known[late]))
        for late in range(len(given), len(known))
        for early in (late - apart for apart in _APART)
        if early >= 0
    ]
    own = [0.0] * len(samples)
    steps = [(early, late, math.log(scale), sure) for early, late, scale, _, sure in relations]
    logs = _chained([one.log_scale for one in given], own, steps)
    scales = np.exp(logs)
    means = [float(sample.mean()) for sample in samples]
    own = [mean * (1 - float(scale)) for mean, scale in zip(means, scales[len(given) :], strict=True)]
    steps = [(early, late, float(scales[early]) * shift, sure) for early, late, _, shift, sure in relations]
    shifts = _chained([one.shift for one in given], own, steps)
    return [(float(scales[at]), float(shifts[at])) for at in range(len(given), len(known))]


def _chained(given: Sequence[float], own: Sequence[float], steps: Sequence[tuple[int, int, float, float]]) -> Floats:
    """Values of which some are given, that differ as the steps (from, to, by, weight) say, and are not far from
    `own`."""
    first, count = len(given), len(own)
    rows, wanted = [], []
    for early, late, by, weight in steps:
        row, value = np.zeros(count), by
        row[late - first] = 1
        if early >= first:
            row[early - first] = -1
        else:
            value += given[early]
        rows.append(row * weight)
        wanted.append(value * weight)
    matrix = np.vstack([*rows, _PULL * np.eye(count)])
    solved = np.linalg.lstsq(matrix, np.array([*wanted, *(_PULL * value for value in own)]), rcond=None)[0]
    return np.concatenate((np.array(given, np.float64), solved))


def _relation(early: Floats, late: Floats) -> tuple[float, float, float]:
    """Scale and shift that make the later of two maps the earlier, and how sure that is (0..1).

    The scale is the ratio of the spreads: a plain regression's would shrink with every step by what is noise.
    """
    weights = np.ones_like(early)
    scale, shift, sure = 1.0, 0.0, 0.0
    for _ in range(_ROUNDS):
        total = weights.sum()
        mean_early, mean_late = float(weights @ early / total), float(weights @ late / total)
        off_early, off_late = early - mean_early, late - mean_late
        spread_early, spread_late = float(weights @ off_early**2 / total), float(weights @ off_late**2 / total)
        if spread_early <= 1e-12 * (mean_early**2 + 1e-12) or spread_late <= 1e-12 * (mean_late**2 + 1e-12):
            return 1.0, mean_early - mean_late, 0.05
        agreement = float(weights @ (off_early * off_late) / total) / math.sqrt(spread_early * spread_late)
        scale = math.sqrt(spread_early / spread_late)
        shift, sure = mean_early - scale * mean_late, max(agreement, 0.0) ** 2
        errors = np.abs(early - scale * late - shift)
        typical = 2 * 1.4826 * float(np.median(errors)) + 1e-6 * math.sqrt(spread_early)
        weights = 1 / (1 + (errors / typical) ** 2)
    if sure < 0.05 or abs(math.log(scale)) > _MOST:
        return 1.0, 0.0, 0.01
    return scale, shift, sure


def _sample(raw: FloatImage) -> Floats:
    """Some thousand values, from the same places of each map."""
    every = max(1, math.isqrt(raw.size // _SAMPLES))
    return raw[every // 2 :: every, every // 2 :: every].ravel().astype(np.float64)

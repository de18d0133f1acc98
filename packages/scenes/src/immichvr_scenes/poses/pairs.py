"""Which frames are held against which: all of a few; of many those near in time, and those that look alike."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from immichvr_scenes.poses.features import Features

F32 = npt.NDArray[np.float32]
Pairs = list[tuple[int, int]]

_ALL_OF = 24
"""Frames in an order, up to which all pairs are looked at; without an order up to twice as many."""
_NEIGHBOURS = 5
_ALIKE = 8
"""Frames that look most like one, which it is held against wherever they were taken."""
_WORDS = 64
_SAMPLE = 20_000


def pairs_of(features: Sequence[Features], ordered: bool) -> Pairs:
    """Pairs (i, j) with i < j, sorted.

    In an order: the next five, then at steps that double, and the most alike. Without: the most alike, more of them.
    """
    count = len(features)
    if count <= (_ALL_OF if ordered else 2 * _ALL_OF):
        return [(i, j) for i in range(count) for j in range(i + 1, count)]
    near = _near_in_time(count) if ordered else set()
    return sorted(near | _alike(features, _ALIKE if ordered else 2 * _ALIKE))


def _near_in_time(count: int) -> set[tuple[int, int]]:
    steps = [*range(1, _NEIGHBOURS + 1), *(2**power for power in range(3, 7))]
    return {(i, i + step) for i in range(count) for step in steps if i + step < count}


def _alike(features: Sequence[Features], most: int) -> set[tuple[int, int]]:
    """Each frame with those whose descriptors are spread most like its own."""
    described = _vlad(features)
    likeness = described @ described.T
    np.fill_diagonal(likeness, -np.inf)
    best = np.argsort(-likeness, axis=1, kind="stable")[:, :most]
    return {(min(i, int(j)), max(i, int(j))) for i, row in enumerate(best) for j in row}


def _vlad(features: Sequence[Features]) -> F32:
    """A vector for each frame, of unit length: residuals of its descriptors from their nearest word, summed.

    Source: Jégou et al., "Aggregating local descriptors into a compact image representation" (2010).
    """
    words = _words(features)
    rows = np.zeros((len(features), _WORDS, words.shape[1]), np.float32)
    for row, one in zip(rows, features, strict=True):
        if not one.count:
            continue
        described = one.descriptors.astype(np.float32)
        nearest = np.argmax(described @ words.T - 0.5 * (words * words).sum(axis=1), axis=1)
        np.add.at(row, nearest, described - words[nearest])
        row[...] = np.sign(row) * np.sqrt(np.abs(row))
    flat = rows.reshape(len(features), -1)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6), np.float32)


def _words(features: Sequence[Features]) -> F32:
    every = np.concatenate([one.descriptors for one in features])
    if len(every) < _WORDS:
        return np.zeros((_WORDS, 128), np.float32)
    picked = every[np.random.default_rng(0).permutation(len(every))[:_SAMPLE]].astype(np.float32)
    cv2.setRNGSeed(0)
    ends = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 12, 1.0)
    _, _, words = cv2.kmeans(picked, _WORDS, None, ends, 1, cv2.KMEANS_RANDOM_CENTERS)
    return np.asarray(words, np.float32)

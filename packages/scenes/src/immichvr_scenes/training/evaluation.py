"""How well a cloud shows what was photographed: PSNR and SSIM."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from immichvr_splats import GaussianCloud
from immichvr_splats.rendering import render

from immichvr_scenes.cameras import View
from immichvr_scenes.pictures import Picture
from immichvr_scenes.training.similarity import similarity

_PERFECT_DB = 100.0
"""Told of pictures that are equal, whose ratio is infinite."""


@dataclass(frozen=True)
class Score:
    """psnr: dB. ssim: 1 for equal pictures. views: how many they are the mean of; both are 0 for none."""

    psnr: float = 0.0
    ssim: float = 0.0
    views: int = 0

    @classmethod
    def mean(cls, scores: Iterable[Score]) -> Score:
        """Of the scores of several pictures."""
        all_of_them = list(scores)
        if not all_of_them:
            return cls()
        count = len(all_of_them)
        return cls(sum(one.psnr for one in all_of_them) / count, sum(one.ssim for one in all_of_them) / count, count)


def compare(
    rgb: npt.NDArray[np.floating], wanted: npt.NDArray[np.floating], mask: npt.NDArray[np.bool_] | None = None
) -> Score:
    """Two pictures, (h, w, 3) of 0 to 1, over the pixels of `mask`, (h, w). A score of no view where it is empty."""
    known = np.ones(rgb.shape[:2], bool) if mask is None else mask
    if not known.any():
        return Score()
    here = np.where(known[..., None], np.clip(rgb, 0, 1), 0).astype(np.float32)
    there = np.where(known[..., None], wanted, 0).astype(np.float32)
    error = float(np.square(here - there, dtype=np.float64)[known].mean())
    alike = similarity(torch.from_numpy(here), torch.from_numpy(there)).numpy()
    psnr = _PERFECT_DB if error == 0 else min(_PERFECT_DB, -10 * math.log10(error))
    return Score(psnr, float(alike[known].mean()), 1)


def evaluate(cloud: GaussianCloud, pictures: Sequence[Picture], views: Sequence[View] | None = None) -> Score:
    """The cloud seen as each of the pictures was, with its pixels that are known; views: where they stand instead."""
    scores = []
    for picture, view in zip(pictures, views or [picture.view for picture in pictures], strict=True):
        drawn = render(cloud, view.for_splats, compensate=cloud.marks.antialiased)
        seen = picture.with_view(view)
        scores.append(compare(drawn.rgb, seen.read_image() / np.float32(255), seen.read_mask()))
    return Score.mean(score for score in scores if score.views)

"""Asking for a splat of every photo, a few at a time, and following each to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from immichvr_local.demo.gallery import Gallery, Job, Photo, Refused

_AT_ONCE = 8
_ASKED_EVERY_S = 0.25
_SPLAT = "splat-"


class Follower(Protocol):
    """Is told how each photo fares."""

    def moved(self, photo: Photo, job: Job) -> None:
        """A job got further."""

    def made(self, photo: Photo, model_key: str, reason: str) -> None:
        """A photo has its splat."""

    def failed(self, photo: Photo, why: str) -> None:
        """A photo gets none."""


@dataclass
class Tally:
    """How the photos fared."""

    photos: int
    splats: int = 0
    failed: int = 0

    def __str__(self) -> str:
        return f"demo: {self.photos} photos, {self.splats} splats, {self.failed} failed"


async def make_splats(gallery: Gallery, photos: Sequence[Photo], follower: Follower) -> Tally:
    """A splat of each photo. What fails is told, counted and does not stop the others."""
    tally = Tally(len(photos))
    queue = iter(photos)

    async def work() -> None:
        for photo in queue:
            await _make(gallery, photo, follower, tally)

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return tally


async def _make(gallery: Gallery, photo: Photo, follower: Follower, tally: Tally) -> None:
    try:
        job = await gallery.ask_for_splat(photo)
        follower.moved(photo, job)
        while not job.ended:
            await asyncio.sleep(_ASKED_EVERY_S)
            job = await gallery.job(job.id)
            follower.moved(photo, job)
    except Refused as refusal:
        _fail(photo, str(refusal), follower, tally)
        return
    key = next((key for key in job.outputs if key.startswith(_SPLAT)), None)
    if job.state != "succeeded" or key is None:
        _fail(photo, job.error or job.state, follower, tally)
        return
    tally.splats += 1
    follower.made(photo, key.removeprefix(_SPLAT), await gallery.reason(photo, key))


def _fail(photo: Photo, why: str, follower: Follower, tally: Tally) -> None:
    tally.failed += 1
    follower.failed(photo, why)

"""The depth that a clip is made with: one that was made before, what the photo carries, or a guess."""

from __future__ import annotations

from pathlib import Path

from immichvr_depth import GUESS, DepthMap, embedded_depth, guess
from immichvr_depth.files import read_depth
from immichvr_media import Photo
from immichvr_models import registry

_GUESSED = "the photo has no depth yet and carries none, so it was guessed; make its depth, then the clip anew"


def depth_of(photo: Photo, made: Path | None, made_by: str) -> DepthMap:
    """The best depth there is for a photo; `reason` says where it is a guess.

    made: the `depth.png` of a depth asset, made_by its model; None where there is none. Raises InvalidDepth.
    """
    if made is not None:
        return read_depth(made, made_by, photo.width)
    if photo.depth is not None:
        return embedded_depth(photo.depth, "1")
    depth, sure = guess(photo.rgb)
    revision = registry[GUESS].revision
    return DepthMap(depth, metric=False, model_key=GUESS, revision=revision, reason=_GUESSED, guessed=sure)

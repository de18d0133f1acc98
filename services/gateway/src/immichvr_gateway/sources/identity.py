"""The ids of sources that are made of others: the same members, or the same source and recipe, have the same id.

Their first word is one that no photo's id begins with, so that nothing of theirs ever lies where a photo's does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from immichvr_catalog import SCENE, SET
from immichvr_common.arrivals import NAME
from immichvr_common.errors import InvalidRequest
from immichvr_common.sources import Source

FEWEST_MEMBERS, MOST_MEMBERS = 2, 1000


def set_of(members: Sequence[str]) -> Source:
    """The set of these photos, by their ids, in this order: another order is another set. Raises InvalidRequest."""
    if not FEWEST_MEMBERS <= len(members) <= MOST_MEMBERS:
        raise InvalidRequest(f"a set has {FEWEST_MEMBERS} to {MOST_MEMBERS} photos, not {len(members)}")
    if len(set(members)) < len(members):
        raise InvalidRequest("a set has each photo once")
    strange = next((one for one in members if not NAME.fullmatch(one)), None)
    if strange is not None:
        raise InvalidRequest(f"{strange[:100]!r} is no id of a photo")
    return Source(SET, f"{SET}-{_digest([SET, *members])}")


def scene_of(source: Source, recipe: str) -> Source:
    """The scene that a recipe makes of a source."""
    return Source(SCENE, f"{SCENE}-{_digest([SCENE, source.kind, source.id, recipe])}")


def _digest(facts: list[str]) -> str:
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()[:32]

"""What each person has set for themselves, in the bucket `state` under `settings.<user>`.

A record is read field by field: one that cannot be read counts as not set, and what another release added stays.
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Annotated, Any, Literal

from immichvr_common.bus import Bus
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict, InvalidRequest, TooLarge
from immichvr_common.logs import get_log
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from immichvr_gateway.gallery_settings import GallerySettings
from immichvr_gateway.http.numbers import NUMBER

log = get_log(__name__)

MOST_BYTES = 16 * 1024
_TRIES = 8
_USER = re.compile(r"[A-Za-z0-9_-]{1,64}")

ModelKey = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+$")]


class Preferences(BaseModel):
    """Settings of one person; null is what the gateway, or the viewer, chooses."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"splat_model": "lift-da2-small", "quality": "light"}]}
    )

    depth_model: ModelKey | None = Field(None, description="what makes depth", examples=["da2-small"])
    splat_model: ModelKey | None = Field(None, description="what makes splats", examples=["lift-da2-small"])
    quality: Literal["full", "medium", "light"] | None = Field(None, description="of splats that are asked for")
    shown_first: Literal["photo", "depth", "splat"] | None = Field(None, description="of a photo that has all of them")
    idle_motion: StrictBool | None = Field(None, description="whether a splat moves a little by itself")
    max_splats: Annotated[int, Field(ge=10_000, le=20_000_000), NUMBER] | None = Field(
        None, description="so many Gaussians are drawn at most"
    )
    gallery: GallerySettings | None = Field(None, description="how the viewer looks; the rest is as /api/config says")


class PreferenceRecords:
    """Everybody's. Calls raise Unavailable."""

    def __init__(self, bus: Bus) -> None:
        self._kv = bus.kv(KV_STATE)

    async def of(self, user: str) -> Preferences:
        """What somebody has set."""
        return _readable(_told((await self._kv.get(_key(user))).value, user))

    async def change(self, user: str, changes: dict[str, Any]) -> Preferences:
        """Sets some of it, also of what is within it; what is null is not set any more. Gateways that change it at once
        lose nothing.

        Raises Conflict where others write again and again, TooLarge above 16 kB.
        """
        for _ in range(_TRIES):
            kept = await self._kv.get(_key(user))
            told = _changed(_told(kept.value, user), changes)
            record = json.dumps(told, separators=(",", ":"), sort_keys=True).encode()
            if len(record) > MOST_BYTES:
                raise TooLarge(f"settings may have {MOST_BYTES} bytes; these have {len(record)}")
            try:
                await self._kv.update(_key(user), record, last=kept.revision)
            except Conflict:
                continue
            return _readable(told)
        raise Conflict("your settings are changed from elsewhere again and again; try once more")


def _key(user: str) -> str:
    if not _USER.fullmatch(user):
        raise InvalidRequest("this account's name cannot be kept")
    return f"settings.{user}"


def _told(record: bytes | None, user: str) -> dict[str, Any]:
    try:
        told = json.loads(record or b"{}")
    except ValueError:
        told = None
    if not isinstance(told, dict):
        log.error("somebody's settings cannot be read and count as not set", user=user)
        return {}
    return told


def _changed(kept: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    told = dict(kept)
    for name, value in changes.items():
        before = told.get(name)
        if isinstance(value, dict):
            value = _changed(before if isinstance(before, dict) else {}, value)
        told[name] = value
    return {name: value for name, value in told.items() if value is not None and value != {}}


def _readable(told: dict[str, Any]) -> Preferences:
    known = deepcopy({name: value for name, value in told.items() if name in Preferences.model_fields})
    while True:
        try:
            return Preferences.model_validate(known)
        except ValidationError as error:
            for problem in error.errors():
                _drop(known, problem["loc"])


def _drop(told: dict[str, Any], place: tuple[int | str, ...]) -> None:
    """Takes away what cannot be read, and nothing beside it."""
    inner = told.get(str(place[0]))
    if len(place) > 1 and isinstance(inner, dict) and place[1] in inner:
        _drop(inner, place[1:])
    else:
        told.pop(str(place[0]), None)

"""What steps of workflows ask for, kept until it is done: Immich calls once, and a restart shall not lose that."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from immichvr_common.bus import Bus
from immichvr_common.bus.buckets import Bucket
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.logs import get_log
from pydantic import BaseModel, ConfigDict, ValidationError

from immichvr_gateway.library.immich.answers import UUID_PATTERN

log = get_log(__name__)

_STREAM, _SUBJECTS = f"KV_{KV_STATE}", f"$KV.{KV_STATE}."
ASKS = "ask."
"""Where they lie, by their person."""
_UUID = re.compile(UUID_PATTERN)
_USER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGITS = 32


@dataclass(frozen=True)
class Ask:
    """What a step of a workflow asks for, rather than leaving it to rules."""

    kind: str
    model: str = "auto"
    quality: str = "full"


@dataclass(frozen=True)
class Wish:
    """An ask about one asset of somebody's."""

    user: str
    asset_id: str
    ask: Ask

    @property
    def key(self) -> str:
        """Where it is kept: the same wish, told twice, is one."""
        told = "\0".join((self.asset_id, self.ask.kind, self.ask.model, self.ask.quality))
        return f"{ASKS}{self.user}.{hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]}"


class _Kept(BaseModel):
    """A wish as it is stored. tries: how often it could not be had yet."""

    model_config = ConfigDict(extra="ignore")

    asset_id: str
    kind: str
    model: str = "auto"
    quality: str = "full"
    tries: int = 0


class Asks:
    """Wishes in the bucket `state`, for every gateway. Calls raise Unavailable."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self._bucket = bus, Bucket(bus, KV_STATE)

    async def keep(self, wish: Wish, tries: int = 0) -> None:
        """Keeps a wish until it is dropped."""
        ask = wish.ask
        kept = _Kept(asset_id=wish.asset_id, kind=ask.kind, model=ask.model, quality=ask.quality, tries=tries)
        await self._bus.kv(KV_STATE).put(wish.key, kept.model_dump_json().encode())

    async def is_kept(self, wish: Wish) -> bool:
        """Whether it waits still: another gateway may have seen to it, or its person switched everything off."""
        return await self._bucket.peek(wish.key) is not None

    async def drop(self, wish: Wish) -> None:
        """Forgets a wish that was seen to, without leaving a mark of it."""
        await self._bus.purge(_STREAM, _SUBJECTS + wish.key)

    async def all(self) -> list[tuple[Wish, int]]:
        """Every wish that waits, and how often it was tried."""
        found = []
        for subject in await self._bus.subjects(_STREAM, f"{_SUBJECTS}{ASKS}>"):
            key = subject.removeprefix(_SUBJECTS)
            user = key.removeprefix(ASKS).partition(".")[0]
            kept = await self._bucket.peek(key)
            if kept is None or not _USER.fullmatch(user):
                continue
            try:
                told = _Kept.model_validate_json(kept)
            except ValidationError:
                log.error("what a step asked for cannot be read", key=key)
                continue
            found.append((Wish(user, told.asset_id, Ask(told.kind, told.model, told.quality)), told.tries))
        return found


def told_by(body: bytes) -> tuple[str | None, Ask | None]:
    """All that is believed of a call: the id of the asset it is about, None where it names none; and what is asked for.

    Immich's own webhook asks for nothing: then rules decide.
    """
    try:
        told = json.loads(body)
        asset_id, ask = told["data"]["asset"]["id"], told.get("ask")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None, None
    if not isinstance(asset_id, str) or not _UUID.fullmatch(asset_id):
        return None, None
    if not isinstance(ask, dict) or not isinstance(ask.get("kind"), str):
        return asset_id, None
    wanted = {name: ask[name][:64] for name in ("kind", "model", "quality") if isinstance(ask.get(name), str)}
    return asset_id, Ask(**wanted)

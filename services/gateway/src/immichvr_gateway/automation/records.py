"""What is kept of each person's automation, in the bucket `state`. What another release added is read past."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from immichvr_common.bus import Bus
from immichvr_common.bus.buckets import Bucket
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict, InvalidRequest
from immichvr_common.locks import KeyedLocks
from immichvr_common.logs import get_log
from pydantic import BaseModel, ConfigDict, ValidationError

from immichvr_gateway.automation.asks import ASKS
from immichvr_gateway.automation.facts import AssetFacts
from immichvr_gateway.automation.rules import Rule, Rules

log = get_log(__name__)
Kept = TypeVar("Kept", bound=BaseModel)

_STREAM, _SUBJECTS = f"KV_{KV_STATE}", f"$KV.{KV_STATE}."
_INTEGRATION, _OWNED_TAG = "integration.", "owned_tag."
_USER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WHATEVER = object()
_MADE_OF_A_SHARD = 2000
_POINTED_OF_A_SHARD = 4000
"""There are 256 shards of each: half a million photos of one person are remembered, and a million pointed to."""


class Integration(BaseModel):
    """What was set up in Immich for somebody.

    secret_hash: of what Immich shows. workflows: ids by trigger. address: of this gateway, as it was given to Immich.
    pointer, tag, motion_clips: what may be left on photos; external_clips: on those of external libraries
    too. tag_id: of the tag, once there is
    one; owns_tag: it was made by us. removing: it is on its way out. trouble: what went wrong last, in words. missed:
    how many photos were found that no call had told of, since the last call came.
    """

    model_config = ConfigDict(extra="ignore")

    secret_hash: str
    workflows: dict[str, str] = {}
    address: str = ""
    since: datetime
    pointer: bool = False
    tag: bool = False
    motion_clips: bool = False
    external_clips: bool = False
    tag_id: str = ""
    owns_tag: bool = False
    removing: bool = False
    trouble: str = ""
    last_call: datetime | None = None
    last_look: datetime | None = None
    missed: int = 0


class Cursor(BaseModel):
    """How far Immich's changes were looked at.

    after: all that was changed before is known. page: of what was changed after it, where a look was cut short; high:
    the newest change seen in that look, begun: when it began.
    """

    model_config = ConfigDict(extra="ignore")

    after: datetime
    page: int = 1
    high: datetime | None = None
    begun: datetime | None = None


@dataclass(frozen=True)
class Made:
    """What something was made of: a file, and that file as it was edited then."""

    content: str
    version: str


class AutomationRecords:
    """All of it. Calls raise Unavailable, Conflict, and InvalidRequest for what can be no id of a person."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self._bucket, self._locks = bus, Bucket(bus, KV_STATE), KeyedLocks()

    async def users(self) -> list[str]:
        """Everybody for whom something is set up."""
        subjects = await self._bus.subjects(_STREAM, f"{_SUBJECTS}{_INTEGRATION}>")
        return sorted(one.removeprefix(f"{_SUBJECTS}{_INTEGRATION}") for one in subjects)

    async def integration(self, user: str) -> Integration | None:
        """What is set up for somebody."""
        return await self._read(f"{_INTEGRATION}{_named(user)}", Integration)

    async def put_integration(self, user: str, integration: Integration) -> None:
        """Keeps what is set up, over whatever was before."""
        await self._bus.kv(KV_STATE).put(f"{_INTEGRATION}{_named(user)}", _encoded(integration))

    async def change_integration(self, user: str, **changes: object) -> None:
        """Changes some of what is set up, where it is still there."""

        def settle(kept: bytes | None) -> bytes | None:
            if kept is None:
                return None
            try:
                stored = Integration.model_validate_json(kept)
            except ValidationError:
                return None
            return _encoded(stored.model_copy(update=changes))

        await self._bucket.change(f"{_INTEGRATION}{_named(user)}", settle)

    async def rules(self, user: str) -> Rules | None:
        """Somebody's rules; one that this release cannot read makes nothing."""
        kept = await self._bucket.peek(f"rules.{_named(user)}")
        if kept is None:
            return None
        try:
            told = json.loads(kept)
            return Rules(rules=[rule for one in told["rules"] if (rule := _rule(one))], since=told["since"])
        except (ValueError, LookupError, TypeError):
            log.error("somebody's rules cannot be read", user=user)
            return None

    async def put_rules(self, user: str, rules: Rules) -> None:
        """Keeps somebody's rules."""
        await self._bus.kv(KV_STATE).put(f"rules.{_named(user)}", _encoded(rules))

    async def cursor(self, user: str) -> Cursor | None:
        """How far Immich's changes were looked at for somebody."""
        return await self._read(f"reconcile.{_named(user)}", Cursor)

    async def cursor_to_move(self, user: str) -> tuple[Cursor | None, int]:
        """As `cursor`, and the revision over which it may be moved."""
        key = f"reconcile.{_named(user)}"
        kept = await self._bus.kv(KV_STATE).get(key)
        return _decoded(key, kept.value, Cursor), kept.revision

    async def move_cursor(self, user: str, cursor: Cursor, last: int) -> int:
        """Keeps how far a look came; its revision. Raises Conflict where it was set back, or forgotten, meanwhile."""
        return await self._bus.kv(KV_STATE).update(f"reconcile.{_named(user)}", _encoded(cursor), last)

    async def put_cursor(self, user: str, cursor: Cursor) -> None:
        """Keeps how far that is, whoever is looking."""
        await self._bus.kv(KV_STATE).put(f"reconcile.{_named(user)}", _encoded(cursor))

    async def made(self, user: str, asset_id: str) -> Made | None:
        """Of which file something was made, of this asset, by somebody's rules."""
        found = (await self._shard("made", user, asset_id)).get(asset_id)
        return Made(str(found[0]), str(found[1])) if isinstance(found, list) and len(found) == 2 else None

    async def note_made(self, user: str, facts: AssetFacts) -> None:
        """Remembers that something is made of this file of this asset."""
        await self._change("made", user, facts.id, [facts.content, facts.version], _MADE_OF_A_SHARD)

    async def pointed(self, user: str, asset_id: str) -> dict[str, Any] | None:
        """What was, or is to be, left on an asset in Immich."""
        found = (await self._shard("pointed", user, asset_id)).get(asset_id)
        return found if isinstance(found, dict) else None

    async def note_pointed(self, user: str, asset_id: str, what: dict[str, Any]) -> bool:
        """Remembers it, before it is left there; False where there is no room to, so that it could not be undone."""
        return await self._note_left("pointed", user, asset_id, what)

    async def forget_pointed(self, user: str, asset_id: str) -> None:
        """What was left on an asset is there no more."""
        await self._change("pointed", user, asset_id, None, _POINTED_OF_A_SHARD)

    async def all_pointed(self, user: str) -> dict[str, dict[str, Any]]:
        """All that was, or is to be, left in Immich for somebody, by asset."""
        return await self._all_left("pointed", user)

    async def clip(self, user: str, asset_id: str) -> dict[str, Any] | None:
        """What is known of the clip that a photo has, or is to have, in Immich."""
        found = (await self._shard("clips", user, asset_id)).get(asset_id)
        return found if isinstance(found, dict) else None

    async def note_clip(self, user: str, asset_id: str, what: dict[str, Any], over: dict[str, Any] | None) -> bool:
        """Remembers it, before the next step; False where there is no room to, so that it could not be undone.

        over: what was known until now. Raises Conflict where that is not so any more.
        """
        return await self._note_left("clips", user, asset_id, what, over)

    async def forget_clip(self, user: str, asset_id: str, over: dict[str, Any]) -> None:
        """A photo has no clip of ours any more. over: as of `note_clip`."""
        await self._change("clips", user, asset_id, None, _POINTED_OF_A_SHARD, over)

    async def all_clips(self, user: str) -> dict[str, dict[str, Any]]:
        """All clips that somebody's photos have, or are to have, by photo."""
        return await self._all_left("clips", user)

    async def owned_tag(self, user: str) -> str:
        """The id of the tag that we made for somebody, switched off since or not; empty where there is none."""
        integration = await self.integration(user)
        if integration is not None and integration.owns_tag and integration.tag_id:
            return integration.tag_id
        return (await self._bucket.peek(f"{_OWNED_TAG}{_named(user)}") or b"").decode(errors="replace")

    async def forget(self, user: str, undone: bool) -> None:
        """Removes what is kept of somebody but their rules, without leaving a mark of it.

        undone: what was left in Immich was taken away. What is left all the same stays known, so that it can be undone
        later.
        """
        name = _named(user)
        if not undone and (tag_id := await self.owned_tag(user)):
            await self._bus.kv(KV_STATE).put(f"{_OWNED_TAG}{name}", tag_id.encode())
        subjects = [f"{_SUBJECTS}{ASKS}{name}.>", *await self._bus.subjects(_STREAM, f"{_SUBJECTS}made.{name}.>")]
        for kind in ("pointed", "clips"):
            for shard in await self._bus.subjects(_STREAM, f"{_SUBJECTS}{kind}.{name}.>"):
                if not _entries(await self._bucket.peek(shard.removeprefix(_SUBJECTS)) or b""):
                    subjects.append(shard)
        for key in (f"{_INTEGRATION}{name}", f"reconcile.{name}", *([f"{_OWNED_TAG}{name}"] if undone else [])):
            subjects.append(_SUBJECTS + key)
        for subject in subjects:
            await self._bus.purge(_STREAM, subject)
        self._bucket = Bucket(self._bus, KV_STATE)

    async def _read(self, key: str, kind: type[Kept]) -> Kept | None:
        return _decoded(key, await self._bucket.peek(key), kind)

    async def _note_left(
        self, kind: str, user: str, asset_id: str, what: dict[str, Any], over: object = _WHATEVER
    ) -> bool:
        shard = await self._shard(kind, user, asset_id)
        if asset_id not in shard and len(shard) >= _POINTED_OF_A_SHARD:
            return False
        await self._change(kind, user, asset_id, what, _POINTED_OF_A_SHARD, over)
        return True

    async def _all_left(self, kind: str, user: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for subject in await self._bus.subjects(_STREAM, f"{_SUBJECTS}{kind}.{_named(user)}.>"):
            kept = await self._bucket.peek(subject.removeprefix(_SUBJECTS))
            found |= {one: what for one, what in _entries(kept or b"").items() if isinstance(what, dict)}
        return found

    async def _shard(self, kind: str, user: str, asset_id: str) -> dict[str, Any]:
        return _entries(await self._bucket.peek(_shard_key(kind, user, asset_id)) or b"")

    async def _change(
        self, kind: str, user: str, asset_id: str, value: object, at_most: int, over: object = _WHATEVER
    ) -> None:
        """Changes one entry of a shard; the newest come last, and the oldest go where there are too many.

        over: what the entry has to be. Raises Conflict where it is something else.
        """
        key = _shard_key(kind, user, asset_id)

        def settle(kept: bytes | None) -> bytes:
            entries = _entries(kept or b"")
            there = entries.pop(asset_id, None)
            if over is not _WHATEVER and there != over:
                raise Conflict(f"another gateway changed what is known of {asset_id}")
            if value is not None:
                entries[asset_id] = value
            newest = dict(list(entries.items())[-at_most:])
            return json.dumps(newest, separators=(",", ":")).encode()

        async with self._locks.hold(key):
            await self._bucket.change(key, settle)


def _named(user: str) -> str:
    if not _USER.fullmatch(user):
        raise InvalidRequest("this is no id of an account")
    return user


def _shard_key(kind: str, user: str, asset_id: str) -> str:
    return f"{kind}.{_named(user)}.{asset_id[:2]}"


def _entries(kept: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(kept)
    except ValueError:
        return {}
    return entries if isinstance(entries, dict) else {}


def _rule(told: object) -> Rule | None:
    try:
        return Rule.model_validate(told)
    except ValidationError:
        log.warning("a rule of another release is left out")
        return None


def _decoded(key: str, kept: bytes | None, kind: type[Kept]) -> Kept | None:
    if kept is None:
        return None
    try:
        return kind.model_validate_json(kept)
    except ValidationError:
        log.error("what is kept of somebody's automation cannot be read", key=key)
        return None


def _encoded(record: BaseModel) -> bytes:
    return record.model_dump_json().encode()

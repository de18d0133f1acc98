"""What lies in Immich for somebody whose photos become 3D by themselves: made by their yes, shown, and removed whole.

Workflows are made and removed with the credential of whoever asks; what goes on in their absence does so with their
standing key, which may do neither.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from immichvr_common.logs import get_log
from pydantic import SecretStr

from immichvr_gateway.auth.standing_keys import Standing, StandingKeys
from immichvr_gateway.automation.intake import Intake, hash_of
from immichvr_gateway.automation.making import request_of
from immichvr_gateway.automation.moving import Moving
from immichvr_gateway.automation.pointing import Pointing
from immichvr_gateway.automation.records import AutomationRecords, Cursor, Integration
from immichvr_gateway.automation.rules import Rule, Rules
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import Identity, LibraryError, NotPermitted
from immichvr_gateway.library.immich import workflows
from immichvr_gateway.library.immich.client import ImmichClient
from immichvr_gateway.library.immich.signing_in import LINKING_CLIPS, WRITING_BACK

log = get_log(__name__)

SETTING = "IMMICHVR_GATEWAY_AUTOMATION__ADDRESS"
PERMISSIONS = {
    "workflow": ("workflow.create", "workflow.read", "workflow.delete"),
    "pointer": ("asset.update",),
    "tag": ("tag.read", "tag.create", "tag.asset", "tag.delete"),
    "motion_clips": LINKING_CLIPS,
}
"""By what is set up: the permissions of Immich that it takes, of whoever sets it up or removes it."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Wanted:
    """What somebody wants. rules: None leaves those they have, or makes one of all new photos."""

    rules: Sequence[Rule] | None = None
    pointer: bool = False
    tag: bool = False
    motion_clips: bool = False
    external_clips: bool = False


@dataclass(frozen=True)
class Call:
    """Where Immich calls, and what it shows; only a hash of that is kept."""

    url: str
    secret: SecretStr


@dataclass(frozen=True)
class Health:
    """How it stands. exists: by trigger, whether the workflow is there in Immich; None where that cannot be told.

    clips: how many photos of theirs move in Immich, or are to. notes: what whoever set it up should know, in words.
    """

    integration: Integration | None
    standing: Standing
    clips: int = 0
    exists: dict[str, bool | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Setup:
    """Makes, shows and removes it.

    wake: has the reconciler look soon. address: of this gateway as Immich's server reaches it; empty where none is set.
    """

    def __init__(
        self, client: ImmichClient, keys: StandingKeys, records: AutomationRecords, intake: Intake,
        pointing: Pointing, moving: Moving, wake: Callable[[], None], address: str,
    ) -> None:  # fmt: skip
        self._client, self._keys, self._records = client, keys, records
        self._intake, self._pointing, self._moving, self._wake = intake, pointing, moving, wake
        self._address = address.rstrip("/")

    async def rules(self, user: str) -> Rules:
        """Somebody's rules. Raises Unavailable."""
        return await self._records.rules(user) or Rules(since=datetime.now(UTC))

    async def put_rules(self, user: str, rules: Sequence[Rule]) -> Rules:
        """Somebody's rules from now on; photos that came since the first of them are new still.

        Where what was in Immich before is to count, all of it is looked through once more. Raises Problem for what no
        planner makes, Unavailable.
        """
        for rule in rules:
            request_of(rule)
        before = await self._records.rules(user)
        kept = Rules(rules=list(rules), since=before.since if before is not None else datetime.now(UTC))
        await self._records.put_rules(user, kept)
        known = [] if before is None else before.rules
        if any(rule.existing and rule not in known for rule in rules):
            await self._records.put_cursor(user, Cursor(after=_EPOCH))
        self._wake()
        return kept

    async def begin(self, who: Identity, wanted: Wanted) -> Call:
        """Sets it up; asked again, it is made anew, and what was there before goes. How Immich calls us from now on.

        Raises Problem where no address is set, NotPermitted with what is missing, Conflict, Unavailable, library
        errors.
        """
        user, url = who.user_id, self._url(who.user_id)
        there_are = await workflows.triggers(self._client, who.credential)
        if workflows.EXTRACTED not in there_are:
            raise Problem(409, "no_workflows", "this Immich has no workflows; they came with version 3.0")
        await self._allow(who, wanted.pointer or wanted.tag, wanted.motion_clips)
        if wanted.rules is not None or await self._records.rules(user) is None:
            await self.put_rules(user, [Rule()] if wanted.rules is None else wanted.rules)
        before = await workflows.workflows(self._client, who.credential)
        known = await self._records.integration(user)
        ours = set(known.workflows.values()) if known is not None else set()
        secret = secrets.token_urlsafe(32)
        made = {
            trigger: await workflows.create(self._client, who.credential, trigger, url, SecretStr(secret))
            for trigger in (workflows.EXTRACTED, workflows.TAGGED)
            if trigger in there_are
        }
        now = datetime.now(UTC)
        tag = {} if known is None else {"tag_id": known.tag_id, "owns_tag": known.owns_tag}
        integration = Integration(
            secret_hash=hash_of(secret), workflows=made, address=self._address, since=now, pointer=wanted.pointer,
            tag=wanted.tag, motion_clips=wanted.motion_clips, external_clips=wanted.external_clips, **tag,
        )  # fmt: skip
        await self._records.put_integration(user, integration)
        if await self._records.cursor(user) is None:
            await self._records.put_cursor(user, Cursor(after=now))
        self._intake.forget(user)
        if wanted.pointer or wanted.tag:
            self._pointing.begin(user)
        # What a crash left between a workflow and its record calls the same address.
        for one in before:
            if one.id in ours or one.calls(url):
                await workflows.remove(self._client, who.credential, one.id)
        self._wake()
        log.info("new photos become 3D by themselves", user=user, triggers=sorted(made))
        return Call(url, SecretStr(secret))

    async def health(self, who: Identity) -> Health:
        """How it stands, as Immich tells whoever asks. Raises Unavailable."""
        integration = await self._records.integration(who.user_id)
        standing = await self._keys.look(who.user_id)
        clips = len(await self._records.all_clips(who.user_id))
        if integration is None:
            return Health(None, standing, clips, notes=[] if self._address else [_no_address()])
        exists: dict[str, bool | None] = dict.fromkeys(integration.workflows)
        notes = []
        try:
            there = {one.id: one for one in await workflows.workflows(self._client, who.credential) if one.enabled}
            exists = {trigger: name in there for trigger, name in integration.workflows.items()}
        except LibraryError as error:
            notes.append(f"whether the workflow is in Immich cannot be told: {error.message}")
        if False in exists.values():
            notes.append("a workflow is gone from Immich, or switched off there; set it up again")
        if integration.address != self._address:
            notes.append(f"{SETTING} has changed since: Immich calls {integration.address}; set it up again")
        if integration.missed:
            notes.append(
                f"{integration.missed} photos were found that Immich did not tell of: does its server reach "
                f"{integration.address}?"
            )
        return Health(integration, standing, clips, exists, notes)

    async def end(self, who: Identity, undo: bool) -> None:
        """Removes it whole: workflows, secret, key. undo: also what was left on photos, whenever that was.

        Without it, what was left stays known, and can be undone when that is asked for.
        Interrupted, it is gone on with when it is asked for again. Raises NotPermitted, Unavailable, library errors.
        """
        user = who.user_id
        integration = await self._records.integration(user)
        if integration is not None:
            await self._records.change_integration(user, removing=True)
            self._intake.forget(user)
            ours = set(integration.workflows.values())
            url = self._url(user) if self._address else ""
            for one in await workflows.workflows(self._client, who.credential):
                if one.id in ours or (url and one.calls(url)):
                    await workflows.remove(self._client, who.credential, one.id)
        # Only then: what is done in their absence would leave more on photos that were gone through already.
        await self._keys.opt_out(who)
        if undo:
            await self._pointing.undo(who)
            await self._moving.undo(who)
        await self._records.forget(user, undone=undo)
        self._intake.forget(user)
        log.info("new photos do not become 3D by themselves any more", user=user, undone=undo)

    def _url(self, user: str) -> str:
        if not self._address:
            raise Problem(409, "no_address", _no_address())
        return f"{self._address}/api/webhooks/immich/{user}"

    async def _allow(self, who: Identity, writes: bool, clips: bool) -> None:
        """Has a standing key that reaches as far as is wanted."""
        standing = await self._keys.look(who.user_id)
        needed = {*(WRITING_BACK if writes else ()), *(LINKING_CLIPS if clips else ())}
        lacks = needed - set(standing.permissions)
        if standing.state == "on" and not lacks and not standing.missing:
            return
        standing = await self._keys.opt_in(who, write_back=writes, clips=clips)
        if standing.state != "on":
            raise NotPermitted(standing.detail)


def _no_address() -> str:
    return (
        f"Immich has to be told where this gateway is: set {SETTING} to its address as Immich's server reaches it, "
        "such as http://immichvr:2284"
    )

"""Which photos lie on one another: Immich's searches name no stack and show its members one by one."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from immichvr_common.logs import get_log
from pydantic import RootModel, StringConstraints

from immichvr_gateway.library.browsing import Selection
from immichvr_gateway.library.errors import LibraryUnavailable, NotPermitted
from immichvr_gateway.library.immich.answers import UUID_PATTERN, Answer, Listed, OrFalse, Readable
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.decisions import Clock
from immichvr_gateway.library.immich.limits import ImmichLimits
from immichvr_gateway.library.immich.shared_calls import SharedCalls
from immichvr_gateway.library.photos import Credential, LibraryPhoto, Stack

log = get_log(__name__)


class Member(Listed):
    """Of AssetResponseDto, the least that tells in which lists an asset is."""

    is_favorite: Annotated[bool, OrFalse] = False


class StackListed(Answer):
    """Of StackResponseDto, what lies in a stack."""

    id: Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
    primary_asset_id: str
    assets: Annotated[list[Member], Readable]


class StackList(RootModel[Annotated[list[StackListed], Readable]]):
    """The answer of `stacks`."""


@dataclass(frozen=True)
class Lying:
    """What something lies in. top: the one on top, None where nobody sees that, as in the trash."""

    stack: Stack
    top: Member | None

    def is_topped_in(self, selection: Selection) -> bool:
        """Whether a list has the one on top. What narrows it to something that stacks do not tell of: not for sure."""
        told = Selection(selection.kind, favorite=selection.favorite, archived=selection.archived)
        return (
            self.top is not None
            and selection == told
            and selection.kind in (None, self.top.shown_as)
            and selection.archived == (self.top.visibility == "archive")
            and (self.top.is_favorite or not selection.favorite)
        )


Stacks = Mapping[str, Lying]
"""By the ids of assets, those of them that lie in a stack."""


_FEW = 6
"""Photos that are asked about one by one; of more all stacks are read."""
_WHOLE_S = 600.0
"""How long single answers may mend a list that was read whole: nobody tells of what is deleted for good."""


@dataclass(frozen=True)
class _Known:
    read_at: float
    until: float
    stacks: Stacks = field(default_factory=dict)


class StackLists:
    """Each person's own stacks, all of them at one request, believed as long as a decision about one photo is.

    Kept for as many credentials as `max_listed` members allow.
    """

    def __init__(self, client: ImmichClient, limits: ImmichLimits, clock: Clock = time.monotonic) -> None:
        self._client, self._limits, self._clock = client, limits, clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._calls = SharedCalls()

    async def of(self, who: Credential, *, fresh: bool = False) -> Stacks:
        """All stacks of the person; none where their key may not read them (`stack.read`), or Immich does not tell.

        Raises SignInFailed.
        """
        if who.is_share:  # a link shows no stacks
            return {}
        known = self._known.get(who.fingerprint)
        if known is not None and not fresh and self._clock() < known.until:
            return known.stacks
        return await self._calls.ask(who.fingerprint, lambda: self._read(who))

    async def after(self, who: Credential, changed: Collection[str]) -> Stacks:
        """All stacks of the person when these have changed: Immich is asked about these alone where they are few.

        A stack is told of by the one on top, and whatever joins or leaves one has changed, the one on top included.
        Raises SignInFailed.
        """
        known = self._known.get(who.fingerprint)
        if known is None or self._clock() > known.read_at + _WHOLE_S:
            return await self.of(who, fresh=True)
        tops = {*changed, *(known.stacks[one].stack.top for one in changed if one in known.stacks)}
        if len(tops) > _FEW:
            return await self.of(who, fresh=True)
        try:
            found = [stacks_in(await self._client.get(who, f"stacks?primaryAssetId={one}", StackList)) for one in tops]
        except NotPermitted:
            return known.stacks
        except (LibraryUnavailable, Refused):
            return await self.of(who, fresh=True)
        left = {member: lying for member, lying in known.stacks.items() if lying.stack.top not in tops}
        stacks = {member: lying for those in (left, *found) for member, lying in those.items()}
        if self._known.get(who.fingerprint) is known:  # or more was learnt meanwhile
            self._known[who.fingerprint] = replace(known, stacks=stacks)
        return stacks

    def forget(self, who: Credential) -> None:
        """Believes nothing any more that Immich said to a credential."""
        self._known.pop(who.fingerprint, None)

    async def _read(self, who: Credential) -> Stacks:
        now = read_at = self._clock()
        stacks: Stacks = {}
        try:
            stacks = stacks_in(await self._client.get(who, "stacks", StackList))
        except NotPermitted:
            pass
        except (LibraryUnavailable, Refused) as error:
            log.warning("lists show the members of stacks one by one", why=str(error))
            read_at = -math.inf  # no list that single answers could mend
        self._known[who.fingerprint] = _Known(read_at, now + self._limits.decision_s, stacks)
        self._known.move_to_end(who.fingerprint)
        while len(self._known) > 1 and sum(len(one.stacks) for one in self._known.values()) > self._limits.max_listed:
            self._known.popitem(last=False)
        return stacks


def stacks_in(listed: StackList) -> Stacks:
    """What lies in which stack; one of which people see a single member is none."""
    found: dict[str, Lying] = {}
    for one in listed.root:
        members = [member for member in one.assets if member.shown_as is not None]
        if len(members) > 1:
            top = next((member for member in members if member.id == one.primary_asset_id), None)
            lying = Lying(Stack(one.id, one.primary_asset_id, len(members)), top)
            found |= dict.fromkeys((member.id for member in members), lying)
    return found


def collapsed(items: Iterable[LibraryPhoto], stacks: Stacks, selection: Selection) -> list[LibraryPhoto]:
    """A page of a list with one item for each stack, which tells of it: the one on top where the list has it.

    A list that may lack that one, such as a search, has the first of those that the page has instead, so that nothing
    is lost; on another page the stack may come up again.
    """
    items = list(items)
    if not stacks:
        return items
    here = {item.id for item in items}
    seen: set[str] = set()
    shown = []
    for item in items:
        lying = stacks.get(item.id)
        if lying is None:
            shown.append(item)
            continue
        top = lying.stack.top
        if item.id == top or not (top in here or lying.stack.id in seen or lying.is_topped_in(selection)):
            seen.add(lying.stack.id)
            shown.append(replace(item, stack=lying.stack))
    return shown

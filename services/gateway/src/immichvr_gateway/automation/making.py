"""From a photo that somebody's rules want to the job that makes something of it, once."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Protocol

from immichvr_catalog import KINDS, OF_LIBRARIES, VIDEO
from immichvr_common.logs import get_log
from immichvr_common.sources import Source
from pydantic import ValidationError

from immichvr_gateway.automation.facts import AssetFacts
from immichvr_gateway.automation.looking import carries_depth, with_depth
from immichvr_gateway.automation.records import AutomationRecords
from immichvr_gateway.automation.rules import Decision, Rule, Rules, Why, decide
from immichvr_gateway.http.problems import Problem, not_accepted
from immichvr_gateway.jobs.records import Answer
from immichvr_gateway.jobs.routing import BATCH
from immichvr_gateway.library import Identity, Library, PhotoNotFound
from immichvr_gateway.library.immich import notes
from immichvr_gateway.library.immich.client import ImmichClient
from immichvr_gateway.requests.asking import PLANNERS
from immichvr_gateway.requests.planning import JobRequest
from immichvr_gateway.requests.spec import Requester, SourceVersion

log = get_log(__name__)

_REMEMBERED = 50_000
_LATER = frozenset({"too_many_jobs", "licence_required", "consent_required", "downloading", "unavailable", "conflict"})
"""Codes of problems that say nothing of the photo: what stands in the way may be gone next time."""


class Requests(Protocol):
    """Where jobs are asked for."""

    async def ask(self, kind: str, request: JobRequest, of: SourceVersion, who: Requester) -> Answer:
        """The job that answers a request. Raises Problem, Unavailable, StorageFull, library errors."""


class NotNow(Exception):
    """Something that has nothing to do with the photo stands in the way; it is tried again later."""


class Making:
    """Asks for jobs in somebody's name, as their rules say, with their standing key."""

    def __init__(self, client: ImmichClient, library: Library, records: AutomationRecords, requests: Requests) -> None:
        self._client, self._library, self._records, self._requests = client, library, records, requests
        self._carries: OrderedDict[str, bool] = OrderedDict()
        self._made: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def consider(self, who: Identity, facts: AssetFacts, rules: Rules) -> Decision:
        """What the rules say of a photo, and the job for it where they want it and it was not made before.

        Raises NotNow, Unavailable, StorageFull, library errors.
        """
        decision = decide(facts, rules, who.user_id)
        if decision.why is Why.DEPTH_UNKNOWN:
            facts = with_depth(facts, await self._carries_depth(who, facts))
            decision = decide(facts, rules, who.user_id)
        if not decision.wanted or decision.rule is None:
            return decision
        if await self._is_made(who, facts, decision.rule):
            return Decision(Why.MADE_BEFORE, "it was made before", decision.rule)
        if facts.kind == VIDEO and notes.is_made_here(await notes.note_on(self._client, who.credential, facts.id)):
            return Decision(Why.MADE_HERE, "ImmichVR itself made this clip", decision.rule)
        return await self._ask(who, facts, decision, decision.rule)

    async def ask(self, who: Identity, facts: AssetFacts, rule: Rule) -> Decision:
        """Makes of a photo what a step of a workflow asks for, as a rule of all there is. Raises as `consider`."""
        decision = decide(facts, Rules(rules=[rule], since=facts.uploaded_at), who.user_id)
        asked = (who.user_id, f"{facts.version} {rule.kind} {rule.model} {rule.quality}")
        if not decision.wanted:
            return decision
        if asked in self._made:
            return Decision(Why.MADE_BEFORE, "it was asked for before", rule)
        decision = await self._ask(who, facts, decision, rule)
        self._remember(asked)
        return decision

    async def _is_made(self, who: Identity, facts: AssetFacts, rule: Rule) -> bool:
        """Whether something was made of this file before, and of the picture as edited, where the rule minds that."""
        as_it_is, as_it_was = (who.user_id, facts.version), (who.user_id, f"{facts.content} before it was edited")
        if as_it_is in self._made or (not rule.remake_edited and as_it_was in self._made):
            return True
        before = await self._records.made(who.user_id, facts.id)
        if before is None or before.content != facts.content:
            return False
        is_same = before.version == facts.version
        self._remember(as_it_is if is_same else as_it_was)
        return is_same or not rule.remake_edited

    async def _ask(self, who: Identity, facts: AssetFacts, decision: Decision, rule: Rule) -> Decision:
        try:
            item = await self._library.item(who, Source(rule.media, facts.id), fresh=True)
            requester = Requester(who.user_id, "", who, BATCH, "integration.immich")
            answer = await self._requests.ask(rule.kind, request_of(rule), SourceVersion.of_item(item), requester)
        except PhotoNotFound:
            return Decision(Why.NOT_SHOWN, "Immich does not show it any more", rule)
        except Problem as problem:
            if problem.code in _LATER:
                raise NotNow(problem.detail) from problem
            log.info("nothing is made of a photo by itself", asset=facts.id, why=problem.code)
            await self._note(who, facts)
            return Decision(Why.CANNOT_BE_MADE, problem.detail, rule)
        await self._note(who, facts)
        log.info("a photo becomes 3D by itself", job_id=answer.record.id, why=decision.words)
        return decision

    async def _note(self, who: Identity, facts: AssetFacts) -> None:
        await self._records.note_made(who.user_id, facts)
        self._remember((who.user_id, facts.version))

    def _remember(self, made: tuple[str, str]) -> None:
        self._made[made] = None
        if len(self._made) > _REMEMBERED:
            self._made.popitem(last=False)

    async def _carries_depth(self, who: Identity, facts: AssetFacts) -> bool:
        known = self._carries.get(facts.content)
        if known is None:
            async with await self._library.original(who, Source.photo(facts.id)) as content:
                known = await carries_depth(content.chunks)
            self._carries[facts.content] = known
            if len(self._carries) > _REMEMBERED:
                self._carries.popitem(last=False)
        return known


def sources_of(kind: str) -> list[str]:
    """The kinds of a library's sources of which a job of this kind is made."""
    return [one for one in KINDS[kind].takes if one in OF_LIBRARIES]


def request_of(rule: Rule) -> JobRequest:
    """What a rule asks for. Raises Problem for what no planner takes, naming what there is."""
    planner = PLANNERS.find(rule.kind)
    if rule.media not in (made_of := sources_of(rule.kind)):
        raise not_accepted("source_kind", rule.media, made_of)
    told: dict[str, Any] = {name: getattr(rule, name) for name in ("model", "quality")}
    shown = planner.model_json_schema()["properties"]
    for name, value in told.items():
        accepted = shown.get(name, {}).get("enum")
        if accepted is not None and value not in accepted:
            raise not_accepted(name, value, accepted)
    try:
        return planner.model_validate({name: value for name, value in told.items() if name in shown})
    except ValidationError as error:
        raise Problem(422, "invalid_request", f"{rule.kind}: {error.errors()[0]['msg']}") from error

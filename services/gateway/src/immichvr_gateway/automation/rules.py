"""A person's rules, and what they come to for one photo or video: facts in, a decision with its reason out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from immichvr_catalog import SPLAT, VIDEO
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from immichvr_gateway.automation.facts import AssetFacts
from immichvr_gateway.http.numbers import NUMBER

MOST_RULES, MOST_NAMED = 16, 32
AssetId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Skip = Literal["screenshots", "documents", "panoramas", "duplicates"]
Of = Literal["all", "favourites", "albums", "people", "tag"]


class Why(StrEnum):
    """Why something is made, or is not."""

    MATCHES = "matches"
    NO_RULE = "no_rule"
    NOT_YOURS = "not_yours"
    NOT_SHOWN = "not_shown"
    MADE_HERE = "made_here"
    WRONG_KIND = "wrong_kind"
    NOT_CHOSEN = "not_chosen"
    BEFORE_THE_RULE = "before_the_rule"
    TOO_LONG = "too_long"
    NO_DEPTH = "no_depth"
    DEPTH_UNKNOWN = "depth_unknown"
    SKIPPED = "skipped"
    MADE_BEFORE = "made_before"
    CANNOT_BE_MADE = "cannot_be_made"


class Rule(BaseModel):
    """Of which photos or videos something is made, and what.

    A photo that was in Immich before the rule counts where `existing` says so, or where it carries the rule's tag:
    somebody put that there for this.
    """

    model_config = ConfigDict(extra="ignore")

    of: Of = "all"
    media: Literal["photo", "video"] = "photo"
    albums: list[AssetId] = Field([], max_length=MOST_NAMED, description="with `of` albums: the ids of these")
    people: list[AssetId] = Field([], max_length=MOST_NAMED, description="with `of` people: the ids of these")
    tag: str = Field("Make 3D", min_length=1, max_length=200, description="with `of` tag: its whole name in Immich")
    only_with_depth: StrictBool = Field(False, description="only photos whose file carries depth of its own")
    shorter_than_s: Annotated[float, Field(gt=0, le=86400), NUMBER] | None = Field(
        None, description="only videos shorter than so many seconds"
    )
    existing: StrictBool = Field(False, description="whether what was in Immich before the rule counts too")
    remake_edited: StrictBool = Field(False, description="whether it is made anew once the photo was edited in Immich")
    skip: list[Skip] = Field(["screenshots", "documents", "panoramas", "duplicates"], max_length=8)
    kind: str = Field(SPLAT, max_length=64, description="of job")
    model: str = Field("auto", max_length=64)
    quality: str = Field("full", max_length=16)

    @model_validator(mode="after")
    def _names_what_it_is_of(self) -> Rule:
        if self.of in ("albums", "people") and not getattr(self, self.of):
            raise ValueError(f"a rule of {self.of} names at least one: {self.of} is empty")
        return self


class Rules(BaseModel):
    """A person's rules, the first that wants something decides. since: from when on a photo is new to them."""

    model_config = ConfigDict(extra="ignore")

    rules: list[Rule] = Field([], max_length=MOST_RULES)
    since: datetime


@dataclass(frozen=True)
class Decision:
    """Whether something is made of a photo or video, in a word for programs and a sentence for people.

    rule: the one that decided; None where none came to it.
    """

    why: Why
    words: str
    rule: Rule | None = None

    @property
    def wanted(self) -> bool:
        """Whether it is made."""
        return self.why is Why.MATCHES


def decide(facts: AssetFacts, rules: Rules, user: str) -> Decision:
    """What this person's rules come to. Where none wants it, the reason of the one that came closest."""
    if (never := _never(facts, user)) is not None:
        return never
    if not rules.rules:
        return Decision(Why.NO_RULE, "there is no rule")
    best, furthest = Decision(Why.NO_RULE, "there is no rule"), -1
    for rule in rules.rules:
        decision, stage = _by(rule, facts, rules.since)
        if decision.wanted:
            return decision
        if stage > furthest:
            best, furthest = decision, stage
    return best


def _never(facts: AssetFacts, user: str) -> Decision | None:
    if facts.owner != user:
        return Decision(Why.NOT_YOURS, "it is somebody else's: only what is one's own becomes work by itself")
    if facts.made_here:
        return Decision(Why.MADE_HERE, "ImmichVR itself made this clip")
    if facts.trashed or facts.visibility not in ("timeline", "archive"):
        where = "in the trash" if facts.trashed else facts.visibility
        return Decision(Why.NOT_SHOWN, f"it is {where}")
    return None


_Check = Callable[[Rule, AssetFacts, datetime], tuple[Why, str] | None]


def _by(rule: Rule, facts: AssetFacts, since: datetime) -> tuple[Decision, int]:
    """What one rule comes to, and how many of its conditions held."""
    for stage, check in enumerate(_CHECKS):
        refusal = check(rule, facts, since)
        if refusal is not None:
            return Decision(*refusal, rule), stage
    return Decision(Why.MATCHES, f"it is {_WORDS[rule.of](rule)}", rule), len(_CHECKS)


def _is_of_kind(rule: Rule, facts: AssetFacts, since: datetime) -> tuple[Why, str] | None:
    return None if facts.kind == rule.media else (Why.WRONG_KIND, f"it is no {rule.media}")


def _is_chosen(rule: Rule, facts: AssetFacts, since: datetime) -> tuple[Why, str] | None:
    return None if _CHOSEN[rule.of](rule, facts) else (Why.NOT_CHOSEN, f"it is not {_WORDS[rule.of](rule)}")


def _is_new(rule: Rule, facts: AssetFacts, since: datetime) -> tuple[Why, str] | None:
    if rule.existing or rule.of == "tag" or facts.uploaded_at >= since:
        return None
    return Why.BEFORE_THE_RULE, f"it was in Immich before the rule of {since.date()}"


def _is_short(rule: Rule, facts: AssetFacts, since: datetime) -> tuple[Why, str] | None:
    if rule.shorter_than_s is None or rule.media != VIDEO:
        return None
    if facts.duration_s is not None and facts.duration_s < rule.shorter_than_s:
        return None
    return Why.TOO_LONG, f"it is not known to be shorter than {rule.shorter_than_s:g} s"


def _is_not_skipped(rule: Rule, facts: AssetFacts, since: datetime) -> tuple[Why, str] | None:
    skipped = next((one for one in rule.skip if _SKIPPED[one](facts)), None)
    return None if skipped is None else (Why.SKIPPED, f"it looks like one of the {skipped}, which the rule skips")


def _has_depth(rule: Rule, facts: AssetFacts, since: datetime) -> tuple[Why, str] | None:
    if not rule.only_with_depth or facts.carries_depth:
        return None
    if facts.carries_depth is None:
        return Why.DEPTH_UNKNOWN, "whether its file carries depth has still to be looked at"
    return Why.NO_DEPTH, "its file carries no depth"


_CHECKS: Sequence[_Check] = (_is_of_kind, _is_chosen, _is_new, _is_short, _is_not_skipped, _has_depth)
_CHOSEN: dict[str, Callable[[Rule, AssetFacts], bool]] = {
    "all": lambda rule, facts: True,
    "favourites": lambda rule, facts: facts.favourite,
    "albums": lambda rule, facts: not (facts.albums or frozenset()).isdisjoint(rule.albums),
    "people": lambda rule, facts: not (facts.people or frozenset()).isdisjoint(rule.people),
    "tag": lambda rule, facts: rule.tag in (facts.tags or ()),
}
_WORDS: dict[str, Callable[[Rule], str]] = {
    "all": lambda rule: f"a {rule.media}",
    "favourites": lambda rule: "among the favourites",
    "albums": lambda rule: "in one of the rule's albums",
    "people": lambda rule: "with one of the rule's people",
    "tag": lambda rule: f"tagged {rule.tag!r}",
}

# Names that phones and desktops give, in the languages most of them speak.
_SCREENSHOT = re.compile(
    r"screen[ _-]?shot|screen[ _-]?recording|bildschirmfoto|capture d.?.?écran|captura de pantalla|schermata"
    r"|zrzut ekranu|スクリーンショット|截屏|снимок экрана",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(
    r"\b(scan(ned)?|document|doc|receipt|invoice|rechnung|beleg|quittung|faktura|camscanner|adobe scan|genius scan)"
    r"(?![a-z])|scanner",
    re.IGNORECASE,
)
_WIDEST = 2.4
"""Width by height from which on a picture is a panorama: wider than the widest that phones take otherwise, 21:9."""


def _is_panorama(facts: AssetFacts) -> bool:
    if facts.projection:
        return True
    if not facts.width or not facts.height:
        return False
    return max(facts.width, facts.height) / min(facts.width, facts.height) > _WIDEST


_SKIPPED: dict[str, Callable[[AssetFacts], bool]] = {
    "screenshots": lambda facts: _SCREENSHOT.search(facts.name) is not None,
    "documents": lambda facts: (
        _DOCUMENT.search(facts.name.replace("_", " ")) is not None or "scan" in facts.camera.lower()
    ),
    "panoramas": _is_panorama,
    "duplicates": lambda facts: facts.duplicate,
}


Name = tuple[Of, str]
"""What a rule names: an album, a person, a tag."""


def named(rules: Rules) -> dict[Name, bool]:
    """What the rules name, each once, and whether all of it counts, rather than what came after the rules alone."""
    found: dict[Name, bool] = {}
    for rule in rules.rules:
        for name in {"albums": rule.albums, "people": rule.people, "tag": [rule.tag]}.get(rule.of, []):
            found[rule.of, name] = found.get((rule.of, name), False) or rule.existing or rule.of == "tag"
    return found

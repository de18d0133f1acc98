"""What goes, and why: from a listing of storage, the manifests in it and what is under way. No I/O, no clock.

Ages are those of storage's own clock alone. What cannot be read, or belongs to a source with a job under way, stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from immichvr_common.manifests import AssetFile, Manifest
from immichvr_common.storage import Listed

from immichvr_gateway.settings import RetentionSettings


class Why(StrEnum):
    """Why an object, or an asset, goes."""

    SOURCE = "source"
    """A copy of an original that no job has used lately."""
    PART = "part"
    """What a job kept while it worked, and nobody goes on from."""
    ORPHAN = "orphan"
    """A file of an attempt that never became an asset."""
    REPLACED = "replaced"
    """A file that the manifest does not name any more."""
    SUPERSEDED = "superseded"
    """An asset in whose place another is shown."""
    PLY = "ply"
    """The raw PLY, whose time is over."""
    DELETED = "deleted"
    """The photo, or one of those that it is made of, was deleted for good."""


@dataclass(frozen=True)
class Rules:
    """For how long things stay."""

    ply: timedelta
    source: timedelta
    grace: timedelta

    @classmethod
    def of(cls, settings: RetentionSettings) -> Rules:
        """As the settings say."""
        return cls(
            timedelta(days=settings.ply_days),
            # One is handed out for half of that time, so it stays for all of it after its last use.
            timedelta(hours=settings.source_hours) * 1.5,
            timedelta(hours=settings.grace_hours),
        )


@dataclass(frozen=True)
class Found:
    """A manifest, and the object it was listed as. manifest: None where it cannot be read, or is another by now."""

    manifest: Manifest | None
    listed: Listed


@dataclass(frozen=True)
class Group:
    """Everything under `prefix`, which is `{root}/{id of the source}_{model_key}`: one asset, in all its recipes.

    objects: by recipe, without the manifests. manifests: by recipe, where there is one.
    """

    prefix: str
    objects: Mapping[str, list[Listed]]
    manifests: Mapping[str, Found]


@dataclass(frozen=True)
class Removal:
    """An object that goes."""

    listed: Listed
    why: Why


@dataclass(frozen=True)
class Change:
    """A manifest that is rewritten: without the files of these names, or, where there are none, buried."""

    found: Found
    why: Why
    names: frozenset[str] = frozenset()


@dataclass
class Verdict:
    """What goes of a group. later: when the next of it may, None while nothing is foreseen."""

    removals: list[Removal] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    later: datetime | None = None

    def foresee(self, at: datetime) -> None:
        """Something of the group goes at that time."""
        self.later = at if self.later is None else min(self.later, at)


def judge(group: Group, shown: str | None, is_gone: bool, now: datetime, rules: Rules) -> Verdict:
    """What goes of one asset, of a source with nothing under way.

    shown: the recipe that people see, None where that is not known. is_gone: the library has deleted the photo, or
    one of its source's, for good, and the time for regret is over.
    """
    verdict = Verdict()
    manifests = {recipe: found.manifest for recipe, found in group.manifests.items() if found.manifest is not None}
    if len(manifests) < len(group.manifests):
        return verdict
    for recipe, manifest in manifests.items():
        _judge_asset(verdict, group, recipe, manifest, shown, is_gone, now, rules)
    named = {file.key for manifest in manifests.values() for file in manifest.files}
    for recipe, objects in group.objects.items():
        unnamed = [one for one in objects if one.key not in named]
        if recipe not in manifests:
            _judge_unnamed(verdict, unnamed, Why.ORPHAN, None, now, rules)
        else:
            why = Why.DELETED if manifests[recipe].removed else Why.REPLACED
            _judge_unnamed(verdict, unnamed, why, group.manifests[recipe].listed.modified, now, rules)
    return verdict


def judge_source(listed: Listed, now: datetime, rules: Rules) -> Removal | None:
    """Whether a staged original goes: nobody needs it now, and whoever does later has it staged again."""
    return Removal(listed, Why.SOURCE) if now - listed.modified > rules.source else None


def judge_part(listed: Listed, now: datetime, rules: Rules) -> Removal | None:
    """Whether what a job kept goes: it has ended, or was given up, for longer than somebody tries it again."""
    return Removal(listed, Why.PART) if now - listed.modified > rules.grace else None


def raw_ply(manifest: Manifest) -> AssetFile | None:
    """The PLY that a splat was made with, where there is an SPZ to be the master when it is gone."""
    whole = {file.format: file for file in manifest.files if file.role == "splat" and file.variant == "full"}
    return whole.get("ply") if manifest.kind == "splat" and "spz" in whole else None


def missing_files(manifest: Manifest, there: Collection[str]) -> list[AssetFile]:
    """The files that a manifest names and that are not there."""
    return [file for file in manifest.files if file.key not in there]


def _judge_asset(
    verdict: Verdict,
    group: Group,
    recipe: str,
    manifest: Manifest,
    shown: str | None,
    is_gone: bool,
    now: datetime,
    rules: Rules,
) -> None:
    found = group.manifests[recipe]
    if manifest.removed:
        return
    if is_gone:
        verdict.changes.append(Change(found, Why.DELETED))
        return
    since = _stands_since(group, shown) if shown not in (None, recipe) else None
    # Only what is older than what is shown was superseded by it.
    if since is not None and found.listed.modified < since:
        if now - since > rules.grace:
            verdict.changes.append(Change(found, Why.SUPERSEDED))
        else:
            verdict.foresee(since + rules.grace)
        return
    ply = raw_ply(manifest)
    lies = next((one for one in group.objects.get(recipe, []) if ply is not None and one.key == ply.key), None)
    if ply is not None and lies is not None:
        if now - lies.modified > rules.ply:
            verdict.changes.append(Change(found, Why.PLY, frozenset({ply.name})))
        else:
            verdict.foresee(lies.modified + rules.ply)


def _stands_since(group: Group, recipe: str | None) -> datetime | None:
    """When the asset of a recipe was last written, where it is one that can be seen, with all its files."""
    found = group.manifests.get(recipe or "")
    if found is None or found.manifest is None or found.manifest.removed or not found.manifest.files:
        return None
    there = {one.key for one in group.objects.get(recipe or "", [])}
    return None if missing_files(found.manifest, there) else found.listed.modified


def _judge_unnamed(
    verdict: Verdict, objects: list[Listed], why: Why, named_until: datetime | None, now: datetime, rules: Rules
) -> None:
    """Judges what no manifest names; up to `named_until` one may have."""
    for one in objects:
        since = one.modified if named_until is None else max(one.modified, named_until)
        if now - since > rules.grace:
            verdict.removals.append(Removal(one, why))
        else:
            verdict.foresee(since + rules.grace)

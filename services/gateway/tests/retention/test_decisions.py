"""What goes and what stays, without any storage."""

from datetime import UTC, datetime, timedelta

import pytest
from immichvr_common.manifests import AssetFile, Manifest, asset_prefix
from immichvr_common.sources import Source
from immichvr_common.storage import Listed
from immichvr_gateway.retention.decisions import Found, Group, Rules, Why, judge, judge_source

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RULES = Rules(ply=timedelta(days=30), source=timedelta(hours=36), grace=timedelta(hours=24))
OLD, NEW = timedelta(days=40), timedelta(hours=1)


PHOTO = Source.photo("photo")


def listed(key: str, age: timedelta) -> Listed:
    return Listed(key, 100, "etag", NOW - age)


def manifest(recipe: str, *formats: str, kind: str = "splat", removed: str = "") -> Manifest:
    prefix = f"{asset_prefix(kind, PHOTO, 'lift-a', recipe)}/{kind}-1-1-0"
    files = [
        AssetFile(name=f"splat.{one}", role="splat", format=one, key=f"{prefix}/splat.{one}", size=1, sha256="0" * 64,
                  media_type="x/y")
        for one in formats
    ]  # fmt: skip
    return Manifest(
        kind=kind, source=PHOTO, source_version="v", model_key="lift-a", recipe=recipe, files=files, job_id="j",
        run=1, attempt=1, requested_at=NOW, removed=removed,
    )  # fmt: skip


def group(
    *assets: tuple[Manifest | None, str, timedelta], more: dict[str, timedelta] | None = None, named: timedelta = OLD
) -> Group:
    """Assets with the age of their manifests, their files as old as `named`, and other objects with their ages."""
    objects: dict[str, list[Listed]] = {}
    manifests = {}
    for one, recipe, age in assets:
        manifests[recipe] = Found(one, listed(f"splats/photo_lift-a/{recipe}/manifest.json", age))
        objects[recipe] = [listed(file.key, named) for file in (one.files if one else [])]
    for key, age in (more or {}).items():
        objects.setdefault(key.split("/")[0], []).append(listed(f"splats/photo_lift-a/{key}", age))
    return Group("splats/photo_lift-a", objects, manifests)


def removed(found: Group, shown: str | None = "r") -> list[tuple[str, Why]]:
    verdict = judge(found, shown, False, NOW, RULES)
    return [(one.listed.key.removeprefix("splats/photo_lift-a/"), one.why) for one in verdict.removals]


def test_files_of_attempts_that_came_to_nothing_go_after_the_grace() -> None:
    left = {"r/splat-1-1-0/splat.spz": OLD, "r/splat-1-2-0/splat.spz": NEW}
    assert removed(group(more=left)) == [("r/splat-1-1-0/splat.spz", Why.ORPHAN)]


def test_files_that_a_forced_run_replaced_go_after_the_grace_that_began_with_the_replacement() -> None:
    left = {"r/splat-0-1-0/splat.spz": OLD}
    assert removed(group((manifest("r", "spz"), "r", OLD), more=left)) == [("r/splat-0-1-0/splat.spz", Why.REPLACED)]
    just_now = judge(group((manifest("r", "spz"), "r", NEW), more=left), "r", False, NOW, RULES)
    assert not just_now.removals and just_now.later == NOW - NEW + RULES.grace


def test_nothing_of_an_asset_goes_while_one_of_its_manifests_cannot_be_read() -> None:
    left = {"r/splat-0-1-0/splat.spz": OLD, "q/splat-1-1-0/splat.spz": OLD}
    found = group((manifest("r", "spz"), "r", OLD), (None, "q", OLD), more=left)
    assert judge(found, "r", False, NOW, RULES) == judge(group(), None, False, NOW, RULES)


@pytest.mark.parametrize(("formats", "goes"), [(("spz", "ply"), True), (("ply",), False), (("spz",), False)])
def test_the_raw_ply_goes_after_its_time_where_an_spz_stays(formats: tuple[str, ...], goes: bool) -> None:
    verdict = judge(group((manifest("r", *formats), "r", OLD)), "r", False, NOW, RULES)
    assert [(change.why, change.names) for change in verdict.changes] == ([(Why.PLY, {"splat.ply"})] if goes else [])
    assert not verdict.removals, "the file itself has its grace once the manifest does not name it"


def test_a_ply_within_its_time_stays_and_it_is_known_when_that_is_over() -> None:
    verdict = judge(group((manifest("r", "spz", "ply"), "r", NEW), named=NEW), "r", False, NOW, RULES)
    assert not verdict.changes and verdict.later == NOW - NEW + RULES.ply


def test_an_outdated_asset_stays_until_another_has_taken_its_place_and_the_grace_is_over() -> None:
    old, new = manifest("q", "spz"), manifest("r", "spz")
    alone = group((old, "q", OLD))
    fresh = group((old, "q", OLD), (new, "r", NEW))
    settled = group((old, "q", OLD), (new, "r", timedelta(days=2)))
    assert not judge(alone, "q", False, NOW, RULES).changes
    assert not judge(fresh, "r", False, NOW, RULES).changes
    [change] = judge(settled, "r", False, NOW, RULES).changes
    assert (change.found.manifest, change.why, change.names) == (old, Why.SUPERSEDED, frozenset())


def test_what_is_shown_supersedes_nothing_that_is_newer_or_while_files_of_it_are_missing() -> None:
    old, new = manifest("q", "spz"), manifest("r", "spz")
    lagging = group((old, "q", timedelta(days=2)), (new, "r", OLD))
    assert not judge(lagging, "r", False, NOW, RULES).changes
    holey = Group("splats/photo_lift-a", {"q": [listed(old.files[0].key, OLD)]}, lagging.manifests)
    assert not judge(holey, "r", False, NOW, RULES).changes


def test_of_a_photo_that_is_gone_every_asset_goes() -> None:
    found = group((manifest("q", "spz"), "q", NEW), (manifest("r", "spz"), "r", NEW), named=NEW)
    verdict = judge(found, "r", True, NOW, RULES)
    assert {change.why for change in verdict.changes} == {Why.DELETED} and len(verdict.changes) == 2


def test_files_of_a_buried_asset_go_after_the_grace_and_its_grave_stays() -> None:
    buried = manifest("r", removed="deleted")
    left = {"r/splat-1-1-0/splat.spz": OLD}
    assert removed(group((buried, "r", OLD), more=left), None) == [("r/splat-1-1-0/splat.spz", Why.DELETED)]
    assert removed(group((buried, "r", NEW), more=left), None) == []


def test_a_staged_original_goes_some_time_after_its_last_use() -> None:
    assert judge_source(listed("sources/p/v-1", timedelta(hours=37)), NOW, RULES) is not None
    assert judge_source(listed("sources/p/v-1", timedelta(hours=35)), NOW, RULES) is None

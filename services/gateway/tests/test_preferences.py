"""People's own settings follow them to every device, and from one release to the next."""

from __future__ import annotations

import asyncio
import json

import pytest
from immichvr_common.bus import Bus
from immichvr_common.errors import InvalidRequest, TooLarge
from immichvr_gateway.preferences import MOST_BYTES, PreferenceRecords

PATH = "/api/me/settings"
UNSET = {
    "depth_model": None, "splat_model": None, "quality": None, "shown_first": None, "idle_motion": None,
    "max_splats": None, "gallery": None,
}  # fmt: skip


async def test_everybody_has_settings_of_their_own(shared) -> None:
    ann, bob = {"x-api-key": "ann-key"}, {"x-api-key": "bob-key"}
    assert (await shared.client.get(PATH, headers=ann)).json() == UNSET
    changed = await shared.client.patch(PATH, headers=ann, json={"quality": "light", "idle_motion": False})
    assert changed.json() == {**UNSET, "quality": "light", "idle_motion": False}
    between = await shared.client.patch(PATH, headers=ann, json={"quality": "medium"})
    assert between.json()["quality"] == "medium"
    again = await shared.client.patch(PATH, headers=ann, json={"quality": None, "splat_model": "lift-da2-small"})
    assert again.json() == {**UNSET, "splat_model": "lift-da2-small", "idle_motion": False}
    assert (await shared.client.get(PATH, headers=ann)).json() == again.json()
    assert (await shared.client.get(PATH, headers=bob)).json() == UNSET
    wrong = [
        {"quality": "best"},
        {"idle_motion": "yes"},
        {"max_splats": 1},
        {"colour": "red"},
        {"depth_model": "x" * 65},
    ]
    for body in wrong:
        assert (await shared.client.patch(PATH, headers=ann, json=body)).status_code == 422, body
    assert (await shared.client.get(PATH)).status_code == 401


@pytest.fixture
def records(empty_bus: Bus) -> PreferenceRecords:
    return PreferenceRecords(empty_bus)


async def stored(bus: Bus, user: str) -> dict[str, object]:
    told: dict[str, object] = json.loads((await bus.kv("state").get(f"settings.{user}")).value or b"{}")
    return told


async def test_what_another_release_keeps_stays(records: PreferenceRecords, empty_bus: Bus) -> None:
    later = {"quality": "ultra", "hand": {"left": True}, "idle_motion": True}
    await empty_bus.kv("state").put("settings.ann", json.dumps(later).encode())
    read = await records.of("ann")
    assert (read.quality, read.idle_motion) == (None, True)
    await records.change("ann", {"idle_motion": False})
    assert await stored(empty_bus, "ann") == {**later, "idle_motion": False}


async def test_how_the_gallery_looks_has_defaults_of_the_server_and_is_kept_by_person(shared) -> None:
    ann = {"x-api-key": "ann-key"}
    assert (await shared.client.get("/api/config")).json()["gallery"] == {
        "adjacentPhotosCount": 2, "animationDuration": 0.5, "parallaxIntensity": 0.1, "thumbnailSize": 1.0,
        "rowWidth": 8, "backgroundColor": "#000000",
        "gaussianSplat": {"enabled": True, "defaultQuality": "medium", "formats": ["spz", "splat", "ksplat"]},
    }  # fmt: skip

    async def changed(gallery: dict[str, object] | None) -> dict[str, object] | None:
        answer = await shared.client.patch(PATH, headers=ann, json={"gallery": gallery})
        assert answer.status_code == 200, answer.text
        told = answer.json()["gallery"]
        return told and {name: value for name, value in told.items() if value is not None}

    assert await changed({"rowWidth": 5, "gaussianSplat": {"defaultQuality": "full"}}) is not None
    beside = await changed({"thumbnailSize": 1.5, "gaussianSplat": {"enabled": False}})
    assert beside == {
        "rowWidth": 5, "thumbnailSize": 1.5,
        "gaussianSplat": {"enabled": False, "defaultQuality": "full", "formats": None},
    }  # fmt: skip
    assert await changed({"rowWidth": None, "gaussianSplat": None}) == {"thumbnailSize": 1.5}
    for wrong in ({"rowWidth": 0}, {"backgroundColor": "red"}, {"gaussianSplat": {"formats": []}}, {"row_height": 1}):
        answer = await shared.client.patch(PATH, headers=ann, json={"gallery": wrong})
        assert answer.status_code == 422, wrong
    assert await changed(None) is None


async def test_what_cannot_be_read_of_the_gallery_leaves_the_rest(records: PreferenceRecords, empty_bus: Bus) -> None:
    kept = {"gallery": {"rowWidth": 5, "thumbnailSize": "huge", "gaussianSplat": {"enabled": False, "later": 1}}}
    await empty_bus.kv("state").put("settings.ann", json.dumps(kept).encode())
    gallery = (await records.of("ann")).gallery
    assert gallery is not None and (gallery.row_width, gallery.thumbnail_size) == (5, None)
    assert gallery.gaussian_splat is not None and gallery.gaussian_splat.enabled is False
    await records.change("ann", {"gallery": {"rowWidth": 6}})
    assert await stored(empty_bus, "ann") == {"gallery": {**kept["gallery"], "rowWidth": 6}}


async def test_gateways_that_change_settings_at_once_lose_nothing(records: PreferenceRecords, empty_bus: Bus) -> None:
    other = PreferenceRecords(empty_bus)
    await asyncio.gather(
        records.change("ann", {"quality": "light"}),
        other.change("ann", {"idle_motion": True}),
        other.change("ann", {"max_splats": 500_000}),
    )
    assert await stored(empty_bus, "ann") == {"quality": "light", "idle_motion": True, "max_splats": 500_000}


@pytest.mark.parametrize("record", [b"not JSON", b"[1]", b'"text"', b"\xff"])
async def test_a_record_that_makes_no_sense_counts_as_not_set(records, empty_bus: Bus, record: bytes) -> None:
    await empty_bus.kv("state").put("settings.ann", record)
    assert (await records.of("ann")).model_dump() == UNSET
    assert (await records.change("ann", {"quality": "full"})).quality == "full"


async def test_settings_are_bounded_and_belong_to_an_account(records: PreferenceRecords, empty_bus: Bus) -> None:
    await empty_bus.kv("state").put("settings.ann", json.dumps({"later": "x" * MOST_BYTES}).encode())
    with pytest.raises(TooLarge):
        await records.change("ann", {"quality": "full"})
    with pytest.raises(InvalidRequest):
        await records.of("*.ann")

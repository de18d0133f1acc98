"""Sets and scenes: what they are made of is their name, kept once, and never another thing."""

from __future__ import annotations

import pytest
from immichvr_common.errors import InvalidRequest
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_gateway.sources.composites import ROOT, Composites
from immichvr_gateway.sources.identity import scene_of, set_of

BURST = ["6f1c0a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b", "7d2e1b4c-5d6e-4f70-9bac-1d2e3f4a5b6c", "0123456789abcdef"]
SET_ID = "set-415f709f231628087389da6e02568293"
VIDEO = Source("video", "0c1d2e3f-4a5b-4c5d-8e6f-6f1c0a3b8a9b")


def test_the_same_photos_in_the_same_order_are_the_same_set_for_ever() -> None:
    assert set_of(BURST) == Source("set", SET_ID)
    assert set_of(BURST[::-1]) != set_of(BURST) != set_of(BURST[:2])


def test_the_same_recipe_makes_the_same_scene_of_the_same_source_for_ever() -> None:
    assert scene_of(VIDEO, "627000b15d110362") == Source("scene", "scene-c15b346b48cc00c44585161fbb1ce3fd")
    assert scene_of(Source("photo", VIDEO.id), "627000b15d110362") != scene_of(VIDEO, "627000b15d110362")
    assert scene_of(VIDEO, "627000b15d110363") != scene_of(VIDEO, "627000b15d110362")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        (BURST[:1], "2 to 1000 photos, not 1"),
        ([f"{n:016x}" for n in range(1001)], "2 to 1000 photos, not 1001"),
        ([*BURST, BURST[0]], "each photo once"),
        ([BURST[0], "../../etc"], "no id of a photo"),
    ],
)
def test_what_is_no_set_is_refused_with_what_would_be_one(members: list[str], why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        set_of(members)


def test_the_longest_set_is_one() -> None:
    assert set_of([f"{n:016x}" for n in range(1000)]).kind == "set"


async def test_what_is_kept_twice_is_kept_once_and_every_gateway_finds_it(storage: ObjectStore) -> None:
    mine, theirs = Composites(storage), Composites(storage)
    burst = await mine.add_set(BURST)
    assert await mine.add_set(BURST) == await theirs.add_set(BURST) == burst
    assert await storage.list_keys(f"{ROOT}/") == [f"{ROOT}/{burst.id}.json"]
    assert await Composites(storage).leaves(burst) == tuple(map(Source.photo, BURST))


async def test_a_scene_consists_of_what_its_source_does_however_often_it_was_made_over(storage: ObjectStore) -> None:
    composites = Composites(storage)
    once = await composites.add_scene(await composites.add_set(BURST), "627000b15d110362")
    twice = await composites.add_scene(once, "a9e429d69cfa8e63")
    another = Composites(storage)
    assert another.recall(twice) is None, "it is not known before storage was asked"
    assert await another.leaves(twice) == tuple(map(Source.photo, BURST)) == another.recall(twice)
    assert await another.leaves(await another.add_scene(VIDEO, "627000b15d110362")) == (VIDEO,)


async def test_of_what_was_never_kept_nothing_is_made(storage: ObjectStore) -> None:
    composites = Composites(storage)
    assert await composites.leaves(set_of(BURST)) is None
    assert await composites.leaves(Source("hologram", "x")) is None
    assert await composites.leaves(Source("set", "../canary")) is None
    with pytest.raises(InvalidRequest, match="there is no set"):
        await composites.add_scene(set_of(BURST), "627000b15d110362")


async def test_a_set_whose_members_were_exchanged_is_none(storage: ObjectStore) -> None:
    burst = await Composites(storage).add_set(BURST)
    stored = await storage.get_bytes(f"{ROOT}/{burst.id}.json")
    for other in (stored.data.replace(BURST[0].encode(), b"a-photo-of-mine"), b"{}", b"no json"):
        await storage.put_bytes(f"{ROOT}/{burst.id}.json", other, "application/json")
        assert await Composites(storage).leaves(burst) is None


async def test_scenes_are_not_made_over_without_end(storage: ObjectStore) -> None:
    composites = Composites(storage)
    scene = VIDEO
    for n in range(8):
        scene = await composites.add_scene(scene, f"{n:016x}")
    assert await Composites(storage).leaves(scene) == (VIDEO,)
    deeper = await composites.add_scene(scene, "f" * 16)
    assert await Composites(storage).leaves(deeper) is None

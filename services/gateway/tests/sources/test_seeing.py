"""Who sees what: the library decides of photos and videos, and a set or scene is seen by who sees all of it."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_gateway.library import Identity, PhotoNotFound
from immichvr_gateway.sources.composites import Composites
from immichvr_gateway.sources.identity import set_of
from immichvr_gateway.sources.visibility import Visibility

BURST = [f"{n:016x}" for n in range(1000)]
VIDEO = Source("video", "a-video")
OWNER, PARTLY, STRANGER = (Identity(name, name, Identity.local().credential) for name in ("owner", "partly", "no"))


class Answers:
    """A library where one person sees everything, one all but the last photo, one nothing; it is remembered."""

    remembers = True

    def __init__(self) -> None:
        self.sees = {"owner": {*BURST, VIDEO.id}, "partly": {*BURST[:-1]}, "no": set[str]()}
        self.said: dict[tuple[str, Source], bool] = {}
        self.asked = 0

    def recall(self, who: Identity, item: Source) -> bool | None:
        return self.said.get((who.user_id, item))

    async def visible(self, who: Identity, items: Collection[Source], *, singly: int) -> set[Source]:
        self.asked += len(items)
        seen = {item for item in items if item.id in self.sees[who.user_id]}
        self.said |= {(who.user_id, item): item in seen for item in items}
        return seen

    async def owns(self, who: Identity, item: Source) -> bool:
        if item.id not in self.sees[who.user_id]:
            raise PhotoNotFound(item.id)
        return who is OWNER


@pytest.fixture
def library() -> Answers:
    return Answers()


@pytest.fixture
def composites(storage: ObjectStore) -> Composites:
    return Composites(storage)


@pytest.fixture
def visibility(library: Answers, composites: Composites) -> Visibility:
    return Visibility(library, composites)  # type: ignore[arg-type]  # as much of a library as is asked


async def test_a_set_and_a_scene_of_it_are_seen_by_whoever_sees_every_photo(visibility, composites, library) -> None:
    burst = await composites.add_set(BURST)
    scene = await composites.add_scene(burst, "627000b15d110362")
    for source in (burst, scene):
        assert [await visibility.may_see(who, source) for who in (OWNER, PARTLY, STRANGER)] == [True, False, False]
    assert await visibility.visible(PARTLY, [Source.photo(BURST[0]), burst, scene]) == {Source.photo(BURST[0])}
    library.sees["partly"].add(BURST[-1])
    library.said.clear()
    assert await visibility.may_see(PARTLY, scene)
    library.sees["owner"].remove(BURST[500])
    library.said.clear()
    assert not await visibility.may_see(OWNER, scene)


async def test_who_sees_none_of_a_set_has_the_library_asked_once_about_it(visibility, composites, library) -> None:
    burst = await composites.add_set(BURST)
    assert not await visibility.may_see(STRANGER, burst)
    assert library.asked == 1
    assert not await visibility.may_see(STRANGER, burst)
    assert library.asked == 1


async def test_a_video_is_seen_by_whom_the_library_shows_it(visibility, composites) -> None:
    scene = await composites.add_scene(VIDEO, "627000b15d110362")
    assert [await visibility.may_see(OWNER, one) for one in (VIDEO, scene)] == [True, True]
    assert [await visibility.may_see(PARTLY, one) for one in (VIDEO, scene)] == [False, False]


async def test_what_is_about_nothing_is_everybodys_and_what_is_of_nothing_known_is_nobodys(visibility, library) -> None:
    assert await visibility.may_see(STRANGER, None)
    for source in (set_of(BURST), Source("hologram", "x"), Source("set", "")):
        assert not await visibility.may_see(OWNER, source)
    assert library.asked == 0


async def test_what_was_decided_lately_is_recalled_for_all_of_it_or_for_none(visibility, composites, library) -> None:
    burst = await composites.add_set(BURST)
    assert visibility.recall(OWNER, burst) is None
    assert await visibility.may_see(OWNER, burst) and visibility.recall(OWNER, burst) is True
    assert not await visibility.may_see(PARTLY, burst) and visibility.recall(PARTLY, burst) is False
    library.said.pop(("owner", Source.photo(BURST[3])))
    assert visibility.recall(OWNER, burst) is None
    assert visibility.recall(STRANGER, None) is True


async def test_a_scene_of_files_is_looked_for_anew_as_one_of_them_may_be_gone_the_next_moment(
    composites, library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answers, "remembers", False)
    visibility = Visibility(library, composites)
    scene = await composites.add_scene(await composites.add_set(BURST), "627000b15d110362")
    assert await visibility.may_see(OWNER, scene)
    library.sees["owner"].remove(BURST[3])
    assert visibility.recall(OWNER, scene) is True, "news are told all the same"
    assert not await visibility.may_see(OWNER, scene)
    assert await visibility.may_see(OWNER, Source.photo(BURST[4])), "of a photo alone it is as it was said"


async def test_a_set_is_owned_by_whoever_owns_all_of_it(visibility, composites) -> None:
    burst = await composites.add_set(BURST[:3])
    assert await visibility.owns(OWNER, burst)
    assert not await visibility.owns(PARTLY, burst)
    for who, source in ((STRANGER, burst), (OWNER, set_of(BURST))):
        with pytest.raises(PhotoNotFound):
            await visibility.owns(who, source)

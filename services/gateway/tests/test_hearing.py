"""What is heard of photos: asked of the library once for much news, withheld while it cannot be asked."""

import asyncio
from typing import Any

import pytest
from immichvr_common.sources import Source
from immichvr_gateway.events.hearing import Hearing
from immichvr_gateway.library import Identity, LibraryUnavailable

PHOTO = Source.photo("a-photo")


class _Visibility:
    """Answers when it is let go, and remembers what it answered."""

    def __init__(self) -> None:
        self.asked: list[Source] = []
        self.answer: Exception | bool = True
        self.may_answer = asyncio.Event()
        self.known: dict[Source, bool] = {}

    def recall(self, who: Identity, source: Source) -> bool | None:
        return self.known.get(source)

    async def may_see(self, who: Identity, source: Source) -> bool:
        self.asked.append(source)
        await self.may_answer.wait()
        if isinstance(self.answer, LibraryUnavailable):
            raise self.answer
        self.known[source] = self.answer is True
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def heard() -> Any:
    """A hearing, its library, and what it let through."""
    library, told = _Visibility(), []
    hearing = Hearing(Identity.local(), library, lambda event, news: told.append((event, news["n"])))  # type: ignore[arg-type]
    return hearing, library, told


async def _decided(library: _Visibility, photos: int = 1) -> None:
    library.may_answer.set()
    async with asyncio.timeout(5):
        while len(library.known) < photos:  # noqa: ASYNC110  # one turn of the loop after the other
            await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_thousand_news_of_a_photo_ask_once_and_the_newest_of_each_kind_is_heard_in_order(heard) -> None:
    hearing, library, told = heard
    for n in range(1000):
        hearing.tell("job:update", "one-job", {"n": n}, PHOTO)
    hearing.tell("asset:created", "splat-x", {"n": 1000}, PHOTO)
    await _decided(library)
    assert library.asked == [PHOTO]
    assert told == [("job:update", 999), ("asset:created", 1000)]
    for n in range(1000):
        hearing.tell("job:update", "one-job", {"n": n}, PHOTO)
    assert (library.asked, len(told)) == ([PHOTO], 1002)


async def test_what_may_not_be_seen_is_not_heard_and_not_asked_about_again(heard) -> None:
    hearing, library, told = heard
    library.answer = False
    hearing.tell("job:update", "one-job", {"n": 0}, PHOTO)
    await _decided(library)
    for n in range(1000):
        hearing.tell("job:update", "one-job", {"n": n}, PHOTO)
    assert (library.asked, told) == ([PHOTO], [])


async def test_while_the_library_is_away_the_newest_waits_until_it_is_back(heard, monkeypatch) -> None:
    monkeypatch.setattr("immichvr_gateway.events.hearing._AGAIN_S", 0.01)
    hearing, library, told = heard
    library.answer = LibraryUnavailable("Immich is starting", "immich")
    library.may_answer.set()
    for n in range(5):
        hearing.tell("job:update", "one-job", {"n": n}, PHOTO)
    async with asyncio.timeout(5):
        while len(library.asked) < 3:  # noqa: ASYNC110  # one turn of the loop after the other
            await asyncio.sleep(0)
    assert told == []
    library.answer = True
    await _decided(library)
    assert told == [("job:update", 4)]


async def test_what_concerns_no_photo_is_heard_at_once_and_what_waits_is_bounded(heard) -> None:
    hearing, library, told = heard
    hearing.tell("job:update", "model-download-x", {"n": 1}, None)
    assert (library.asked, told) == ([], [("job:update", 1)])
    for n in range(2000):
        hearing.tell("job:update", f"job-{n}", {"n": n}, Source.photo(f"photo-{n}"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(library.asked) == 8
    await _decided(library, 512)
    assert len(told) == 513
    hearing.close()


async def test_what_nobody_foresaw_is_told_once_and_other_photos_are_heard_of(
    heard, capsys: pytest.CaptureFixture[str]
) -> None:
    hearing, library, told = heard
    library.answer = KeyError("nobody foresaw this")
    hearing.tell("job:update", "one-job", {"n": 1}, PHOTO)
    library.may_answer.set()
    for _ in range(50):
        await asyncio.sleep(0)
    assert library.asked == [PHOTO]
    library.answer = True
    hearing.tell("job:update", "other-job", {"n": 2}, Source.photo("another-photo"))
    await _decided(library, 2)
    assert told == [("job:update", 2)]
    assert "nobody foresaw this" in "".join(capsys.readouterr())

"""A photo that cannot be decoded is made from the library's own picture of it, without anybody asking again."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from immichvr_gateway.library import Content, LibraryUnavailable, PhotoNotFound, PhotoTooLarge
from immichvr_gateway.settings import ImmichSettings


async def _bytes(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.fixture
def pictures(shared, monkeypatch):
    """What the library answers when it is asked for its own picture, in turn; and what it was asked."""
    asked: list[bool] = []

    def answer(*answers: object) -> list[bool]:
        left = list(answers)

        async def rendition(who: object, photo_id: str, *, small: bool) -> Content | None:
            asked.append(small)
            found = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(found, Exception):
                raise found
            if found is None:
                return None
            data = str(found).encode()
            return Content("image/jpeg", len(data), "fog.jpeg", _bytes(data), note="this is the preview of it")

        monkeypatch.setattr(shared.library, "rendition", rendition)
        return asked

    return answer


async def test_the_library_s_picture_stands_in_and_the_asset_says_so(shared, workers, pictures) -> None:
    asked = pictures("stand-in")
    async with shared.listening({"x-api-key": "ann-key"}) as ann:
        job = (await shared.post("fail-fog.jpg", "splat", "ann")).json()["job"]
        done = await ann.job(job["id"], run=2)
        assert (done["state"], done["error"]) == ("succeeded", None)
        states = [update["state"] for update in ann.updates(job["id"])]
        assert "failed" not in states
    assets = (await shared.get(f"/api/photos/{shared.ids['fail-fog.jpg']}/assets", "ann")).json()["assets"]
    assert [asset["losses"][0] for asset in assets] == ["this is the preview of it (not an image)"] * 2
    assert asked == [False]
    again = await shared.post("fail-fog.jpg", "depth", "ann", model="heuristic")
    done = (await shared.get(again.headers["location"], "ann")).json()
    assert done["run"] == 1  # known by now: it is not tried with the photo itself again


async def test_without_anybody_connected_it_stands_in_too(shared, workers, pictures) -> None:
    pictures(LibraryUnavailable("Immich has not made it yet", down="immich"), "stand-in")
    answer = await shared.post("fail-fog.jpg", "depth", "ann")
    async with asyncio.timeout(20):
        while (await shared.get(answer.headers["location"], "ann")).json()["state"] != "succeeded":  # noqa: ASYNC110  # nobody listens
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("found", [None, PhotoNotFound("x"), "no picture either"])
async def test_where_it_helps_nothing_the_photo_s_own_error_is_told(shared, workers, pictures, found) -> None:
    pictures(found)
    async with shared.listening({"x-api-key": "ann-key"}) as ann:
        job = (await shared.post("fail-fog.jpg", "splat", "ann")).json()["job"]
        done = await ann.job(job["id"], run=2)
        assert (done["state"], done["error"]["code"]) == ("failed", "invalid_image")
        assert (await shared.client.post(f"/api/jobs/{job['id']}/retry", headers={"x-api-key": "ann-key"})).is_success
        done = await ann.job(job["id"], run=3)
        assert (done["state"], done["error"]["code"]) == ("failed", "invalid_image")


async def test_a_photo_too_large_to_be_fetched_is_made_from_the_small_picture(
    shared, workers, pictures, monkeypatch
) -> None:
    asked = pictures("small one")

    async def source(who: object, photo_id: str) -> Content:
        raise PhotoTooLarge("beach.jpg", 1000)

    monkeypatch.setattr(shared.library, "source", source)
    async with shared.listening({"x-api-key": "ann-key"}) as ann:
        job = (await shared.post("beach.jpg", "depth", "ann")).json()["job"]
        assert (await ann.job(job["id"]))["state"] == "succeeded"
    assert asked == [True]
    [asset] = (await shared.get(f"/api/photos/{shared.ids['beach.jpg']}/assets", "ann")).json()["assets"]
    assert "1000 bytes" in asset["losses"][0]


async def test_what_one_gateway_could_not_fetch_another_does_as_who_is_connected_there(
    shared, serving, settings, photos, tmp_path, workers, pictures
) -> None:
    asked = pictures(LibraryUnavailable("Immich does not answer this one", down="immich"))
    answer = await shared.post("fail-fog.jpg", "depth", "ann")
    job_id = answer.json()["job"]["id"]
    async with asyncio.timeout(20):
        while not asked:  # noqa: ASYNC110  # nobody listens
            await asyncio.sleep(0.02)
    assert (await shared.get(f"/api/jobs/{job_id}", "ann")).json()["state"] == "queued"

    class Answering(type(shared.library)):  # type: ignore[misc]
        async def rendition(self, who: object, photo_id: str, *, small: bool) -> Content:
            data = b"stand-in"
            return Content("image/jpeg", len(data), "fog.jpeg", _bytes(data), note="this is the preview of it")

    library = Answering(photos, tmp_path / "cache", set())
    immich = ImmichSettings(url="http://immich.invalid")
    elsewhere = serving(settings.model_copy(update={"immich": immich}), library)
    async with elsewhere as other, other.listening({"x-api-key": "ann-key"}) as ann:
        assert (await ann.job(job_id, run=2))["state"] == "succeeded"

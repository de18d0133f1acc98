"""Looking through an Immich over HTTP: by month, album, person, place, tag, memory and words; playing what moves."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import pytest
from immichvr_gateway.settings import ImmichSettings
from PIL import Image

CLIP = bytes(range(256)) * 40


@dataclass
class Visit:
    """Ada at a gateway in front of an Immich, with what there is in it."""

    client: httpx.AsyncClient
    stub: Any
    ada: Any
    photo: Any
    film: Any
    album: Any

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)


@pytest.fixture
async def visit(immich_server, serving, settings) -> AsyncIterator[Visit]:
    stub = immich_server
    stub.clear()
    picture = io.BytesIO()
    Image.new("RGB", (64, 32), "teal").save(picture, "JPEG")
    ada, ben = stub.add_user("Ada"), stub.add_user("Ben")
    photo, film = (stub.add_photo(ada, picture.getvalue(), name) for name in ("sea.jpg", "Sea at dusk.mp4"))
    clip = stub.add_photo(ada, picture.getvalue(), "sea.mov.mp4", original=CLIP)
    clip.type, clip.visibility, photo.live_video = "VIDEO", "hidden", clip.id
    film.type, film.transcoded, film.duration_ms = "VIDEO", ("video/mp4", CLIP), 2500
    photo.projection, photo.city = "EQUIRECTANGULAR", "Visby"
    album = stub.add_album(ben, "By the sea", photo, stub.add_photo(ben, picture.getvalue(), "hers.jpg"))
    album.members.append((ada, "viewer"))
    stub.add_person(ada, "Cleo", photo)
    stub.add_tag(photo, "sea")
    stub.add_memory(ada, date(2024, 5, 1), date(2026, 5, 1), photo)
    async with serving(settings.model_copy(update={"immich": ImmichSettings(url=stub.url)})) as running:
        running.client.headers["x-api-key"] = stub.add_key(ada, ("all",))
        yield Visit(running.client, stub, ada, photo, film, album)


async def test_each_way_through_the_library_leads_to_entries_with_badges(visit) -> None:
    photo, film = visit.photo, visit.film
    months = (await visit.get("/api/timeline")).json()["months"]
    assert months == [{"month": "2024-05", "count": 2}]
    tiles = (await visit.get("/api/timeline/2024-05?limit=1")).json()
    assert [(one["kind"], one["id"]) for one in tiles["items"]] == [("video", film.id)] and tiles["next_cursor"]
    albums = (await visit.get("/api/albums")).json()["items"]
    assert [(one["name"], one["owned"], one["count"]) for one in albums] == [("By the sea", False, 2)]
    assert (await visit.get(albums[0]["cover"])).headers["content-type"] == "image/webp"
    person = (await visit.get("/api/people")).json()["items"][0]
    assert (await visit.get(person["thumbnail"])).status_code == 200
    tag = (await visit.get("/api/tags")).json()["items"][0]
    [town] = (await visit.get("/api/places")).json()["items"]
    assert (town["city"], town["cover"]["id"]) == ("Visby", photo.id)
    [memory] = (await visit.get("/api/memories?day=2026-05-01")).json()["items"]
    assert memory["year"] == 2024
    lists = {
        albums[0]["items"]: ["hers.jpg", "sea.jpg"], person["items"]: ["sea.jpg"], tag["items"]: ["sea.jpg"],
        "/api/places/items?city=Visby": ["sea.jpg"], "/api/search?q=sea": ["Sea at dusk.mp4", "sea.jpg"],
        "/api/search?q=sea&kind=video": ["Sea at dusk.mp4"], "/api/photos": ["sea.jpg"],
        f"/api/photos?album={visit.album.id}": ["hers.jpg", "sea.jpg"], "/api/videos": ["Sea at dusk.mp4"],
        "/api/photos?favorite=1": [], "/api/photos?archived=1": [],
    }  # fmt: skip
    for path, names in lists.items():
        items = (await visit.get(path)).json()["items"]
        assert [one["name"] for one in items] == names, path
        assert all(
            one["badges"] == {"depth": False, "splat": False, "depth-video": False, "motion": False, "points": False}
            for one in items
        ), path


async def test_an_entry_says_what_it_is_and_where_it_plays(visit) -> None:
    photo = (await visit.get(f"/api/photos/{visit.photo.id}")).json()
    assert (photo["kind"], photo["projection"], photo["live"]) == ("photo", "equirectangular", True)
    assert (photo["place"]["city"], photo["mine"], photo["stack"]) == ("Visby", True, None)
    assert (await visit.get(photo["playback"])).content == CLIP
    film = (await visit.get(f"/api/videos/{visit.film.id}")).json()
    assert (film["kind"], film["duration_s"], film["assets"]) == ("video", 2.5, [])
    assert film["external_url"] == f"{visit.stub.url}/photos/{visit.film.id}"
    for picture in ("thumbnail", "preview"):
        assert (await visit.get(film[picture])).headers["content-type"].startswith("image/")


async def test_a_video_plays_in_parts_and_is_not_sent_twice(visit) -> None:
    url = f"/api/videos/{visit.film.id}/playback"
    whole = await visit.get(url)
    assert (whole.status_code, whole.headers["content-type"], whole.content) == (200, "video/mp4", CLIP)
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-disposition"] == "inline; filename*=UTF-8''Sea%20at%20dusk.mp4"
    head = await visit.client.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(CLIP)))
    for header, start, end in (("bytes=0-", 0, len(CLIP)), ("bytes=256-511", 256, 512), ("bytes=-10", -10, None)):
        part = await visit.get(url, range=header)
        assert (part.status_code, part.content) == (206, CLIP[start:end])
        first = start % len(CLIP)
        assert part.headers["content-range"] == f"bytes {first}-{first + len(part.content) - 1}/{len(CLIP)}"
    beyond = await visit.get(url, range=f"bytes={len(CLIP)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(CLIP)}")
    assert beyond.json()["code"] == "range_not_satisfiable"
    again = await visit.get(url, **{"if-none-match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await visit.get(f"/api/videos/{visit.film.id}/original")).content == visit.film.original


async def test_a_favourite_is_marked_in_immich_and_what_the_key_lacks_is_named(visit) -> None:
    path = f"/api/photos/{visit.photo.id}/favorite"
    marked = await visit.client.put(path, json={"favorite": True})
    assert marked.json()["favorite"] and visit.photo.favourite
    assert [one["name"] for one in (await visit.get("/api/photos?favorite=1")).json()["items"]] == ["sea.jpg"]
    narrow = {"x-api-key": visit.stub.add_key(visit.ada)}
    refused = await visit.client.put(path, json={"favorite": False}, headers=narrow)
    assert (refused.status_code, refused.json()["permissions"]) == (403, ["asset.update"])
    lacking = await visit.client.get("/api/albums", headers=narrow)
    assert (lacking.status_code, lacking.json()["permissions"]) == (403, ["album.read"])


async def test_a_search_that_immich_has_off_is_said(visit) -> None:
    visit.photo.looks_like = "waves"
    assert [one["name"] for one in (await visit.get("/api/search?q=waves&mode=smart")).json()["items"]] == ["sea.jpg"]
    visit.stub.smart_search = False
    answer = await visit.get("/api/search?q=waves&mode=smart")
    assert (answer.status_code, answer.json()["code"]) == (409, "search_unavailable")
    assert "switched off" in answer.json()["detail"]


async def test_what_makes_no_sense_is_refused_in_words(visit) -> None:
    for path in (
        "/api/timeline/2024-13", "/api/timeline/2024-05?cursor=x", "/api/albums?cursor=1", "/api/search?q=",
        "/api/memories?day=2026-02-30", "/api/photos?album=", "/api/people?limit=501",
    ):  # fmt: skip
        answer = await visit.get(path)
        assert answer.status_code == 422 and answer.json()["detail"], path

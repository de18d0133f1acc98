"""Ways round the doors: sockets that ask for others' news, files by ids, and an Immich that leads elsewhere."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack
from typing import Any

import pytest
import socketio
from immichvr_common.manifests import asset_prefix, read_manifest
from immichvr_common.sources import Source
from immichvr_gateway.library import ImmichLibrary, ImmichLimits
from immichvr_gateway.openapi import document
from immichvr_gateway.settings import ImmichSettings
from starlette.responses import RedirectResponse, StreamingResponse

_PEOPLE = ("owner", "partner", "album_member", "other_user", "admin")


@pytest.fixture
async def house(houses: Any, immich_server: Any, storage: Any) -> Any:
    return await houses.build(immich_server, storage)


@pytest.fixture
def before_immich(settings: Any, immich_server: Any) -> Any:
    return settings.model_copy(update={"immich": ImmichSettings(url=immich_server.url)})


async def test_a_socket_hears_of_what_its_person_sees_and_asked_for_whatever_it_asks_to_join(
    house, houses, serving, before_immich, workers
) -> None:
    async with serving(before_immich) as gateway, AsyncExitStack() as stack:
        await houses.move_in(house, gateway.client)
        for role in ("share_link", "stranger"):
            with pytest.raises(socketio.exceptions.ConnectionError):
                await stack.enter_async_context(gateway.listening(house.headers(role)))
        live = {role: await stack.enter_async_context(gateway.listening(house.headers(role))) for role in _PEOPLE}
        owner = house.people["owner"]
        for role in ("other_user", "admin"):
            for event in ("join", "subscribe", "enter_room", "room", "job:update"):
                for room in (owner.id, house.things["photo_id"], house.things["job_id"], "*", ""):
                    await live[role].client.emit(event, room)
        path = f"/api/photos/{house.things['photo_id']}"
        made = await gateway.client.post(f"{path}/depth", json={"force": True}, headers=house.headers("owner"))
        job = made.json()["job"]
        await live["owner"].job(job["id"], "succeeded")
        created = await live["owner"].first("asset:created", lambda news: news["asset"]["kind"] == "depth")
        gone = f"{path}/assets/{created['asset']['key']}"
        assert (await gateway.client.delete(gone, headers=house.headers("owner"))).status_code == 204
        await live["owner"].first("asset:deleted", lambda news: True)
        for role in _PEOPLE[1:]:
            # What follows its own news has heard of the owner's before, if at all.
            listed = await gateway.client.get("/api/photos", headers=house.headers(role))
            [own] = [one["id"] for one in listed.json()["items"] if one["name"] == "own.jpg"]
            mine = await gateway.client.post(f"/api/photos/{own}/depth", json={}, headers=house.headers(role))
            await live[role].job(mine.json()["job"]["id"], "succeeded")
            told = str(live[role].heard)
            assert not [word for word in house.secret_from(role) if word in told], role
            assert job["id"] not in told, "of others' jobs nobody hears, though they see the photo"


async def test_files_are_by_no_id_open_to_those_who_do_not_see_their_source(
    house, houses, serving, before_immich
) -> None:
    async with serving(before_immich) as gateway:
        await houses.move_in(house, gateway.client)
        things, key, file = house.things, house.asset_keys[0], house.things["file"]
        photo = f"/api/photos/{things['photo_id']}"
        whole = await gateway.client.get(f"{photo}/assets/{key}/{file}", headers=house.headers("owner"))
        thumbnail = await gateway.client.get(f"{photo}/thumbnail", headers=house.headers("owner"))
        assert (whole.status_code, thumbnail.status_code) == (200, 200)
        [own] = [
            one["id"]
            for one in (await gateway.client.get("/api/photos", headers=house.headers("other_user"))).json()["items"]
        ]
        tricks = [
            f"{photo}/assets/{key}/{file}", f"{photo}/assets/{key}/{file}?key={house.keys['owner']}",
            f"{photo}/thumbnail", f"{photo}/original", f"/api/photos/{things['photo_id'].upper()}/original",
            f"/api/photos/{things['sets.source_id']}/assets/{key}/{file}",
            f"/api/videos/{things['photo_id']}/assets/{key}/{file}",
            f"/api/sets/{things['scenes.source_id']}/assets/{key}/{file}",
            f"/api/photos/{own}/assets/..%2f..%2f{things['photo_id']}%2fassets%2f{key}/{file}",
            f"/api/photos/{own}/../{things['photo_id']}/assets/{key}/{file}",
            f"/api/photos/{own}%2f..%2f{things['photo_id']}/thumbnail",
            f"/api/photos/{own}/assets/{key}/..%2f..%2f..%2f{things['photo_id']}%2f{file}",
        ]  # fmt: skip
        conditions = [
            {}, {"if-none-match": whole.headers["etag"]}, {"if-none-match": thumbnail.headers["etag"]},
            {"if-none-match": "*"}, {"range": "bytes=0-0"}, {"x-forwarded-user": house.people["owner"].id},
            {"x-immich-user-token": house.keys["owner"]},
        ]  # fmt: skip
        for path in tricks:
            for condition in conditions:
                for method in ("GET", "HEAD"):
                    answer = await gateway.client.request(
                        method, path, headers={**house.headers("other_user"), **condition}
                    )
                    assert answer.status_code in (404, 405), (method, path, condition, answer.status_code)
                    assert method == "HEAD" or "etag" not in answer.headers
        inside = ["manifest.json", "..%2fmanifest.json", "%2e%2e%2fmanifest.json", "file.bin%00", f"{file}/"]
        for name in inside:
            answer = await gateway.client.get(f"{photo}/assets/{key}/{name}", headers=house.headers("owner"))
            assert answer.status_code in (404, 307), name


@pytest.mark.parametrize("allowed", [True, False])
async def test_the_pictures_in_a_scene_are_for_visitors_only_where_the_link_lets_them_save_files(
    house, houses, serving, before_immich, allowed
) -> None:
    scene = Source("scene", house.things["scene_id"])
    kept = asset_prefix("splat", scene, houses.MODEL, houses.RECIPE)
    manifest, _ = await read_manifest(house.storage, f"{kept}/manifest.json")
    [splat] = manifest.files
    for role in ("views", "dataset"):
        manifest.files.append(splat.model_copy(update={"name": f"{role}.zip", "role": role}))
    await house.storage.put_bytes(manifest.key, manifest.encode(), "application/json")
    house.stub.links[-1].allow_download = allowed
    async with serving(before_immich) as gateway:
        got = {}
        for role in ("owner", "album_member", "share_link"):
            for file in (splat.name, "views.zip", "dataset.zip"):
                path = f"/api/scenes/{scene.id}/assets/splat-{houses.MODEL}/{file}"
                answer = await gateway.client.get(path, headers=house.headers(role))
                got[role, file] = answer.status_code
        refused = {one for one, status in got.items() if status == 403}
        assert set(got.values()) <= {200, 403}
        assert refused == (set() if allowed else {("share_link", "views.zip"), ("share_link", "dataset.zip")})


async def test_an_immich_that_leads_elsewhere_says_too_much_or_drips_reaches_nothing_and_holds_nobody_up(
    house, houses, serving, before_immich
) -> None:
    reached: list[bytes] = []

    async def inner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(1000))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ninside")
        writer.close()

    listening = await asyncio.start_server(inner, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    targets = [
        f"http://127.0.0.1:{port}/",
        f"//127.0.0.1:{port}/x",
        f"http://localhost:{port}/api/",
        "file:///etc/passwd",
    ]

    async def elsewhere(_: Any) -> RedirectResponse:
        targets.append(targets.pop(0))
        return RedirectResponse(targets[0], 302 if len(targets[0]) % 2 else 307)

    async def too_much(_: Any) -> StreamingResponse:
        async def more() -> Any:
            for _ in range(100):
                yield b" " * 65536
                await asyncio.sleep(0)

        return StreamingResponse(more(), media_type="application/json")

    async def dripping(_: Any) -> StreamingResponse:
        async def more() -> Any:
            for _ in range(40):
                yield b" "
                await asyncio.sleep(0.05)

        return StreamingResponse(more(), media_type="application/json")

    limits = ImmichLimits(answer_s=0.15, read_s=0.5, file_s=0.15, max_answer_bytes=200_000, max_file_bytes=200_000)
    # With each look a minute has passed, so that Immich is asked again.
    minutes = itertools.count(1000, 61)
    library = ImmichLibrary(house.stub.url, limits=limits, clock=lambda: float(next(minutes)))
    async with serving(before_immich) as gateway:
        await houses.move_in(house, gateway.client)
    async with listening, serving(before_immich, library) as gateway:
        for ill in (elsewhere, too_much, dripping):
            house.stub.instead["."] = ill
            ways = [("POST", "/api/session"), *(("GET", path) for path in _plain_reads(house))]
            for method, path in ways:
                wish = {"email": "a@example.org", "password": "p"} if method == "POST" else None
                answer = await gateway.client.request(method, path, json=wish, headers=house.headers("owner"))
                assert answer.status_code < 500 or answer.status_code == 503, (ill.__name__, path, answer.status_code)
                assert "inside" not in answer.text and "root:" not in answer.text
            assert (await gateway.client.get("/api/health")).status_code == 200
        house.stub.instead.clear()
    assert reached == []


def _plain_reads(house: Any) -> list[str]:
    """What can be read about the owner's photo, and of lists."""
    paths = [path for path, methods in document()["paths"].items() if "get" in methods and path.count("{") <= 1]
    named = [
        path.format(**house.things, source_id=house.things["photo_id"]) for path in paths if _is_about(path, house)
    ]
    return sorted({path for path in named if "/models" not in path})


def _is_about(path: str, house: Any) -> bool:
    names = {part[1:-1] for part in path.split("/") if part.startswith("{")}
    return names <= {*house.things, "source_id"} and ("source_id" not in names or path.startswith("/api/photos/"))

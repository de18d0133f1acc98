"""The server itself: where it is, whether it is Immich 3, and what happens when it misbehaves."""

import asyncio
import logging
import socket

import pytest
from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from immichvr_gateway.library import ImmichLibrary, ImmichLimits, LibraryUnavailable, SignInFailed
from prometheus_client import REGISTRY
from pydantic import SecretStr
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse


@pytest.mark.parametrize("suffix", ["", "/", "/api", "/api/"])
async def test_the_address_may_end_in_api_or_not(immich_stub, open_library, ada, suffix):
    library = open_library(url=immich_stub.url + suffix)
    assert (await library.sign_in(api_key=immich_stub.add_key(ada))).name == "Ada"


@pytest.mark.parametrize(
    "url",
    ["", "immich", "ftp://immich", "http://", "http://ada:secret@immich:2283", "http://immich/?key=1", "http://[::"],
)
def test_what_is_no_address_is_refused_without_showing_a_password(url):
    with pytest.raises(ValueError, match="address of Immich") as caught:
        ImmichLibrary(url)
    assert "secret" not in str(caught.value)


async def test_a_good_server_and_key_have_no_problems(immich_stub, open_library, ada):
    assert await open_library(api_key=SecretStr(immich_stub.add_key(ada))).check() == []
    assert await open_library().check() == []


async def test_the_gateways_own_key_tells_whose_it_is(immich_stub, open_library, ada):
    library = open_library(api_key=SecretStr(immich_stub.add_key(ada)))
    who = await library.identity_of_service()
    assert who is not None and who.user_id == ada.id
    assert await open_library().identity_of_service() is None
    assert await open_library(api_key=SecretStr("")).identity_of_service() is None


async def test_calls_are_counted_by_how_they_end(immich_stub, open_library):
    def calls(outcome: str) -> float:
        labels = {"method": "GET", "outcome": outcome}
        return REGISTRY.get_sample_value("immichvr_immich_request_seconds_count", labels) or 0.0

    answered, unreachable = calls("2xx"), calls("unreachable")
    await open_library().check()
    assert (calls("2xx") > answered, calls("unreachable")) == (True, unreachable)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert await open_library(url=f"http://127.0.0.1:{nobody.getsockname()[1]}").check()
    assert calls("unreachable") == unreachable + 1


@pytest.mark.parametrize("version", [(2, 7, 3), (4, 0, 0)])
async def test_another_version_of_immich_is_a_problem(immich_stub, library, version):
    immich_stub.version = version
    [problem] = await library.check()
    assert ".".join(map(str, version)) in problem and "version 3" in problem


@pytest.mark.parametrize("version", [(3, 0, 0), (3, 0, 3), (3, 1, 0), (3, 2, 2)])
async def test_nothing_is_said_of_the_versions_that_are_known(immich_stub, open_library, ada, version):
    immich_stub.version = version
    library = open_library(api_key=SecretStr(immich_stub.add_key(ada, ("all",))))
    assert (await library.check(), await library.remarks()) == ([], [])
    assert await library.identity_of_service()


async def test_a_newer_version_and_permissions_that_may_be_left_out_are_remarked(immich_stub, open_library, ada):
    immich_stub.version = (3, 3, 1)
    [remark] = await open_library().remarks()
    assert "3.3.1" in remark and "3.0 to 3.2" in remark
    assert await open_library().check() == []
    immich_stub.version = (3, 1, 0)
    library = open_library(
        api_key=SecretStr(
            immich_stub.add_key(
                ada, ("user.read", "asset.read", "asset.view", "asset.download", "album.read", "person.read")
            )
        )
    )
    lists, deletions = await library.remarks()
    assert "tag.read, memory.read, stack.read" in lists and "album.read" not in lists
    assert "asset.upload" in deletions and "may be left out" in deletions
    immich_stub.instead["."] = lambda _: asyncio.sleep(0, Response("", 500))
    assert await library.remarks() == []


async def test_missing_permissions_are_named_at_the_start(immich_stub, open_library, ada):
    library = open_library(api_key=SecretStr(immich_stub.add_key(ada, ("user.read", "asset.read"))))
    [problem] = await library.check()
    assert "asset.view, asset.download" in problem
    with pytest.raises(SignInFailed, match=r"asset\.view, asset\.download"):
        await library.identity_of_service()


async def test_a_key_that_immich_does_not_know_is_a_problem(open_library):
    [problem] = await open_library(api_key=SecretStr("old")).check()
    assert "own API key" in problem and "Invalid API key" in problem


async def test_a_server_that_is_not_there_is_a_problem(open_library):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    [problem] = await open_library(url=url).check()
    assert url in problem and "nothing listens there" in problem


async def test_what_is_wrong_on_the_way_is_said_with_what_to_change(open_library, authority):
    async def nonsense(reader, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        writer.close()

    plain = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    secure = await asyncio.start_server(nonsense, "127.0.0.1", 0, ssl=authority)
    port, tls_port = plain.sockets[0].getsockname()[1], secure.sockets[0].getsockname()[1]
    for url, advice in [
        (f"https://127.0.0.1:{tls_port}", "certificate is not trusted"),
        (f"https://127.0.0.1:{port}", "is http:// right"),
        (f"http://127.0.0.1:{port}", "does not speak HTTP"),
        ("http://immich.invalid", "name is not known"),
    ]:
        [problem] = await open_library(url=url).check()
        assert advice in problem, url
    plain.close()
    secure.close()


async def test_whether_the_server_answers_is_asked_twice_a_minute_at_most(immich_stub, open_library):
    library = open_library()
    for _ in range(5):
        assert await library.answers()
    assert immich_stub.calls == ["GET /api/server/version"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert not await open_library(url=url).answers()


async def test_a_server_that_is_not_immich_is_a_problem(immich_stub, library):
    async def page(_):
        return Response("<html>", media_type="text/html")

    immich_stub.instead["version"] = page
    [problem] = await library.check()
    assert "is the address right" in problem


@pytest.mark.parametrize(
    "where", ["https://elsewhere.example/api/server/version", "//elsewhere.example/api/x", "/login"]
)
@pytest.mark.parametrize("status", [301, 307])
async def test_nobody_is_followed_elsewhere(immich_stub, library, ada, as_ada, picture, where, status):
    asset = immich_stub.add_photo(ada, picture())

    async def redirect(_):
        return RedirectResponse(where, status)

    immich_stub.instead["thumbnail|version|search"] = redirect
    with pytest.raises(LibraryUnavailable, match="not followed"):
        await library.thumbnail(as_ada, Source.photo(asset.id))
    with pytest.raises(LibraryUnavailable, match="not followed"):
        await library.items(PHOTO, as_ada, None, 10)
    [problem] = await library.check()
    assert "not followed" in problem


async def test_a_credential_does_not_leave_for_another_port(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    seen = []

    async def note(reader, writer):
        seen.append(await reader.read(1000))
        writer.close()

    other = await asyncio.start_server(note, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]

    async def redirect(_):
        return RedirectResponse(f"http://127.0.0.1:{port}/api/assets/{asset.id}/original")

    immich_stub.instead["thumbnail"] = redirect
    with pytest.raises(LibraryUnavailable):
        await library.thumbnail(as_ada, Source.photo(asset.id))
    other.close()
    assert seen == []


async def test_a_circle_of_redirects_ends(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture())

    async def again(_):
        return RedirectResponse("thumbnail?size=preview")

    immich_stub.instead["thumbnail"] = again
    with pytest.raises(LibraryUnavailable, match="circle"):
        await library.thumbnail(as_ada, Source.photo(asset.id))


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_server_in_trouble_is_unavailable_not_empty(immich_stub, library, as_ada, status):
    async def trouble(_):
        return JSONResponse({"message": "try later"}, status, {"retry-after": "30"})

    immich_stub.instead["search"] = trouble
    with pytest.raises(LibraryUnavailable, match=f"{status}: try later") as caught:
        await library.items(PHOTO, as_ada, None, 10)
    assert caught.value.retriable
    assert (caught.value.down, caught.value.retry_after_s) == ("immich", 30)


async def test_a_refusal_that_is_no_json_is_still_a_refusal(immich_stub, library, as_ada):
    async def forbidden(_):
        return PlainTextResponse("<html>no</html>", 502)

    immich_stub.instead["search"] = forbidden
    with pytest.raises(LibraryUnavailable, match="502: no reason given"):
        await library.items(PHOTO, as_ada, None, 10)


async def test_a_silent_server_is_given_up(immich_stub, open_library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    over = asyncio.Event()

    async def silent(_):
        await asyncio.wait_for(over.wait(), 5)
        return Response()

    immich_stub.instead["search|original"] = silent
    library = open_library(limits=ImmichLimits(read_s=0.1))
    with pytest.raises(LibraryUnavailable, match="too slow"):
        await library.items(PHOTO, as_ada, None, 10)
    with pytest.raises(LibraryUnavailable, match="too slow"):
        await library.original(as_ada, Source.photo(asset.id))


@pytest.mark.parametrize("what", ["list", "file"])
async def test_a_server_that_drips_is_given_up(immich_stub, open_library, ada, as_ada, picture, what):
    asset = immich_stub.add_photo(ada, picture())

    async def drip(_):
        async def drops():
            for _ in range(500):
                yield b" "
                await asyncio.sleep(0.01)

        return StreamingResponse(drops(), media_type="image/jpeg")

    immich_stub.instead["search|original"] = drip
    library = open_library(limits=ImmichLimits(answer_s=0.2, file_s=0.2))
    with pytest.raises(LibraryUnavailable, match="too slow"):
        if what == "list":
            await library.items(PHOTO, as_ada, None, 10)
        else:
            async with await library.original(as_ada, Source.photo(asset.id)) as content:
                async for _ in content.chunks:
                    pass


async def test_an_answer_larger_than_the_limit_is_not_read(immich_stub, open_library, as_ada):
    async def large(_):
        return JSONResponse({"filler": "x" * 200_000})

    immich_stub.instead["search"] = large
    library = open_library(limits=ImmichLimits(max_answer_bytes=100_000))
    with pytest.raises(LibraryUnavailable, match="larger than 100000"):
        await library.items(PHOTO, as_ada, None, 10)


async def test_content_closed_early_gives_its_connection_back(immich_stub, open_library, ada, as_ada, picture):
    library = open_library(limits=ImmichLimits(connections=1, connect_s=2))
    asset = immich_stub.add_photo(ada, picture(), original=bytes(5_000_000))
    for _ in range(3):
        content = await library.original(as_ada, Source.photo(asset.id))
        await anext(content.chunks)
        await content.close()
        await content.close()
    assert len((await library.items(PHOTO, as_ada, None, 10)).items) == 1


async def test_neither_keys_nor_passwords_reach_the_log(immich_stub, library, ada, picture, caplog):
    caplog.set_level(logging.DEBUG)
    asset = immich_stub.add_photo(ada, picture())
    key = immich_stub.add_key(ada)
    who = await library.sign_in(api_key=key)
    session = await library.sign_in(email="ada@example.org", password=ada.password)
    async with await library.original(who, Source.photo(asset.id)):
        pass
    with pytest.raises(SignInFailed):
        await library.sign_in(api_key="guessed-key")
    secrets = (key, ada.password, session.credential.secret.get_secret_value(), "guessed-key")
    assert caplog.text
    assert not [secret for secret in secrets if secret in caplog.text]


async def test_every_call_the_gateway_makes_is_one_that_immich_describes(
    contract, immich_stub, open_library, ada, picture
):
    library = open_library(api_key=SecretStr(immich_stub.add_key(ada)))
    asset = immich_stub.add_photo(ada, picture())
    who = await library.identity_of_service()
    session = await library.sign_in(email="ada@example.org", password=ada.password)
    await library.items(PHOTO, session, None, 10)
    for call in (
        library.original,
        library.source,
        library.thumbnail,
        library.preview,
    ):
        await (await call(who, Source.photo(asset.id))).close()
    await library.sign_out(session)
    assert await library.check() == []
    assert contract.used == {
        ("GET", "/server/version"),
        ("GET", "/server/config"),
        ("GET", "/api-keys/me"),
        ("GET", "/users/me"),
        ("POST", "/auth/login"),
        ("POST", "/auth/logout"),
        ("POST", "/search/metadata"),
        ("GET", "/stacks"),
        ("GET", "/assets/{id}"),
        ("GET", "/assets/{id}/original"),
        ("GET", "/assets/{id}/thumbnail"),
    }

"""Every door of the gateway: errors as problem details, pages from elsewhere, bodies, the API's description."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from immichvr_gateway.http.nowhere import spoken
from immichvr_gateway.library import FolderLibrary
from immichvr_gateway.openapi import operations
from immichvr_gateway.requests.conversion import FORMATS
from openapi_schema_validator import OAS31Validator

OPERATIONS = Path(__file__).with_name("operation_ids.txt")


async def raw(gateway: Any, request: str) -> str:
    """What a gateway answers to bytes that no client library would send."""
    url = httpx.URL(gateway.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request.replace("\n", "\r\n").encode("latin-1"))
    answer = await asyncio.wait_for(reader.read(65536), 5)
    writer.close()
    return answer.decode()


async def test_every_error_is_problem_details(gateway) -> None:
    for method, path, body, status, code in [
        ("GET", "/api/nothing", None, 404, "not_found"),
        ("GET", "/api/jobs/x/y/z", None, 404, "not_found"),
        ("PUT", "/api/photos", b"", 405, "method_not_allowed"),
        ("DELETE", "/api/photos/x/depth", b"", 405, "method_not_allowed"),
        ("POST", "/api/photos/x/depth", b"{not json", 422, "invalid_request"),
        ("POST", "/api/photos/x/depth", b"[" * 500, 422, "invalid_request"),
        ("POST", "/api/photos/x/depth", b'{"model": "\xff"}', 400, "bad_request"),
        ("POST", "/api/photos/x/depth", b"", 422, "invalid_request"),
        ("POST", "/api/session", b"[]", 422, "invalid_request"),
        ("POST", "/api/session", b'{"email": "ann@example.org"}', 422, "invalid_request"),
        ("POST", "/api/photos/x/depth", b'{"force": 0}', 422, "invalid_request"),
        ("POST", "/api/photos/x/splat/convert", b'{"format": "spz", "lod_count": "5"}', 422, "invalid_request"),
        ("POST", "/api/photos/x/splat/convert", b'{"format": "spz", "lod_count": true}', 422, "invalid_request"),
        ("GET", "/api/session", None, 405, "method_not_allowed"),
        ("GET", "/api/jobs/x/retry", None, 405, "method_not_allowed"),
        ("GET", "/api/photos?limit=x", None, 422, "invalid_request"),
    ]:
        headers = {"content-type": "application/json"}
        answer = await gateway.client.request(method, path, content=body, headers=headers)
        problem = answer.json()
        assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code), (path, problem)
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["type"] and problem["title"] and problem["detail"]
    for path, allowed in [
        ("/api/photos", "GET"), ("/api/jobs/x", "DELETE, GET"), ("/api/models/x", "DELETE, GET"),
        ("/api/session", "DELETE, POST"), ("/api/photos/x/original", "GET, HEAD"),
    ]:  # fmt: skip
        answer = await gateway.client.put(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed), path


async def test_a_body_above_the_limit_is_refused_whether_or_not_its_size_is_told(gateway) -> None:
    async def in_chunks() -> Any:
        for _ in range(100):
            yield b" " * 1024

    path, headers = "/api/photos/x/depth", {"content-type": "application/json"}
    for content in (b" " * 65537, in_chunks()):
        answer = await gateway.client.post(path, content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    allowed = await gateway.client.post(path, content=b" " * 65526 + b'{"foo": 1}', headers=headers)
    assert allowed.status_code == 422


async def test_an_open_gateway_answers_to_the_names_of_this_machine_alone(gateway) -> None:
    port = httpx.URL(gateway.url).port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST", f"[::1]:{port}"):
        assert (await gateway.get("/api/photos", host=host)).status_code == 200, host
    for host in (f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example", "[::1", "", "10.0.0.1"):
        answer = await raw(gateway, f"GET /api/photos HTTP/1.1\nHost: {host}\nConnection: close\n\n")
        assert answer.startswith("HTTP/1.1 403"), (host, answer)
        assert '"code":"refused"' in answer


async def test_pages_elsewhere_can_change_nothing_and_hear_nothing(gateway) -> None:
    path = f"/api/photos/{gateway.ids['beach.jpg']}/depth"
    for origin in ("http://evil.example", "https://127.0.0.1:1", "null", "http://[", "file://"):
        for method in ("POST", "DELETE", "PUT"):
            answer = await gateway.client.request(method, path, json={}, headers={"origin": origin})
            assert (answer.status_code, answer.json()["code"]) == (403, "refused"), origin
        upgrade = (
            f"GET /api/socket.io/?EIO=4&transport=websocket HTTP/1.1\nHost: {httpx.URL(gateway.url).netloc.decode()}\n"
            f"Origin: {origin}\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n"
        )
        assert (await raw(gateway, upgrade)).startswith("HTTP/1.1 403"), origin
    assert (await gateway.get("/api/jobs")).json()["items"] == []
    own = await gateway.client.post(path, json={}, headers={"origin": gateway.url})
    assert own.status_code == 202


async def test_health_readiness_and_what_this_gateway_is_need_no_key(shared) -> None:
    assert (await shared.get("/api/health")).json() == {"status": "ok"}
    ready = await shared.get("/api/ready")
    assert ready.status_code == 200
    well = dict.fromkeys(("immich", "nats", "s3", "started", "tasks", "room"), True)
    # What other tests had set aside is counted in this process too.
    assert {**ready.json(), "set_aside": 0} == {**well, "problems": [], "storage": [], "set_aside": 0}
    stranger = (await shared.get("/api/config")).json()
    assert (stranger["library"], stranger["authenticated"], stranger["models"]) == ("immich", False, [])
    ann = (await shared.get("/api/config", "ann")).json()
    assert ann["authenticated"] is True
    assert {"da2-small"} <= {model["key"] for model in ann["models"]}
    assert (ann["formats"], ann["qualities"]) == (list(FORMATS), ["full", "light", "medium"])


async def test_readiness_says_in_words_what_is_wrong_with_the_library_and_does_not_depend_on_it(
    serving, settings, photos, tmp_path
) -> None:
    class Gone(FolderLibrary):
        async def check(self) -> list[str]:
            return ["Immich is version 2.7.3; ImmichVR works with version 3"]

        async def answers(self) -> bool:
            return False

    async with serving(settings, Gone(photos, tmp_path / "cache")) as gateway:
        async with asyncio.timeout(10):
            while not (ready := await gateway.get("/api/ready")).json()["problems"]:  # noqa: ASYNC110  # it is polled
                await asyncio.sleep(0.01)
        assert (ready.status_code, ready.json()["folder"]) == (200, False)
        assert ready.json()["problems"] == ["Immich is version 2.7.3; ImmichVR works with version 3"]


async def test_the_viewers_place_says_how_to_build_it_and_gives_no_other_file(gateway) -> None:
    answer = await gateway.get("/")
    assert answer.status_code == 503
    assert "make web" in answer.text
    listing = await raw(gateway, "GET /../../../etc/passwd HTTP/1.1\nHost: localhost\nConnection: close\n\n")
    assert "root:" not in listing


async def test_the_viewer_is_served_with_a_policy_and_its_hashed_files_for_ever(serving, settings) -> None:
    (settings.web / "assets-static").mkdir(parents=True)
    (settings.web / "index.html").write_text("<!doctype html>")
    (settings.web / "assets-static" / "a.js").write_text("1")
    (settings.web / "assets-static" / "a.js.gz").write_bytes(b"\x1f\x8bzipped")
    async with serving(settings) as gateway:
        page = await gateway.get("/")
        assert "'wasm-unsafe-eval'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-cache"
        script = await gateway.get("/assets-static/a.js", **{"accept-encoding": "identity"})
        assert (script.text, "immutable" in script.headers["cache-control"]) == ("1", True)
        request = "GET /assets-static/a.js HTTP/1.1\nHost: localhost\nAccept-Encoding: gzip\nConnection: close\n\n"
        assert "content-encoding: gzip" in (await raw(gateway, request)).lower()
        for odd in ("bytes=+0-1", "bytes=0-0", "lines=1-2", "bytes=0-0,1-1", "bytes=x"):
            part = await gateway.get("/assets-static/a.js", **{"accept-encoding": "identity", "range": odd})
            assert (part.status_code, part.text) == (200, "1"), odd
        for path in (
            "/no/such.js",
            "/" + "a" * 300,
            "/" + "a/" * 3000,
            "/%00",
            "/x%00y.js",
            "/%ed%a0%80",
            "/a.js/b.js",
        ):
            answer = await gateway.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path[:20]
        lost = await gateway.get("/old/link", accept="text/html")
        assert (lost.status_code, "There is nothing here" in lost.text) == (404, True)
        assert 'href="../"' in lost.text, "the way to the photos, also below the path of a proxy"
        german = await gateway.get("/old/link", accept="text/html", **{"accept-language": "de-AT,de;q=0.9,en;q=0.5"})
        assert "Hier ist nichts" in german.text and '<html lang="de">' in german.text


@pytest.mark.parametrize(
    ("told", "lang"),
    [
        ("", "en"), ("de", "de"), ("DE-at", "de"), ("fr, de;q=0.4, en;q=0.8", "en"), ("fr,de;q=0.4", "de"),
        ("de;q=0", "en"), ("en;q=0.1,de;q=0.1", "en"), ("*, nonsense;;, de ; q=0.3", "de"), ("de;q=9", "en"),
        ("fr," * 500 + "de", "en"),
    ],
)  # fmt: skip
def test_a_page_that_is_nowhere_says_so_in_the_language_of_the_browser(told: str, lang: str) -> None:
    assert spoken(told, ["en", "de"]) == lang


async def test_the_api_describes_itself_with_examples_that_fit(gateway) -> None:
    document = (await gateway.get("/api/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    described = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    assert {
        "GET /api/photos", "GET /api/videos", "GET /api/photos/{photo_id}", "GET /api/photos/{photo_id}/thumbnail",
        "GET /api/photos/{photo_id}/original", "POST /api/photos/{photo_id}/depth", "POST /api/photos/{photo_id}/splat",
        "POST /api/photos/{photo_id}/splat/convert", "GET /api/photos/{source_id}/assets",
        "GET /api/photos/{source_id}/assets/{asset_key}/{file}", "GET /api/assets/map", "GET /api/jobs",
        "GET /api/jobs/{job_id}", "DELETE /api/jobs/{job_id}", "POST /api/jobs/{job_id}/retry", "GET /api/health",
        "GET /api/ready", "GET /api/started", "GET /api/config", "POST /api/session",
    } <= {name for name, _ in described}  # fmt: skip
    assert len({operation["operationId"] for _, operation in described}) == len(described)
    for name, operation in described:
        assert operation["summary"], name
        assert set(operation["tags"]) <= {tag["name"] for tag in document["tags"]}, name
        for status in [one for one in operation["responses"] if one >= "400"]:
            if status != "503" or name not in ("GET /api/ready", "GET /api/started"):
                answer = _resolved(document, operation["responses"][status])
                assert list(answer["content"]) == ["application/problem+json"], name
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            schema = _resolved(document, content["schema"])
            for example in [content["example"]] if "example" in content else schema["examples"]:
                OAS31Validator({**schema, "components": document["components"]}).validate(example)
    for answer in document["components"]["responses"].values():
        problem = answer["content"]["application/problem+json"]
        for example in problem["examples"].values():
            OAS31Validator(_resolved(document, problem["schema"])).validate(example["value"])
    for schema in document["components"]["schemas"].values():
        OAS31Validator.check_schema(schema)


def test_operations_keep_the_names_that_clients_know_them_by() -> None:
    """The list grows by `make generated`. A name in it that changes breaks the clients generated before."""
    known = dict(line.split(" ", 1) for line in OPERATIONS.read_text().splitlines())
    today = operations()
    assert {name: today.get(name) for name in known} == known
    assert today == known, "there are new operations: run make generated"


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for part in schema.get("$ref", "#").split("/")[1:]:
        document = document[part]
    return document if "$ref" in schema else schema


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104  # only asked about, not bound
def test_a_folder_is_open_only_to_this_machine(settings, host: str) -> None:
    assert settings.model_copy(update={"host": host}).is_open == (host == "127.0.0.1")

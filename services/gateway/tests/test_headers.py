"""What every kind of answer tells browsers: what it may load, who may frame it, which sensors it may use."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

_USUAL = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
async def answers(serving: Any, settings: Any, storage: Any) -> dict[str, httpx.Response]:
    """An answer of each kind that a gateway gives, without signing in."""
    (settings.web / "assets-static").mkdir(parents=True)
    (settings.web / "index.html").write_text("<!doctype html>")
    (settings.web / "assets-static" / "a.js").write_text("1")
    async with serving(settings) as gateway:
        client, said = gateway.client, {}
        photo = (await client.get("/api/photos")).json()["items"][0]["id"]
        for name, (method, path, headers) in {
            "the viewer": ("GET", "/", {}), "its script": ("GET", "/assets-static/a.js", {}),
            "the page of the API": ("GET", "/api/docs", {}), "its document": ("GET", "/api/openapi.json", {}),
            "JSON": ("GET", "/api/photos", {}), "a picture": ("GET", f"/api/photos/{photo}/thumbnail", {}),
            "an original": ("GET", f"/api/photos/{photo}/original", {}),
            "a part": ("GET", f"/api/photos/{photo}/original", {"range": "bytes=0-3"}),
            "a head": ("HEAD", f"/api/photos/{photo}/original", {}),
            "not found": ("GET", "/api/nothing", {}), "no such file": ("GET", "/nothing", {}),
            "no such method": ("PUT", "/api/photos", {}), "not valid": ("GET", "/api/photos?limit=x", {}),
            "from elsewhere": ("POST", "/api/jobs", {"origin": "http://evil.example"}),
            "another host": ("GET", "/", {"host": "evil.example"}),
            "a socket by polling": ("GET", "/api/socket.io/?EIO=4&transport=polling", {}),
            "nothing": ("DELETE", "/api/session", {}),
        }.items():  # fmt: skip
            said[name] = await client.request(method, path, headers=headers)
        said["too large"] = await client.post("/api/jobs", content=b" " * 70_000)
        etag = said["a picture"].headers["etag"]
        unchanged = {"if-none-match": etag}
        said["known already"] = await client.get(f"/api/photos/{photo}/thumbnail", headers=unchanged)
    return said


async def test_every_kind_of_answer_says_how_browsers_may_use_it_and_only_the_viewer_loads_anything(answers) -> None:
    statuses = {answer.status_code for answer in answers.values()}
    assert {200, 204, 206, 304, 400, 403, 404, 405, 413, 422} <= statuses, statuses
    for name, answer in answers.items():
        assert {one: answer.headers.get(one) for one in _USUAL} == _USUAL, name
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors" in policy and "default-src" in policy, name
        assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", ""), name
        sensors = answer.headers["permissions-policy"]
        assert "camera=(self)" in sensors and "xr-spatial-tracking=(self)" in sensors and "microphone=(self)" in sensors
        assert "strict-transport-security" not in answer.headers, name
        if name in ("the viewer", "its script"):
            assert "default-src 'self'" in policy and "frame-ancestors 'self'" in policy
        else:
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, name
        is_file = name in ("a picture", "an original", "a part", "a head", "known already")
        assert policy.startswith("sandbox") == is_file, name


async def test_only_where_the_whole_name_is_ours_over_tls_are_browsers_held_to_it(serving, settings) -> None:
    believed = settings.model_copy(update={"trusted_proxies": "127.0.0.1", "public_url": "https://3d.example.org"})
    async with serving(believed) as gateway:
        for proto, host, held in (
            ("https", "3d.example.org", True), ("http", "3d.example.org", False), ("https", "localhost:2284", False),
        ):  # fmt: skip
            answer = await gateway.get("/api/health", host=host, **{"x-forwarded-proto": proto})
            assert (answer.status_code, "strict-transport-security" in answer.headers) == (200, held), (proto, host)

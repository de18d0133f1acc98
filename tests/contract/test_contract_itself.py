"""The checker finds what it is there to find; the stub asks for the permissions that Immich asks for."""

import json

import httpx
import immich_answers
import pytest
from immich_stub import ROUTES


@pytest.fixture
async def http(immich_stub):
    async with httpx.AsyncClient(base_url=f"{immich_stub.url}/api/") as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "more", "words"),
    [
        ("GET", "assets/00000000-0000-4000-8000-000000000000/depth", {}, "no such path"),
        ("GET", "assets/not-a-uuid", {}, "path parameter id"),
        ("GET", "users/me?verbose=true", {}, "unknown query parameter 'verbose'"),
        ("GET", "assets/00000000-0000-4000-8000-000000000000/thumbnail?size=huge", {}, "query parameter size"),
        ("GET", "assets/00000000-0000-4000-8000-000000000000/original?edited=maybe", {}, "query parameter edited"),
        ("POST", "search/metadata", {"json": {"page": "2"}}, "body: $.page"),
        ("POST", "search/metadata", {"json": {"isArchived": False}}, "isArchived"),
        ("POST", "search/metadata", {"content": b"{}", "headers": {"content-type": "text/plain"}}, "a body of type"),
        ("POST", "search/metadata", {}, "the body is missing"),
        ("POST", "auth/login", {"json": {"email": "ada@example.org"}}, "'password' is a required property"),
        ("GET", "users/me", {"headers": {"cookie": "immich_access_token=old"}}, "a cookie was sent"),
        ("GET", "users/me", {"headers": {"authorization": "Bearer a"}}, "2 credentials"),
        ("GET", "server/version", {}, "a credential where none is needed"),
    ],
)
async def test_a_request_that_immich_does_not_describe_is_found(
    contract, immich_stub, http, ada, method, path, more, words
):
    headers = {"x-api-key": immich_stub.add_key(ada), **more.pop("headers", {})}
    await http.request(method, path, headers=headers, **more)
    found = "\n".join(contract.violations)
    contract.violations.clear()
    assert words in found


async def test_an_answer_that_immich_does_not_describe_is_found(contract, immich_stub, http, ada, picture, monkeypatch):
    photo = immich_stub.add_photo(ada, picture())
    answer = immich_answers.asset_answer
    monkeypatch.setattr(
        immich_answers,
        "asset_answer",
        lambda asset, with_exif, caller=None: {**answer(asset, with_exif, caller), "width": "400", "depth": 1},
    )
    await http.get(f"assets/{photo.id}", headers={"x-api-key": immich_stub.add_key(ada)})
    found = "\n".join(contract.violations)
    contract.violations.clear()
    assert "answer: $.width" in found
    assert "'depth' was unexpected" in found


def test_the_stub_asks_for_the_permissions_that_immich_asks_for(contract):
    asked = {(method, path): permission for method, path, permission, _ in ROUTES}
    described = {one: contract.operation(*one).get("x-immich-permission") for one in asked}
    assert described == asked
    assert not any("security" in contract.operation(method, path) for method, path, _ in immich_answers.PUBLIC)


def test_the_permissions_we_ask_for_are_permissions_of_immich(document, contract):
    from immichvr_gateway.library.immich.signing_in import NEEDED_PERMISSIONS

    assert set(NEEDED_PERMISSIONS) <= set(document["components"]["schemas"]["Permission"]["enum"])
    assert NEEDED_PERMISSIONS == immich_answers.ALL_WE_NEED


async def test_a_stale_cookie_outranks_a_good_key_as_on_the_real_server(immich_stub, http, ada, contract):
    headers = {"x-api-key": immich_stub.add_key(ada), "cookie": "immich_access_token=stale"}
    answer = await http.get("users/me", headers=headers)
    contract.violations.clear()
    assert answer.status_code == 401
    assert json.loads(answer.content)["message"] == "Invalid user token"

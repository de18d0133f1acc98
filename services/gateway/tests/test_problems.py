"""Whose fault an error is: a request's only where it is named; ours says nothing of what is inside."""

import errno
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from immichvr_common import errors
from immichvr_common.bus import BusFull
from immichvr_common.storage_answers import Trouble
from immichvr_gateway import library
from immichvr_gateway.http.problems import Problem, as_problem, install
from immichvr_media import InvalidImage
from immichvr_media.errors import ImageTooLarge

KEY = "splats/b7f0_sharp/9a1e/splat.spz"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidRequest("lod_count is 0; it must be at least 1"), 422, "invalid_request"),
        (library.InvalidCursor(), 422, "invalid_cursor"),
        (InvalidImage("no image"), 422, "invalid_image"),
        (ImageTooLarge("too many pixels"), 413, "image_too_large"),
        (errors.NotFound("job x made no splat"), 404, "not_found"),
        (errors.Conflict("somebody else changed it"), 409, "conflict"),
        (library.SignInFailed("this key is not known"), 401, "unauthorized"),
        (library.NotPermitted("no", ("asset.read",)), 403, "not_permitted"),
        (errors.StorageFull("s3", "the object storage has no room left"), 507, "storage_full"),
        (BusFull("the store of NATS is full"), 507, "storage_full"),
        (OSError(errno.ENOSPC, "no space left"), 507, "storage_full"),
        (errors.Unavailable("NATS is not connected", down="nats"), 503, "unavailable"),
        (Trouble(f"storage answered 500 for {KEY}", "500", KEY), 503, "unavailable"),
        (library.LibraryUnavailable("Immich is busy", "immich", retry_after_s=17.2), 503, "unavailable"),
        (errors.StorageRefused("storage refused a request (AccessDenied)"), 502, "storage_refused"),
        (errors.CorruptObject(f"{KEY} is damaged in storage", KEY), 502, "corrupt_object"),
        # Our own: neither a missing object, nor a mistake of ours, is a request's fault.
        (errors.NotFound(f"no object {KEY}", KEY), 500, "internal"),
        (errors.ServiceError(f"something about {KEY}"), 500, "internal"),
        (errors.WorkerCrashed("gone"), 500, "internal"),
        (ValueError("invalid literal for int()"), 500, "internal"),
        (KeyError("photo_id"), 500, "internal"),
        (OSError(errno.EACCES, "denied", "/etc/shadow"), 500, "internal"),
    ],
)
def test_an_error_is_the_requests_fault_only_where_it_is_named(error: Exception, status: int, code: str) -> None:
    problem = as_problem(error)
    assert (problem.status, problem.code) == (status, code)
    assert KEY not in problem.detail
    if status == 500:
        assert problem.detail == "something went wrong here; the gateway's log says what"


async def answer_to(error: Exception) -> httpx.Response:
    app = FastAPI()

    @app.get("/")
    async def fail() -> Any:
        raise error

    install(app, app.routes)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.get("/")


async def test_a_mistake_of_ours_is_told_in_the_log_with_its_trace_and_not_to_the_client(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = await answer_to(ValueError("a secret detail"))
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "a secret detail" not in answer.text
    assert "a secret detail" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (library.LibraryUnavailable("Immich is busy", "immich", retry_after_s=17.2), "18"),
        (library.LibraryUnavailable("Immich is away", "immich"), "2"),
        (errors.Unavailable("NATS is not connected", down="nats"), "2"),
        (Problem(429, "too_many", "slow down", {"Retry-After": "7"}), "7"),
    ],
)
async def test_when_to_ask_again_is_as_the_library_said_where_it_did(error: Exception, after: str) -> None:
    assert (await answer_to(error)).headers["retry-after"] == after

"""What a caller of gRPC may name in storage."""

from types import SimpleNamespace

import pytest
from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr_common.callers import Caller, serve_as
from immichvr_common.errors import InvalidRequest
from immichvr_common.object_refs import check_ref

STORE = SimpleNamespace(bucket="immichvr")


@pytest.fixture(autouse=True)
def by_a_caller() -> None:
    serve_as(Caller("viewer", frozenset({"*"}), "calls/viewer/"))


def check(**ref: str | int) -> None:
    check_ref("input", ObjectRef(**ref), STORE)  # type: ignore[arg-type]  # a bucket's name is all that is asked


@pytest.mark.parametrize("key", ["calls/viewer/a", "calls/viewer/2026/IMG_1.jpg", "calls/viewer/a=b+c-d/x.spz"])
def test_a_key_of_its_own_may_be_named(key: str) -> None:
    check(key=key)
    check(key=key, bucket="immichvr", size=5, sha256="0" * 64)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sources/photo/version",
        "splats/photo_model/recipe/splat-1-1/splat.spz",
        "splats/photo_model/recipe/manifest.json",
        "calls/another/a",
        "calls/viewer",
        "calls/viewer/",
        "calls/viewer/manifest.json",
        "calls/viewer/../another/a",
        "calls/viewer/..",
        "calls/viewer/./a",
        "calls/viewer//a",
        "/calls/viewer/a",
        "calls/viewer/.hidden",
        "calls/viewer/a\nb",
        "calls/viewer/a\x00b",
        "calls/viewer/a\\..\\b",
        "calls/viewer/a b",
        "calls/viewer/a%2e%2e",
        "calls/viewer/ä",
        "calls/viewer/" + "x" * 1024,
    ],
)
def test_anything_else_is_an_invalid_request(key: str) -> None:
    with pytest.raises(InvalidRequest):
        check(key=key)


@pytest.mark.parametrize(
    "more", [{"bucket": "another"}, {"size": 2**60}, {"sha256": "x"}, {"sha256": "0" * 63}, {"sha256": "A" * 64}]
)
def test_so_is_what_cannot_be_true_of_an_object_here(more: dict[str, str | int]) -> None:
    with pytest.raises(InvalidRequest):
        check(key="calls/viewer/a", **more)

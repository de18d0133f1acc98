"""What the first release made of a wish: the same wish has the same name now, else everything would be outdated."""

from typing import Any

import pytest
from immichvr_common.sources import Source
from immichvr_gateway.library.folder.walking import file_version
from immichvr_gateway.library.immich.answers import Asset
from immichvr_gateway.library.immich.describing import source_version
from immichvr_gateway.requests.recipes import conversion_hash, job_id, recipe

VERSION = "35b5f888b847b701"
IMMICH_ASSET: dict[str, Any] = {
    "id": "6f1c0a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b", "ownerId": "0c1d2e3f-4a5b-4c5d-8e6f-6f1c0a3b8a9b", "type": "IMAGE",
    "visibility": "timeline", "isTrashed": False, "originalFileName": "IMG_1234.jpg",
    "fileCreatedAt": "2025-06-15T10:00:00.000Z", "checksum": "2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "width": 4032,
    "height": 3024, "thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "model", "params", "name"),
    [
        ("depth", "auto", None, "627000b15d110362"),
        ("depth", "da2-small", {"points": True}, "a9e429d69cfa8e63"),
        ("splat", "sharp", None, "243a0b10ba093c39"),
        ("splat", "lift-da2-small", None, "99a04d141d4d88a8"),
    ],
)
def test_recipes(kind: str, model: str, params: dict[str, Any] | None, name: str) -> None:
    assert recipe(kind, VERSION, model, params) == name
    assert job_id(kind, Source.photo("somephoto"), name) == f"{kind}-somephoto-{name}"


def test_conversions() -> None:
    assert conversion_hash("bfb8a154aa72050d", "lift-heuristic", "spz", "light") == "31c9d031c3c7ca8c"
    label = "ksplat-level-2.sh-degree-0"
    assert conversion_hash("bfb8a154aa72050d", "sharp", "ksplat", label) == "40bd0100d6a1be2a"


@pytest.mark.parametrize(("is_edited", "version"), [(False, "3958645916859d77"), (True, "edb64d97bb0fd146")])
def test_versions_of_photos_in_immich(is_edited: bool, version: str) -> None:
    assert source_version(Asset.model_validate({**IMMICH_ASSET, "isEdited": is_edited})) == version


def test_versions_of_photos_in_a_folder() -> None:
    assert file_version(123456, 1_750_000_000_123_456_789) == "3b8623a2951c21cd"

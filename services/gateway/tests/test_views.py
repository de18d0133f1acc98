"""Assets as the API shows them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from immichvr_catalog import ASSETS
from immichvr_common.manifests import Manifest
from immichvr_gateway.assets.index import by_kind, entry_of
from immichvr_gateway.views import asset_view

CAMERA = {"fx": 10.0, "fy": 10.0, "cx": 4.0, "cy": 3.0, "width": 8, "height": 6}


def manifest(details: dict[str, Any], kind: str = "splat") -> Manifest:
    return Manifest(
        kind=kind, photo_id="a", source_version="v", model_key="m", recipe="r", files=[], details=details,
        job_id="j", run=1, attempt=1, requested_at=datetime.now(UTC),
    )  # fmt: skip


def test_what_its_maker_tells_of_the_camera_is_shown_whole() -> None:
    camera = {**CAMERA, "focal_source": "exif"}
    shown = asset_view(manifest({"camera": camera, "depth": {"near": 1, "far": 9, "metric": True}}), outdated=False)
    assert shown.model_dump()["camera"] == camera
    assert shown.metric


def test_what_else_its_maker_tells_is_shown_as_it_is_told() -> None:
    layout = {"width": 400, "height": 96, "gutter": 16, "colour": [0, 0, 160, 96], "depth": [208, 0, 160, 96]}
    shown = asset_view(manifest({"rgbd": layout, "metric": False}, "depth"), outdated=False)
    assert shown.details == {"rgbd": layout}


@pytest.mark.parametrize("camera", [None, "a pinhole", {"fx": 10.0}, {**CAMERA, "width": "wide"}])
def test_an_asset_is_shown_without_a_camera_that_cannot_be_used(camera: object) -> None:
    shown = asset_view(manifest({"camera": camera, "depth": {"near": "here"}}), outdated=False)
    assert (shown.camera, shown.depth, shown.metric) == (None, None, False)


def test_a_photo_has_a_place_for_each_kind_of_asset_and_what_was_made_in_it() -> None:
    nothing: dict[str, list[str]] = {kind: [] for kind in ASSETS}
    assert by_kind([]) == nothing
    assert by_kind([entry_of(manifest({}, "splat"))]) == nothing | {"splat": ["m"]}

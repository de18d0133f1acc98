"""What is asked for, and the job it comes to: nothing is read and nothing is written."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import Grants, Job
from immichvr_catalog import KINDS
from immichvr_common.grants import grants_of, params_of
from immichvr_common.manifests import AssetFile, Manifest
from immichvr_common.sources import Source
from immichvr_gateway.assets.index import AssetEntry, entry_of
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.models.catalog import Accepted, ModelStatus
from immichvr_gateway.models.records import ModelRecord
from immichvr_gateway.requests.asking import PLANNERS
from immichvr_gateway.requests.conversion import ConvertRequest, VariantRequest
from immichvr_gateway.requests.depth import DepthRequest
from immichvr_gateway.requests.extending import choose
from immichvr_gateway.requests.levels import LevelsRequest
from immichvr_gateway.requests.motion import MotionRequest
from immichvr_gateway.requests.planning import JobRequest, Known, Planners
from immichvr_gateway.requests.spec import JobSpec, SourceVersion
from immichvr_gateway.requests.splat import SplatRequest
from immichvr_media import NotFlat
from immichvr_models import CacheSettings, registry

OF = SourceVersion(Source.photo("somephoto"), "35b5f888b847b701", "beach.jpg")
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)


def standing(key: str, state: Any = "downloadable", since: datetime | None = None, yes: bool = False) -> ModelStatus:
    model = registry[key]
    accepted = Accepted(key=key, who="ann", at=MADE_AT, licence=model.licence.name, url=model.licence.url)
    return ModelStatus(model, ModelRecord(key=key), state, accepted if yes else None, [], since)


def a_manifest(*files: tuple[str, str, str], **facts: Any) -> Manifest:
    """A splat's manifest with files of these roles, formats and variants."""
    manifest = Manifest(
        kind="splat", source=OF.source, source_version=OF.version, model_key="lift-heuristic",
        requested_model="lift-heuristic", recipe=splat_of("lift-heuristic").recipes["splat"], created_at=MADE_AT,
        requested_at=MADE_AT, files=[], job_id="j", run=1, attempt=1,
    ).model_copy(update=facts)  # fmt: skip
    manifest.files = [
        AssetFile(
            name=f"{role}.{variant}.{kind}", role=role, format=kind, variant=variant, size=1, sha256="00",
            key=f"splats/somephoto_lift-heuristic/r/convert-11-1-1-0/{variant}.{kind}", media_type="x/y",
        )
        for role, kind, variant in files
    ]  # fmt: skip
    return manifest


def known(assets: list[AssetEntry] | None = None, manifest: Manifest | None = None, **facts: Any) -> Known:
    models = {model.key: standing(model.key) for model in registry} | facts.pop("models", {})
    return Known(
        of=facts.pop("of", OF), assets=assets or [], models=models, model_settings=CacheSettings(), bucket="b",
        keeps_ply=facts.pop("keeps_ply", False), extended=manifest and entry_of(manifest), manifest=manifest,
    )  # fmt: skip


def splat_of(model: str) -> JobSpec:
    return SplatRequest(model=model).plan(known())


def an_entry(kind: str, model: str, recipe: str) -> AssetEntry:
    return AssetEntry(
        source=OF.source, kind=kind, model_key=model, recipe=recipe, manifest_key=f"m/{model}", made_at=MADE_AT
    )


FULL = a_manifest(("splat", "spz", "full"), ("splat", "ply", "full"))
WITHOUT_PLY = a_manifest(("splat", "spz", "full"), ("splat", "spz", "light"))


@pytest.mark.parametrize(
    ("request_", "manifest", "kind", "job", "params", "shown"),
    [
        (DepthRequest(), None, "depth", "depth-somephoto-627000b15d110362", {"model": "auto"}, None),
        (
            DepthRequest(model="da2-small", points=True), None, "depth", "depth-somephoto-a9e429d69cfa8e63",
            {"model": "da2-small", "points": True}, None,
        ),
        (
            SplatRequest(model="sharp", quality="light"), None, "splat", "splat-somephoto-243a0b10ba093c39",
            {"model": "sharp", "quality": "light"}, None,
        ),
        (
            SplatRequest(model="lift-da2-small"), None, "splat", "splat-somephoto-99a04d141d4d88a8",
            {"model": "lift-da2-small", "quality": "full"}, None,
        ),
        (
            ConvertRequest(format="sog"), FULL, "convert", None,
            {"toFormat": "sog", "variant": "full", "modelKey": "lift-heuristic", "fromFormat": "ply"},
            {"format": "sog", "variant": "full", "model": "lift-heuristic"},
        ),
        (
            ConvertRequest(format="spz", options={"spz_version": 4, "frame": "rub"}, lod_count=500), WITHOUT_PLY,
            "convert", None,
            {
                "toFormat": "spz", "variant": "full", "modelKey": "lift-heuristic", "fromFormat": "spz",
                "label": "lod-500.frame-rub.spz-version-4", "spzVersion": 4, "frame": "rub", "lodCount": "500",
            },
            {"format": "spz", "variant": "lod-500.frame-rub.spz-version-4", "model": "lift-heuristic"},
        ),
        (
            VariantRequest(format="spz", variant="light"), FULL, "convert", None,
            {"toFormat": "spz", "variant": "light", "modelKey": "lift-heuristic", "fromFormat": "ply"},
            {"format": "spz", "variant": "light", "model": "lift-heuristic"},
        ),
        (
            LevelsRequest(levels=["preview"], counts=[5000]), FULL, "lod", None,
            {
                "modelKey": "lift-heuristic", "toFormat": "spz", "fromFormat": "ply", "levels": ["preview"],
                "counts": ["5000"],
            },
            {"format": "spz", "model": "lift-heuristic", "label": "levels-5000,preview"},
        ),
        (
            LevelsRequest(tile_gaussians=1000), FULL, "lod", None,
            {"modelKey": "lift-heuristic", "toFormat": "spz", "fromFormat": "ply", "tileGaussians": "1000"},
            {"format": "spz", "model": "lift-heuristic", "label": "tiles-1000"},
        ),
    ],
)  # fmt: skip
def test_what_a_request_comes_to(
    request_: JobRequest, manifest: Manifest | None, kind: str, job: str | None, params: dict[str, Any],
    shown: dict[str, Any] | None,
) -> None:  # fmt: skip
    spec = request_.plan(known(manifest=manifest))
    message = spec.job("b", "")
    assert (spec.kind, message.kind, spec.existing) == (kind, kind, ())
    assert job is None or spec.id == message.id == job
    assert (params_of(message), dict(spec.shown)) == (params, shown or params)
    assert spec.stages_source is (manifest is None)


CAMERA = {"fx": 900.0, "fy": 910.0, "cx": 480.0, "cy": 360.0, "width": 960, "height": 720}
TURNED = [[0, 0, 1, 3], [0, 1, 0, -1], [-1, 0, 0, 2], [0, 0, 0, 1]]
CANNOT_BE: list[dict[str, Any]] = [
    {"width": "wide"}, {"width": -1}, {"width": 2**33}, {"height": 0}, {"height": math.inf}, {"fx": None},
    {"fx": math.nan}, {"fy": -1}, {"cx": math.inf}, {"extrinsic": 1}, {"extrinsic": [[1, 0, 0]]},
    {"extrinsic": [[0] * 4] * 4},
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (VariantRequest(format="spz", variant="light"), CAMERA),
        (ConvertRequest(format="spz", lod_count=500), CAMERA),
        (LevelsRequest(levels=["preview"]), CAMERA),
        (LevelsRequest(tile_gaussians=1000), None),
        (ConvertRequest(format="sog"), None),
    ],
)
def test_what_merges_a_photo_s_splat_is_told_where_it_is_seen_from(
    request_: JobRequest, told: dict[str, Any] | None
) -> None:
    files = [("splat", "spz", "full")]
    whole = a_manifest(*files, details={"camera": {**CAMERA, "focal_source": "exif", "gravity": [0, 1, 0]}})
    assert params_of(request_.plan(known(manifest=whole)).job("b", "")).get("camera") == told
    for other in ({"fx": 1.0}, None, *({**CAMERA, **one} for one in CANNOT_BE)):
        untold = a_manifest(*files, details={"camera": other})
        assert "camera" not in params_of(request_.plan(known(manifest=untold)).job("b", ""))


@pytest.mark.parametrize("spelt", [{"width": "960"}, {"width": 960.0, "fx": "900"}, {"extrinsic": TURNED}])
def test_a_photo_s_camera_is_told_however_its_maker_spelt_it(spelt: dict[str, Any]) -> None:
    whole = a_manifest(("splat", "spz", "full"), details={"camera": {**CAMERA, **spelt}})
    pose = {"extrinsic": [float(one) for row in TURNED for one in row]} if "extrinsic" in spelt else {}
    light = VariantRequest(format="spz", variant="light").plan(known(manifest=whole))
    assert params_of(light.job("b", ""))["camera"] == {**CAMERA, **pose}


def test_a_job_says_of_what_it_is_and_what_its_assets_depend_on() -> None:
    message = splat_of("lift-da2-small").job("b", "00-trace")
    assert (Source.of(message), message.source_version, message.source_name) == (OF.source, OF.version, OF.name)
    assert dict(message.recipes) == {
        "splat": "99a04d141d4d88a8", "depth": DepthRequest(model="da2-small").plan(known()).recipes["depth"],
    }  # fmt: skip
    assert (message.bucket, message.traceparent, message.run) == ("b", "00-trace", 1)
    assert json_format.ParseDict(json_format.MessageToDict(message), Job()) == message


def test_the_light_variant_follows_from_a_splat_of_that_quality_alone() -> None:
    assert [one.name for one in SplatRequest(quality="light").plan(known()).then] == ["light"]
    assert SplatRequest().plan(known()).then == ()
    assert splat_of("auto").id == SplatRequest(quality="light").plan(known()).id


def test_the_medium_level_has_three_hundred_thousand_gaussians_and_comes_after_the_light_variant() -> None:
    light, medium = SplatRequest(quality="medium").plan(known()).then
    assert (light.name, medium.name, medium.request) == ("light", "medium", {"format": "spz", "lod_count": 300_000})
    assert splat_of("auto").id == SplatRequest(quality="medium").plan(known()).id


def test_what_a_job_may_do_is_no_part_of_what_it_makes() -> None:
    models = {"da2-base": standing("da2-base", yes=True)}
    spec = SplatRequest().plan(known(models=models, keeps_ply=True))
    assert spec.grants == Grants(accepted=["da2-base"], keep_ply=True) == grants_of(spec.job("b", ""))
    assert spec.id == splat_of("auto").id


def test_an_asset_by_the_same_recipe_answers_until_better_weights_are_there() -> None:
    own = DepthRequest().plan(known()).recipes["depth"]
    made = an_entry("depth", "heuristic", own)
    other = an_entry("depth", "da2-small", "another recipe")
    assert DepthRequest().plan(known([made, other])).existing == (made,)
    assert DepthRequest(force=True).plan(known([made])).existing == ()
    better = {"da2-small": standing("da2-small", "ready", MADE_AT.replace(year=2027))}
    assert DepthRequest().plan(known([made], models=better)).existing == ()
    as_before = {"da2-small": standing("da2-small", "ready", MADE_AT.replace(year=2025))}
    assert DepthRequest().plan(known([made], models=as_before)).existing == (made,)


def test_depth_with_points_answers_for_depth_alone_and_not_the_other_way_round() -> None:
    with_points = an_entry("depth", "heuristic", DepthRequest(points=True).plan(known()).recipes["depth"])
    plain = an_entry("depth", "heuristic", DepthRequest().plan(known()).recipes["depth"])
    assert DepthRequest().plan(known([with_points])).existing == (with_points,)
    assert DepthRequest(points=True).plan(known([plain])).existing == ()


def test_a_file_that_is_there_answers_and_needs_no_input() -> None:
    spec = ConvertRequest(format="ply").plan(known(manifest=FULL))
    assert (spec.existing, spec.is_seen, dict(spec.inputs)) == ((entry_of(FULL),), True, {})


def test_the_raw_ply_that_is_gone_is_had_by_making_the_same_splat_anew() -> None:
    spec = ConvertRequest(format="ply").plan(known(manifest=WITHOUT_PLY))
    assert (spec.kind, spec.id, spec.grants.keep_ply) == ("splat", splat_of("lift-heuristic").id, True)
    assert [one.name for one in spec.then] == ["light"]
    assert (spec.existing, spec.trusts_staged) == ((), False)


def test_a_raw_ply_is_had_in_the_same_way_where_it_is_asked_for_as_a_variant() -> None:
    spec = VariantRequest(format="ply").plan(known(manifest=WITHOUT_PLY))
    assert spec == ConvertRequest(format="ply").plan(known(manifest=WITHOUT_PLY))
    assert spec.kind == "splat"


@pytest.mark.parametrize("more", [{"format": "ply"}, {"options": {"spz_version": 4}}, {"lod_count": 1000}])
def test_a_light_variant_of_another_kind_than_there_is_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="takes neither options nor a count") as refusal:
        VariantRequest(**{"format": "spz", "variant": "light", **more}).plan(known(manifest=FULL))
    assert refusal.value.status == 422


def test_a_ply_of_a_photo_that_has_changed_is_converted_from_what_there_is() -> None:
    changed = SourceVersion(OF.source, "another version", OF.name)
    spec = ConvertRequest(format="ply").plan(known(manifest=WITHOUT_PLY, of=changed))
    assert (spec.kind, [ref.key for ref in spec.inputs.values()]) == ("convert", [WITHOUT_PLY.files[0].key])


def test_a_photo_that_is_not_flat_is_refused_unless_what_exists_answers() -> None:
    sphere = SourceVersion(OF.source, OF.version, OF.name, "equirectangular")
    spec = SplatRequest().plan(known(of=sphere))
    assert isinstance(spec.refusal, NotFlat)


def test_a_model_that_was_asked_for_by_name_may_not_run_without_its_licence() -> None:
    models = {"da2-base": standing("da2-base", "needs_licence")}
    refused = DepthRequest(model="da2-base").plan(known(models=models)).refusal
    assert isinstance(refused, Problem)
    assert refused.code == "licence_required"
    assert DepthRequest().plan(known(models=models)).refusal is None


def test_the_splat_to_add_to_is_the_best_or_the_one_that_was_named() -> None:
    splats = [an_entry("splat", key, "r") for key in ("sharp", "lift-heuristic")]
    assert choose(known(splats), "splat", "auto") == splats[0]
    assert choose(known(splats), "splat", "lift-heuristic") == splats[1]
    for model, code in (("lift-x", "invalid_model"), ("lift-da2-small", "not_found")):
        with pytest.raises(Problem) as refused:
            choose(known(splats), "splat", model)
        assert refused.value.code == code


def test_every_kind_of_job_that_is_made_of_sources_or_assets_has_a_planner() -> None:
    assert {kind.name for kind in KINDS.values() if kind.assets} <= set(PLANNERS)
    with pytest.raises(Problem, match="one of: depth, splat, convert, lod"):
        PLANNERS.find("dream")


def test_a_planner_of_another_distribution_is_found_under_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy.py").write_text(
        "from immichvr_gateway.requests.planning import JobRequest\n\nclass ToyRequest(JobRequest): size: int = 1\n"
    )
    described = tmp_path / "toy-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text("[immichvr.planners]\ntoy = toy:ToyRequest\n")
    monkeypatch.syspath_prepend(tmp_path)
    planners = Planners({"depth": DepthRequest})
    assert (list(planners), planners.find("toy").__name__) == (["depth", "toy"], "ToyRequest")


def a_depth(**facts: Any) -> Manifest:
    """A depth asset of the photo as it is."""
    manifest = a_manifest(("depth", "png", "full"), ("background", "webp", "full"))
    return manifest.model_copy(update={"kind": "depth", "model_key": "da2-small", "recipe": "d" * 16, **facts})


def test_a_motion_clip_is_made_with_the_depth_there_is_and_is_another_one_with_another_depth() -> None:
    guessed = MotionRequest().plan(known())
    assert (guessed.inputs, guessed.params.depth_key) == ({}, "")
    measured = MotionRequest().plan(replace(known(), used=a_depth()))
    assert measured.params.depth_key == "da2-small"
    assert measured.inputs["depth"].key.endswith("full.png")
    assert len({one.recipes["motion"] for one in (guessed, measured, MotionRequest(path="orbit").plan(known()))}) == 3
    again = MotionRequest().plan(replace(known(), used=a_depth()))
    assert (again.id, again.recipes) == (measured.id, measured.recipes)


def test_a_motion_clip_that_exists_answers_unless_it_is_wanted_anew() -> None:
    own = MotionRequest().plan(known()).recipes["motion"]
    made = an_entry("motion", "sway", own)
    assert MotionRequest().plan(known([made])).existing == (made,)
    assert MotionRequest(force=True).plan(known([made])).existing == ()
    assert MotionRequest(seconds=2).plan(known([made])).existing == ()

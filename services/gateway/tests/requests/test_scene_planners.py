"""What is asked for of places, and the jobs it comes to."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf import json_format
from immichvr_catalog import POINTS, SPLAT
from immichvr_common.grants import params_of
from immichvr_common.manifests import AssetFile, Manifest
from immichvr_common.sources import Source
from immichvr_gateway.assets.index import AssetIndex, entry_of
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.models.catalog import ModelStatus
from immichvr_gateway.models.records import ModelRecord
from immichvr_gateway.requests.dataset import DatasetRequest
from immichvr_gateway.requests.given import GivenCameras
from immichvr_gateway.requests.inpaint import InpaintRequest
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import is_outdated
from immichvr_gateway.requests.reconstruct import (
    PlaceRequest,
    PointsRequest,
    ReconstructRequest,
    is_outdated_scene,
    scene_version,
)
from immichvr_gateway.requests.spec import JobSpec, SourceVersion
from immichvr_gateway.sources.identity import set_of
from immichvr_models import CacheSettings, registry
from pydantic import ValidationError

IDS = [f"photo-{number}" for number in range(12)]
PHOTOS = tuple(SourceVersion(Source.photo(one), "v1", f"{one}.jpg") for one in IDS)
BURST = SourceVersion(set_of(IDS), "35b5f888b847b701", "photo-0.jpg and 11 more", members=PHOTOS)
FILM = SourceVersion(Source("video", "walk"), "v1", "walk.mp4")
LIVE = SourceVersion(Source.photo("live"), "v1", "live.heic", live=True)
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)


def known(of: SourceVersion, **facts: Any) -> Known:
    models = {one.key: ModelStatus(one, ModelRecord(key=one.key), "downloadable", None, [], None) for one in registry}
    return Known(
        of=of, assets=facts.pop("assets", []), models=models, model_settings=CacheSettings(), bucket="b",
        keeps_ply=False, **facts,
    )  # fmt: skip


def planned(request: PlaceRequest, of: SourceVersion, **facts: Any) -> JobSpec:
    return request.plan(known(request.about(of), made_of=of, **facts))


def a_scene(*roles: str, model_key: str = "gaussians", recipe: str = "r") -> Manifest:
    """What a job made of a scene, with files of these roles."""
    files = [
        AssetFile(name=f"{role}.x", role=role, format="spz" if role == SPLAT else "json", size=1, sha256=role,
                  key=role, media_type="x/y")
        for role in (SPLAT, *roles)
    ]  # fmt: skip
    scene = ReconstructRequest().about(BURST)
    return Manifest(
        kind=SPLAT, source=scene.source, source_version=scene.version, model_key=model_key, recipe=recipe, files=files,
        created_at=MADE_AT, requested_at=MADE_AT, job_id="reconstruct-x-r", run=1, attempt=1,
    )  # fmt: skip


def asked(request: JobRequest, manifest: Manifest, **facts: Any) -> JobSpec:
    of = scene_version(manifest.source.id, "summer")
    return request.plan(known(of, extended=entry_of(manifest), manifest=manifest, **facts))


def test_a_scene_is_named_by_its_photos_their_order_and_how_it_is_made() -> None:
    spec = planned(ReconstructRequest(quality="draft"), BURST)
    assert spec.of is not None
    assert spec.of.source.kind == "scene"
    assert spec.id == f"reconstruct-{spec.of.source.id}-{spec.recipes[SPLAT]}"
    assert spec.made_of == BURST.source
    assert spec.id == planned(ReconstructRequest(quality="draft"), BURST).id
    edited = SourceVersion(BURST.source, "another", BURST.name, members=PHOTOS)
    others = [
        planned(ReconstructRequest(quality="high"), BURST),
        planned(ReconstructRequest(quality="draft", poses="colmap"), BURST),
        planned(ReconstructRequest(quality="draft", mask_moving=True), BURST),
        planned(ReconstructRequest(quality="draft"), edited),
        planned(PointsRequest(quality="draft"), BURST),
    ]
    assert len({spec.id, *(one.id for one in others)}) == 6


def test_every_photo_is_staged_under_its_place_a_video_alone_and_a_live_photo_with_its_clip() -> None:
    staged = planned(ReconstructRequest(), BURST).staging
    assert [*staged] == [f"photo_{place:03}" for place in range(12)]
    assert staged["photo_007"].source.id == "photo-7"
    assert [*planned(ReconstructRequest(), FILM).staging] == ["video"]
    live = planned(ReconstructRequest(), LIVE).staging
    assert {role: of.media for role, of in live.items()} == {"photo_000": "photo", "clip": "video"}


def test_levels_and_tiles_follow_from_all_but_a_draft() -> None:
    assert planned(ReconstructRequest(quality="draft"), BURST).then == ()
    assert [one.name for one in planned(ReconstructRequest(), BURST).then] == ["levels", "tiles"]


def test_what_was_made_answers_unless_it_is_forced() -> None:
    recipe = planned(ReconstructRequest(), BURST).recipes[SPLAT]
    made = entry_of(a_scene(recipe=recipe))
    assert planned(ReconstructRequest(), BURST, assets=[made]).existing == (made,)
    forced = planned(ReconstructRequest(force=True), BURST, assets=[made])
    assert forced.existing == ()
    assert not planned(ReconstructRequest(), BURST).job("bucket", "").HasField("asked_at")
    assert forced.job("bucket", "").HasField("asked_at"), "it goes on with nothing that was asked for before"


@pytest.mark.parametrize(
    ("of", "code"),
    [
        (SourceVersion(Source.photo("still"), "v1", "still.jpg"), "too_few_photos"),
        (SourceVersion(BURST.source, "v", "x", members=PHOTOS * 17), "too_many_photos"),
    ],
)
def test_one_photo_alone_and_hundreds_are_refused_with_what_would_do(of: SourceVersion, code: str) -> None:
    refusal = planned(ReconstructRequest(), of).refusal
    assert isinstance(refusal, Problem)
    assert refusal.code == code


@pytest.mark.parametrize("wish", [{"method": "magic"}, {"poses": "stars"}, {"quality": "best"}])
def test_what_there_is_not_is_refused_by_name(wish: dict[str, str]) -> None:
    [(name, value)] = wish.items()
    with pytest.raises(Problem, match=f"'{value}' is not one of") as refused:
        planned(ReconstructRequest(**wish), BURST)
    assert refused.value.code == f"invalid_{name}"


def test_nothing_is_sent_anywhere_without_a_yes_to_just_that() -> None:
    with pytest.raises(Problem, match="what it may cost") as refused:
        planned(ReconstructRequest(method="cloud"), BURST)
    assert refused.value.code == "consent_required"
    with pytest.raises(Problem, match="use another method") as refused:
        planned(ReconstructRequest(method="cloud", sends=True), BURST)
    assert refused.value.code == "cloud_off"
    spec = planned(ReconstructRequest(method="cloud", sends=True), BURST, sends_to="https://trainer.example")
    masked = ReconstructRequest(method="cloud", sends=True, mask_moving=True)
    assert planned(masked, BURST, sends_to="https://trainer.example").id == spec.id, "nothing is masked elsewhere"
    told = params_of(spec.job("b", ""))
    assert (told["method"], told["sendsTo"]) == ("cloud", "https://trainer.example")


def test_a_scene_is_completed_from_its_splat_and_cameras_as_an_asset_beside_it() -> None:
    scene = a_scene("cameras", "views")
    spec = asked(InpaintRequest(method="fill", iterations=100), scene, used=scene)
    assert {role: ref.key for role, ref in spec.inputs.items()} == {"splat": "splat", "cameras": "cameras"}
    job = spec.job("b", "")
    assert (params_of(job)["method"], params_of(job)["modelKey"]) == ("fill", "gaussians")
    assert job.recipes[SPLAT] != scene.recipe
    again = asked(InpaintRequest(method="fill", iterations=100), a_scene("cameras", recipe="another"), used=a_scene())
    assert again.id == spec.id
    assert asked(InpaintRequest(method="lama"), scene, used=scene).id != spec.id


def test_a_scene_that_was_made_anew_is_completed_anew() -> None:
    scene = a_scene("cameras")
    before = asked(InpaintRequest(method="fill"), scene, used=scene)
    scene.files[0].sha256 = "another"
    assert asked(InpaintRequest(method="fill"), scene, used=scene).id != before.id
    scene.files.append(scene.files[0].model_copy(update={"name": "splat.ply", "format": "ply", "sha256": "raw"}))
    with_ply = asked(InpaintRequest(method="fill"), scene, used=scene)
    assert with_ply.inputs["splat"].sha256 == "raw"
    scene.files.pop()
    assert asked(InpaintRequest(method="fill"), scene, used=scene).id == with_ply.id, "though the raw PLY is gone"


def test_what_was_filled_without_weights_is_completed_anew_once_better_ones_are_here() -> None:
    scene = a_scene("cameras")

    def answers(request: InpaintRequest, since: datetime | None, method: str) -> bool:
        own = asked(request, scene, used=scene).recipes[SPLAT]
        of = scene_version(scene.source.id, "summer")
        made = entry_of(a_scene(model_key=f"gaussians-inpainted-{method}", recipe=own))
        facts = known(of, used=scene, assets=[made])
        lama = replace(facts.models["lama"], state="ready", since=since, accepted=None)
        return bool(request.plan(replace(facts, models={**facts.models, "lama": lama})).existing)

    later = MADE_AT + timedelta(days=1)
    assert answers(InpaintRequest(), None, "fill")
    assert not answers(InpaintRequest(), later, "fill")
    assert not answers(InpaintRequest(method="auto"), later, "joint-multiview")
    assert answers(InpaintRequest(), later, "lama")
    assert answers(InpaintRequest(method="fill"), later, "fill"), "that one was asked for by name"


def test_a_photos_splat_is_completed_as_its_camera_saw_it() -> None:
    splat = a_scene(model_key="lift-heuristic")
    assert "camera" not in params_of(asked(InpaintRequest(), splat, used=splat).job("b", ""))
    splat.details["camera"] = {
        "fx": 80,
        "fy": 80,
        "cx": 48,
        "cy": 36,
        "width": 96,
        "height": 72,
        "focal_source": "exif",
    }
    told = params_of(asked(InpaintRequest(), splat, used=splat).job("b", ""))
    assert told["camera"] == {"fx": 80, "fy": 80, "cx": 48, "cy": 36, "width": 96, "height": 72}
    splat.details["camera"]["height"] = -1
    assert "camera" not in params_of(asked(InpaintRequest(), splat, used=splat).job("b", ""))


def test_what_was_completed_already_is_completed_again_only_where_it_is_named() -> None:
    plain, filled = entry_of(a_scene()), entry_of(a_scene(model_key="gaussians-inpainted-fill"))
    assert [InpaintRequest().may_use(one) for one in (plain, filled)] == [True, False]
    named = InpaintRequest(model="gaussians-inpainted-fill")
    assert [named.may_use(one) for one in (plain, filled)] == [False, True]
    index = AssetIndex()
    for entry in (filled, plain):
        index.put(entry)
    assert [one.model_key for one in index.of(plain.source)] == ["gaussians", "gaussians-inpainted-fill"]


def test_of_what_has_no_splat_nothing_is_completed() -> None:
    with pytest.raises(Problem, match="make that first") as refused:
        InpaintRequest().plan(known(PHOTOS[0]))
    assert refused.value.code == "nothing_to_complete"


def test_a_dataset_is_packed_once_and_only_of_what_keeps_its_pictures() -> None:
    spec = asked(DatasetRequest(), a_scene("cameras", "views"))
    assert [*spec.inputs] == ["splat", "views"]
    assert spec.existing == ()
    packed = a_scene("views", "dataset")
    assert asked(DatasetRequest(), packed).existing == (entry_of(packed),)
    with pytest.raises(Problem) as refused:
        asked(DatasetRequest(), a_scene())
    assert refused.value.code == "no_views"


def test_a_completed_splat_of_a_photo_is_outdated_once_the_photo_is_another() -> None:
    manifest = a_scene(model_key="sharp-inpainted-fill")
    assert not is_outdated(manifest, manifest.source_version)
    assert is_outdated(manifest, "another")


POSE = [[1, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def given(*names: str, **more: Any) -> GivenCameras:
    frames = [{"file_path": f"images/{name}", "transform_matrix": POSE} for name in names]
    return GivenCameras.model_validate(
        {"fl_x": 300, "w": 320, "h": 240, "ply_file_path": "x.ply", "frames": frames, **more}
    )


def test_given_cameras_go_with_the_photos_of_their_names_and_are_part_of_what_a_scene_is() -> None:
    request = ReconstructRequest(poses="given", cameras=given("photo-3.jpg", "photo-1", "another.jpg"))
    spec = planned(request, BURST)
    told = json.loads(spec.carried["transforms"])
    assert [frame["file_path"] for frame in told["frames"]] == ["photo_001", "photo_003"]
    assert (told["fl_x"], told["w"], "ply_file_path" in told) == (300, 320, False)
    assert spec.id == planned(ReconstructRequest(poses="given", cameras=given("photo-1.jpg", "photo-3.jpg")), BURST).id
    moved = given("photo-1.jpg", "photo-3.jpg", fl_x=310)
    others = [ReconstructRequest(), ReconstructRequest(poses="given", cameras=moved)]
    assert len({spec.id, *(planned(one, BURST).id for one in others)}) == 3
    assert planned(ReconstructRequest(), BURST).carried == {}


def test_given_cameras_may_name_photos_by_their_ids() -> None:
    frames = [{"photo_id": one, "transform_matrix": POSE} for one in ("photo-2", "photo-11")]
    spec = planned(PointsRequest(poses="given", cameras=GivenCameras.model_validate({"frames": frames})), BURST)
    told = json.loads(spec.carried["transforms"])
    assert [frame["file_path"] for frame in told["frames"]] == ["photo_002", "photo_011"]


def test_given_cameras_of_pictures_that_were_saved_in_another_format_are_those_of_the_photos() -> None:
    told = json.loads(given("photo-1.png", "photo-3.png", "photo-3.jpg").of(BURST.members))
    assert [frame["file_path"] for frame in told["frames"]] == ["photo_001", "photo_003"]


@pytest.mark.parametrize(
    "lens",
    [{"fl_x": 0.5}, {"fl_y": 1e7}, {"k1": -101}, {"p2": 101}, {"cx": 1e7}, {"cy": -1e7}, {"k3": float("nan")}],
)
def test_a_lens_that_no_camera_has_is_refused(lens: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(lens))):
        given("photo-1.jpg", "photo-2.jpg", **lens)


@pytest.mark.parametrize(
    ("request_", "of", "words"),
    [
        (ReconstructRequest(poses="given"), BURST, "go together"),
        (ReconstructRequest(cameras=given("photo-1.jpg", "photo-2.jpg")), BURST, "go together"),
        (ReconstructRequest(poses="given", cameras=given("photo-1.jpg", "photo-2.jpg")), FILM, "not of a video"),
        (ReconstructRequest(poses="given", cameras=given("photo-1.jpg", "else.jpg")), BURST, "1 of these photos have"),
        (ReconstructRequest(poses="given", cameras=given("photo-1.jpg", "photo-1.jpg")), BURST, "has two cameras"),
    ],
)
def test_cameras_that_are_not_those_of_the_photos_are_refused(
    request_: PlaceRequest, of: SourceVersion, words: str
) -> None:
    with pytest.raises(Problem, match=words):
        planned(request_, of)


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 0, 0, 0]] * 4, [[0] * 4] * 4, [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [*POSE[:3], [0, 0, 0, 2]],
        [[-1, 0, 0, 0], *POSE[1:]], [[2, 0, 0, 0], *POSE[1:]], [[float("inf"), 0, 0, 0], *POSE[1:]],
        [[1, 0, 0, "x"], *POSE[1:]], [[1, 0, 0, 2e6], *POSE[1:]],
    ],
)  # fmt: skip
def test_a_matrix_that_is_no_pose_is_refused_by_its_place(matrix: Any) -> None:
    frames = [{"file_path": "photo-1.jpg", "transform_matrix": POSE}, {"file_path": "b", "transform_matrix": matrix}]
    with pytest.raises(ValidationError, match=r"frames\.1\.transform_matrix"):
        GivenCameras.model_validate({"frames": frames})


def test_a_scene_is_outdated_once_its_photos_or_what_makes_scenes_have_changed() -> None:
    wishes: list[tuple[PlaceRequest, str]] = [
        (ReconstructRequest(quality="draft", mask_moving=True), SPLAT), (PointsRequest(), POINTS),
        (ReconstructRequest(poses="given", cameras=given("photo-1.jpg", "photo-3.jpg")), SPLAT),
    ]  # fmt: skip
    for request, kind in wishes:
        spec = planned(request, BURST)
        made = a_scene(recipe=spec.recipes[kind]).model_copy(
            update={"kind": kind, "params": json_format.MessageToDict(spec.params)}
        )
        assert not is_outdated_scene(made, BURST.version)
        assert is_outdated_scene(made, "another")
        assert is_outdated_scene(made.model_copy(update={"recipe": "of the release before"}), BURST.version)


def test_where_the_library_has_pictures_that_may_stand_in_a_worker_tells_what_it_cannot_decode() -> None:
    for request in (ReconstructRequest(), PointsRequest()):
        assert planned(request, BURST, has_stand_ins=True).grants.stand_ins
        assert not planned(request, BURST).grants.stand_ins

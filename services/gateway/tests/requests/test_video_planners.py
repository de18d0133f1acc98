"""What is asked for of videos, and the jobs it comes to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr_common.grants import params_of
from immichvr_common.manifests import AssetFile, Manifest
from immichvr_common.sources import Source
from immichvr_gateway.assets.index import AssetEntry, AssetIndex, entry_of
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.models.catalog import ModelStatus
from immichvr_gateway.models.records import ModelRecord
from immichvr_gateway.requests.extending import choose
from immichvr_gateway.requests.planning import Known
from immichvr_gateway.requests.recipes import is_outdated
from immichvr_gateway.requests.spec import SourceVersion
from immichvr_gateway.requests.stereo import StereoRequest
from immichvr_gateway.requests.video_depth import VideoDepthRequest
from immichvr_models import CacheSettings, registry

OF = SourceVersion(Source("video", "somevideo"), "35b5f888b847b701", "walk.mp4")
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
DEPTH = VideoDepthRequest(model="heuristic")


def known(assets: list[AssetEntry] | None = None, manifest: Manifest | None = None, **facts: Any) -> Known:
    models = {one.key: ModelStatus(one, ModelRecord(key=one.key), "downloadable", None, [], None) for one in registry}
    return Known(
        of=facts.pop("of", OF), assets=assets or [], models=models, model_settings=CacheSettings(), bucket="b",
        keeps_ply=False, extended=manifest and entry_of(manifest), manifest=manifest, **facts,
    )  # fmt: skip


def a_depth_video(*stereo: str, **wish: Any) -> Manifest:
    """The manifest of depth, with stereo files of these variants."""
    job = VideoDepthRequest(model="heuristic", **wish).plan(known()).job("b", "")
    roles = [("depth.mp4", "depth-video", "full"), ("depth.json", "frames", "full")]
    roles += [(f"{one}.mp4", "stereo", one) for one in stereo]
    files = [
        AssetFile(name=name, role=role, format="mp4", variant=variant, size=1, sha256=name, key=name, media_type="x/y")
        for name, role, variant in roles
    ]
    return Manifest(
        kind="depth-video", source=OF.source, source_version=OF.version, model_key="heuristic",
        requested_model="heuristic", recipe=job.recipes["depth-video"], params=params_of(job), files=files,
        created_at=MADE_AT, requested_at=MADE_AT, job_id=job.id, run=1, attempt=1,
    )  # fmt: skip


def test_stereo_that_is_wanted_too_follows_from_the_same_job() -> None:
    plain, more = DEPTH.plan(known()), VideoDepthRequest(model="heuristic", outputs=["depth", "half-sbs", "full-sbs"])
    spec = more.plan(known())
    assert spec.id == plain.id == f"video-depth-somevideo-{plain.recipes['depth-video']}"
    assert plain.then == ()
    assert [(one.kind, one.request) for one in spec.then] == [
        ("stereo", {"layout": "full-sbs"}), ("stereo", {"layout": "half-sbs"}),
    ]  # fmt: skip
    assert spec.stages_source
    assert spec.job("b", "").deadline_s == 12 * 3600


def test_a_part_and_another_codec_are_other_assets_and_the_whole_video_is_no_part() -> None:
    wishes: list[dict[str, Any]] = [
        {},
        {"range": {"from_s": 1}},
        {"range": {"from_s": 1, "to_s": 2}},
        {"codec": "h264"},
    ]
    assert len({VideoDepthRequest(**one).plan(known()).id for one in wishes}) == len(wishes)
    assert VideoDepthRequest(range={"from_s": 0}).plan(known()).id == VideoDepthRequest().plan(known()).id


def test_the_codec_that_is_usual_is_the_same_asset_named_or_not() -> None:
    assert VideoDepthRequest(codec="hevc").plan(known()).id == VideoDepthRequest().plan(known()).id


def test_what_was_made_by_the_same_recipe_answers_and_is_outdated_once_the_video_changes() -> None:
    for wish in ({}, {"codec": "h264"}, {"range": {"from_s": 1, "to_s": 2}}):
        manifest = a_depth_video(**wish)  # type: ignore[arg-type]
        entry = entry_of(manifest)
        asked = VideoDepthRequest(model="heuristic", **wish)  # type: ignore[arg-type]
        assert asked.plan(known([entry])).existing == (entry,)
        assert asked.model_copy(update={"force": True}).plan(known([entry])).existing == ()
        assert not is_outdated(manifest, OF.version)
        assert is_outdated(manifest, "another version")


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"model": "sharp"}, "invalid_model"),
        ({"outputs": ["hologram"]}, "invalid_output"),
        ({"codec": "vp9"}, "invalid_codec"),
        ({"range": {"from_s": 5, "to_s": 5}}, "invalid_request"),
    ],
)
def test_what_there_is_not_is_refused_before_anything_is_looked_at(wish: dict[str, Any], code: str) -> None:
    with pytest.raises(Problem) as refused:
        VideoDepthRequest(**wish).check()
    assert (refused.value.status, refused.value.code) == (422, code)


def test_stereo_is_made_of_the_depth_that_is_there_and_of_the_part_that_it_is_of() -> None:
    manifest = a_depth_video(range={"from_s": 1, "to_s": 2})
    spec = StereoRequest(layout="over-under", baseline=3).plan(known(manifest=manifest))
    assert {role: ref.key for role, ref in spec.inputs.items()} == {"depth": "depth.mp4", "frames": "depth.json"}
    assert params_of(spec.job("b", "")) == {
        "layout": "over-under", "modelKey": "heuristic", "baseline": 3.0, "label": "over-under.baseline-3",
        "range": {"fromS": 1.0, "toS": 2.0},
    }  # fmt: skip
    assert spec.refusal is None
    staged = ObjectRef(bucket="b", key="sources/somevideo/v")
    assert StereoRequest().plan(known(manifest=manifest, staged=staged)).inputs["source"] == staged


def test_what_is_made_of_all_of_a_video_comes_before_a_part_of_it_however_it_was_made() -> None:
    index = AssetIndex()
    keys = ("heuristic-part-5000-end", "vda-small-av1-part-1000-2000", "heuristic-h264", "heuristic")
    for key in keys:
        index.put(entry_of(a_depth_video().model_copy(update={"model_key": key})))
    there_are = index.of(OF.source)
    assert tuple(one.model_key for one in there_are) == keys[::-1]
    assert choose(known(there_are), "depth-video", "auto").model_key == "heuristic"
    assert choose(known(there_are[2:]), "depth-video", "auto").model_key == "vda-small-av1-part-1000-2000"
    assert choose(known(there_are), "depth-video", "heuristic-part-5000-end") == there_are[3]


def test_stereo_that_is_there_answers_and_of_a_video_that_has_changed_none_is_made() -> None:
    manifest = a_depth_video("full-sbs")
    assert StereoRequest().plan(known(manifest=manifest)).existing == (entry_of(manifest),)
    assert StereoRequest(comfort=1).plan(known(manifest=manifest)).existing == ()
    changed = SourceVersion(OF.source, "another version", OF.name)
    refusal = StereoRequest(layout="half-sbs").plan(known(manifest=manifest, of=changed)).refusal
    assert isinstance(refusal, Problem)
    assert refusal.code == "changed"

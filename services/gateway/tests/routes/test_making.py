"""Asking for depth, splats and conversions, and what answers."""

import asyncio

from immichvr_catalog import ASSETS
from immichvr_common.manifests import read_manifest
from immichvr_common.sources import Source
from immichvr_gateway.library import Content, FolderLibrary, Identity
from immichvr_gateway.requests.conversion import FORMATS
from immichvr_gateway.requests.depth import DEPTH_MODELS
from immichvr_gateway.requests.splat import SPLAT_MODELS
from PIL import Image

SPHERE = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
    b'GPano:ProjectionType="equirectangular"/></rdf:RDF></x:xmpmeta>'
)


async def test_asking_for_depth_leads_to_a_job_and_its_asset(gateway, workers, live) -> None:
    answer = await gateway.post("beach.jpg", "depth", model="auto")
    assert answer.status_code == 202
    job = answer.json()["job"]
    assert (job["kind"], job["state"], job["requesters"]) == ("depth", "queued", ["local"])
    assert answer.headers["location"] == f"/api/jobs/{job['id']}"
    await live.job(job["id"], "succeeded")
    ended = (await gateway.get(answer.headers["location"])).json()
    assert (ended["state"], ended["outputs"], ended["error"]) == ("succeeded", ["depth-heuristic"], None)
    assert [step["stage"] for step in ended["timeline"]] == ["queued", "staged", "decoded", "stored"]
    assert all(step["seconds"] >= 0 for step in ended["timeline"])
    photo = (await gateway.get(f"/api/photos/{job['photo_id']}")).json()
    assert photo["badges"] == {"depth": True, "splat": False, "depth-video": False, "motion": False, "points": False}
    assert [asset["key"] for asset in photo["assets"]] == ["depth-heuristic"]


async def test_depth_with_points_is_another_recipe_and_answers_for_depth_alone(gateway, workers, live) -> None:
    plain = await gateway.make(live, "beach.jpg", "depth", model="heuristic")
    job = await gateway.make(live, "beach.jpg", "depth", model="heuristic", points=True)
    assert job["id"] != plain["id"]
    assert job["params"] == {"model": "heuristic", "points": True}
    [asset] = (await gateway.get(f"/api/photos/{job['photo_id']}/assets")).json()["assets"]
    assert (asset["params"]["points"], asset["outdated"]) == (True, False)
    for points in (True, False):
        assert (await gateway.post("beach.jpg", "depth", model="heuristic", points=points)).status_code == 200


async def test_a_splat_comes_with_its_depth_and_says_what_made_it(gateway, workers, live) -> None:
    job = await gateway.make(live, "beach.jpg", "splat", model="lift-heuristic")
    assert job["outputs"] == ["splat-lift-heuristic", "depth-heuristic"]
    photo_id = gateway.ids["beach.jpg"]
    depth, splat = (await gateway.get(f"/api/photos/{photo_id}/assets")).json()["assets"]
    assert (splat["key"], splat["requested_model"], splat["outdated"]) == (
        "splat-lift-heuristic", "lift-heuristic", False,
    )  # fmt: skip
    assert splat["camera"]["width"] == 8
    assert (depth["depth"], depth["metric"]) == ({"near": 1.0, "far": 9.0, "metric": False}, False)
    assert depth["reason"] == "nothing else is here"
    [spz, ply] = splat["files"]
    assert (spz["url"], spz["download_name"]) == (
        f"/api/photos/{photo_id}/assets/splat-lift-heuristic/splat.spz", "beach_lift-heuristic.spz",
    )  # fmt: skip
    assert (ply["role"], ply["format"], ply["variant"]) == ("splat", "ply", "full")
    made = {"depth": ["heuristic"], "splat": ["lift-heuristic"]}
    assert (await gateway.get("/api/assets/map")).json() == {
        "status": "success", "count": 1, "map": {photo_id: {kind: made.get(kind, []) for kind in ASSETS}},
    }  # fmt: skip


async def test_what_is_not_made_of_the_original_says_of_what(serving, settings, photos, tmp_path, workers) -> None:
    class Edited(FolderLibrary):
        async def source(self, who: Identity, item: Source) -> Content:
            content = await super().source(who, item)
            content.note = "the picture as edited elsewhere"
            return content

    async with serving(settings, Edited(photos, tmp_path / "cache")) as gateway, gateway.listening() as live:
        listed = (await gateway.get("/api/photos")).json()["items"]
        gateway.ids = {photo["name"]: photo["id"] for photo in listed}
        await gateway.make(live, "beach.jpg", "splat", model="lift-heuristic")
        for asset in (await gateway.get(f"/api/photos/{gateway.ids['beach.jpg']}/assets")).json()["assets"]:
            assert asset["losses"][0] == "the picture as edited elsewhere"


async def test_a_photo_sphere_is_refused_before_any_work_and_shown_all_the_same(gateway, photos) -> None:
    Image.new("RGB", (64, 32), "teal").save(photos / "beach.jpg", xmp=SPHERE)
    for what in ("depth", "splat"):
        answer = await gateway.post("beach.jpg", what)
        assert (answer.status_code, answer.json()["code"]) == (422, "not_flat")
        assert "equirectangular" in answer.json()["detail"]
    assert (await gateway.get("/api/jobs")).json()["items"] == []
    assert (await gateway.get(f"/api/photos/{gateway.ids['beach.jpg']}/thumbnail")).status_code == 200


async def test_what_exists_answers_at_once_and_force_makes_it_anew(gateway, workers, live, studio) -> None:
    first = await gateway.make(live, "beach.jpg", "depth")
    again = await gateway.post("beach.jpg", "depth", model="auto")
    assert (again.status_code, again.json()["job"]["state"]) == (200, "succeeded")
    assert (await gateway.get(again.headers["location"])).json()["id"] == first["id"]
    forced = await gateway.make(live, "beach.jpg", "depth", force=True)
    assert (forced["id"], forced["run"], forced["state"]) == (first["id"], 2, "succeeded")
    assert forced["progress"]["fraction"] == 1
    assert len((studio / "starts").read_text().splitlines()) == 2
    [asset] = (await gateway.get(f"/api/photos/{first['photo_id']}/assets")).json()["assets"]
    assert asset["created_at"] > first["updated_at"]


async def test_twenty_requests_at_once_are_one_job_with_one_run(gateway, workers, live, studio) -> None:
    answers = await asyncio.gather(*(gateway.post("beach.jpg", "splat", model="auto") for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({answer.json()["job"]["id"] for answer in answers}) == 1
    await live.job(answers[0].json()["job"]["id"], "succeeded")
    assert len((studio / "starts").read_text().splitlines()) == 1


async def test_the_same_recipe_for_another_model_is_another_job(gateway, workers, live) -> None:
    auto = await gateway.make(live, "beach.jpg", "depth", model="auto")
    heuristic = await gateway.make(live, "beach.jpg", "depth", model="heuristic")
    assert auto["id"] != heuristic["id"]
    [asset] = (await gateway.get(f"/api/photos/{auto['photo_id']}/assets")).json()["assets"]
    assert asset["requested_model"] == "heuristic"


async def test_values_that_are_not_accepted_are_refused_with_those_that_are(gateway, workers, live) -> None:
    await gateway.make(live, "hut.png", "splat")
    for what, wish, code, accepted in [
        ("depth", {"model": "magic"}, "invalid_model", DEPTH_MODELS),
        ("splat", {"model": "x"}, "invalid_model", SPLAT_MODELS),
        ("splat", {"quality": "best"}, "invalid_quality", ["full", "light", "medium"]),
        ("splat/convert", {"format": "obj"}, "invalid_format", list(FORMATS)),
        ("splat/convert", {"format": "sog", "options": {"spz_version": 3}}, "invalid_option", list(FORMATS["sog"])),
        ("splat/convert", {"format": "spz", "options": {"spz_version": 5}}, "invalid_spz_version", ["2", "3", "4"]),
        ("splat/levels", {"levels": ["tiny"]}, "invalid_level", ["preview", "medium", "full"]),
        ("splat/convert", {"format": "ply", "model": "lift-x"}, "invalid_model", ["auto", "lift-heuristic"]),
    ]:  # fmt: skip
        answer = await gateway.post("hut.png", what, **wish)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["accepted"]) == (422, code, accepted)
        assert all(value in problem["detail"] for value in accepted)


async def test_a_request_that_makes_no_sense_is_refused_before_anything_is_done(gateway, studio) -> None:
    for what, wish in [("depth", {"models": "auto"}), ("splat", {"force": "perhaps"}), ("splat/convert", {})]:
        answer = await gateway.post("beach.jpg", what, **wish)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    missing = await gateway.post("beach.jpg", "splat/convert", format="ply")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert "no splat yet" in missing.json()["detail"]
    for what in ("depth", "splat", "splat/convert"):
        answer = await gateway.client.post(
            f"/api/photos/{'0' * 24}/{what}", json={"format": "ply"} if "/" in what else {}
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await gateway.get("/api/jobs")).json()["items"] == []


async def test_a_file_without_a_byte_is_refused_at_once(gateway) -> None:
    answer = await gateway.post("empty.jpg", "splat")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_image")
    assert "empty.jpg" in answer.json()["detail"]


async def test_a_photo_that_cannot_be_decoded_fails_with_the_reason_and_shows_it(gateway, workers, live) -> None:
    job = await gateway.make(live, "fail-fog.jpg", "splat")
    assert (job["state"], job["error"]) == (
        "failed", {"code": "invalid_image", "message": "not an image", "retriable": False},
    )  # fmt: skip
    photo = (await gateway.get(f"/api/photos/{job['photo_id']}")).json()
    assert (photo["job"]["id"], photo["job"]["state"]) == (job["id"], "failed")
    again = await gateway.make(live, "fail-fog.jpg", "splat")
    assert (again["id"], again["run"]) == (job["id"], 2)


async def test_a_crash_is_tried_once_more_by_itself_and_then_told(gateway, workers, live, studio) -> None:
    answer = await gateway.post("crash-car.jpg", "depth")
    job = await live.job(answer.json()["job"]["id"], "failed")
    assert (job["error"]["code"], job["error"]["retriable"]) == ("worker_crashed", True)
    assert len((studio / "starts").read_text().splitlines()) == 2


async def test_converting_adds_a_file_to_the_splat_and_is_done_once(gateway, workers, live, storage) -> None:
    splat = await gateway.make(live, "beach.jpg", "splat")
    job = await gateway.make(live, "beach.jpg", "splat/convert", format="splat")
    assert (job["kind"], job["state"], job["outputs"]) == ("convert", "succeeded", ["splat-lift-heuristic"])
    await live.first("asset:created", lambda news: len(news["asset"]["files"]) == 3)
    assets = (await gateway.get(f"/api/photos/{splat['photo_id']}/assets")).json()["assets"]
    assert [file["name"] for file in assets[1]["files"]] == ["splat.spz", "splat.ply", "splat.splat"]
    again = await gateway.post("beach.jpg", "splat/convert", format="splat")
    assert (again.status_code, again.json()["job"]["id"]) == (200, job["id"])
    ready = await gateway.post("beach.jpg", "splat/convert", format="ply", model="lift-heuristic")
    assert (ready.status_code, ready.json()["job"]["state"]) == (200, "succeeded")
    assert (await gateway.get(ready.headers["location"])).json()["state"] == "succeeded"
    [manifest] = [key for key in await storage.list_keys("splats/") if key.endswith("manifest.json")]
    assert len((await read_manifest(storage, manifest))[0].files) == 3


async def test_a_conversion_with_options_is_a_file_of_its_own_and_exists_once(gateway, workers, live) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    wish = {"format": "spz", "options": {"spz_version": 4, "frame": "rub"}, "lod_count": 500}
    job = await gateway.make(live, "beach.jpg", "splat/convert", **wish)
    assert (job["kind"], job["state"]) == ("convert", "succeeded")
    splat = (await gateway.get(f"/api/photos/{job['photo_id']}/assets")).json()["assets"][1]
    made = {file["variant"]: file["name"] for file in splat["files"] if file["format"] == "spz"}
    label = "lod-500.frame-rub.spz-version-4"
    assert made == {"full": "splat.spz", label: f"splat.{label}.spz"}
    assert (await gateway.post("beach.jpg", "splat/convert", **wish)).status_code == 200
    assert (await gateway.post("beach.jpg", "splat/convert", format="spz")).status_code == 200


async def test_levels_are_a_job_whose_index_is_a_file_of_the_splat(gateway, workers, live) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    job = await gateway.make(live, "beach.jpg", "splat/levels", levels=["preview"], counts=[5000])
    assert (job["kind"], job["state"], job["params"]["label"]) == ("lod", "succeeded", "levels-5000,preview")
    splat = (await gateway.get(f"/api/photos/{job['photo_id']}/assets")).json()["assets"][1]
    assert [file["name"] for file in splat["files"] if file["role"] == "levels"] == ["levels.json"]
    again = await gateway.post("beach.jpg", "splat/levels", levels=["preview"], counts=[5000])
    assert again.status_code == 200
    index = f"/api/photos/{job['photo_id']}/assets/{splat['key']}/levels.json"
    assert (await gateway.get(index)).json()["levels"] == ["preview"]
    await gateway.make(live, "beach.jpg", "splat/levels", levels=["medium"])
    assert (await gateway.get(index)).json()["levels"] == ["medium"]
    anew = await gateway.make(live, "beach.jpg", "splat/levels", levels=["preview"], counts=[5000])
    assert (anew["id"], anew["run"]) == (job["id"], 2)
    assert (await gateway.get(index)).json()["levels"] == ["preview"]
    both = await gateway.post("beach.jpg", "splat/levels", levels=["preview"], tile_gaussians=1000)
    assert (both.status_code, both.json()["code"]) == (422, "invalid_request")


async def test_light_quality_ends_when_the_light_variant_exists_too(gateway, workers, live) -> None:
    answer = await gateway.post("beach.jpg", "splat", quality="light")
    job_id = answer.json()["job"]["id"]
    await live.job(job_id, "succeeded")
    photo_id = gateway.ids["beach.jpg"]
    assets = (await gateway.get(f"/api/photos/{photo_id}/assets")).json()["assets"]
    light = [file for file in assets[1]["files"] if file["variant"] == "light"]
    assert [(file["name"], file["format"]) for file in light] == [("splat.light.spz", "spz")]
    assert light[0]["download_name"] == "beach_lift-heuristic.light.spz"
    updates = live.updates(job_id)
    assert [update["state"] for update in updates][-1] == "succeeded"
    assert len(updates) < 10
    again = await gateway.post("beach.jpg", "splat", quality="light")
    assert again.status_code == 200


async def test_light_quality_of_a_splat_that_exists_is_a_conversion(gateway, workers, live) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    job = await gateway.make(live, "beach.jpg", "splat", quality="light")
    assert (job["kind"], job["state"]) == ("convert", "succeeded")

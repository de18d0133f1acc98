"""Jobs of any kind, asked for through one door."""

from typing import Any

import pytest
from immichvr_gateway.requests.asking import PLANNERS
from immichvr_gateway.routes.jobs import JobWanted


async def test_a_job_asked_for_by_its_kind_is_the_one_that_the_photos_own_door_gives(gateway, workers, live) -> None:
    photo_id = gateway.ids["beach.jpg"]
    wanted = {"kind": "depth", "source": {"kind": "photo", "id": photo_id}, "params": {"model": "heuristic"}}
    answer = await gateway.client.post("/api/jobs", json=wanted)
    job = answer.json()["job"]
    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/jobs/{job['id']}")
    assert (await live.job(job["id"]))["state"] == "succeeded"
    again = await gateway.post("beach.jpg", "depth", model="heuristic")
    assert (again.status_code, again.json()["job"]["id"]) == (200, job["id"])
    assert (await gateway.client.post("/api/jobs", json=wanted)).status_code == 200


async def test_what_there_is_not_is_refused_in_words(gateway) -> None:
    photo = {"id": gateway.ids["beach.jpg"]}
    for wanted, status, code in [
        ({"kind": "dream", "source": photo}, 422, "invalid_kind"),
        ({"kind": "depth", "source": {"kind": "sound", "id": "x"}}, 422, "invalid_source_kind"),
        ({"kind": "depth", "source": {"kind": "video", "id": "x"}}, 422, "invalid_source_kind"),
        ({"kind": "depth", "source": {"id": "0" * 24}}, 404, "not_found"),
        ({"kind": "depth", "source": photo, "params": {"models": "auto"}}, 422, "invalid_request"),
        ({"kind": "splat", "source": photo, "params": {"quality": "best"}}, 422, "invalid_quality"),
        ({"kind": "convert", "source": photo, "params": {"format": "ply"}}, 404, "not_found"),
    ]:
        answer = await gateway.client.post("/api/jobs", json=wanted)
        assert (answer.status_code, answer.json()["code"]) == (status, code), wanted
        assert answer.json()["detail"]


@pytest.mark.parametrize("kind", sorted(PLANNERS))
def test_the_description_wants_a_source_s_kind_told_where_it_is_no_photo(kind: str) -> None:
    (described,) = [one for one in _kinds() if one["properties"]["kind"]["const"] == kind]
    about = described["properties"]["source"]
    assert ("kind" in about.get("required", [])) == ("photo" not in about["properties"]["kind"]["enum"])


def _kinds() -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = JobWanted.model_json_schema()["oneOf"]
    return kinds

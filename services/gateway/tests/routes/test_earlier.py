"""The routes of the project before, in its shapes."""

from __future__ import annotations


async def test_a_client_of_before_makes_lists_fetches_and_deletes(gateway, workers, live) -> None:
    photo = f"/api/assets/{gateway.ids['beach.jpg']}"
    asked = await gateway.client.post(f"{photo}/generate", json={"type": "splat", "modelKey": "lift-heuristic"})
    assert (asked.status_code, asked.json()["status"]) == (202, "queued")
    job = asked.json()["job"]
    assert asked.headers["location"] == f"/api/jobs/{job['id']}"
    await live.job(job["id"], "succeeded")
    again = await gateway.client.post(f"{photo}/generate", json={"type": "splat", "modelKey": "lift-heuristic"})
    assert (again.status_code, again.json()["status"]) == (200, "success")
    converted = await gateway.client.post(f"{photo}/convert", json={"from": "ply", "to": "ksplat"})
    await live.job(converted.json()["job"]["id"], "succeeded")

    listed = (await gateway.get(f"{photo}/files")).json()
    assert (listed["status"], listed["count"]) == ("success", len(listed["files"]))
    rows = {(row["asset_type"], row["format"]): row for row in listed["files"]}
    row = rows["splat", "ksplat"]
    assert (row["media_item_id"], row["model_key"]) == (gateway.ids["beach.jpg"], "lift-heuristic")
    assert ("depth", "splat") not in rows and {kind for kind, _ in rows} == {"depth", "splat"}
    file = await gateway.get(f"{photo}/files/{row['id']}")
    assert (file.status_code, len(file.content)) == (200, row["file_size"])
    assert (await gateway.get(row["file_path"])).content == file.content
    saved = await gateway.get(f"{photo}/files/{row['id']}/download")
    assert saved.headers["content-disposition"].startswith("attachment")

    assert (await gateway.client.delete(f"{photo}/files/{row['id']}")).json() == {"status": "success"}
    left = (await gateway.get(f"{photo}/files")).json()["files"]
    assert {one["asset_type"] for one in left} == {"depth"}
    for path in (f"{photo}/files/{row['id']}", "/api/assets/none/files"):
        assert (await gateway.get(path)).status_code == 404

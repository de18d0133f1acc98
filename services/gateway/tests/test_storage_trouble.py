"""What people hear when storage is full, refuses, or has lost or damaged what they ask for."""

from collections.abc import Iterator

import pytest
from immichvr_common import storage_verdicts
from immichvr_common.testing.obstinate import INTERNAL, ObstinateS3, obstinate_s3


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObstinateS3]:
    monkeypatch.setattr(storage_verdicts, "_WRITE_AGAIN_S", (0.05, 0.05))
    with obstinate_s3() as server:
        yield server


@pytest.fixture
def weed(s3: ObstinateS3) -> ObstinateS3:
    """What the gateway and its workers take for SeaweedFS."""
    return s3


async def test_a_damaged_file_is_named_and_not_promised_for_later(gateway, workers, live, s3: ObstinateS3) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    url = f"/api/photos/{gateway.ids['beach.jpg']}/assets/splat-lift-heuristic/splat.spz"
    s3.broken |= {key for key in s3.objects if key.endswith("splat.spz")}
    answer = await gateway.get(url)
    assert (answer.status_code, answer.json()["code"]) == (502, "corrupt_object")
    assert "splat.spz is damaged" in answer.json()["detail"]
    assert "retry-after" not in answer.headers


async def test_a_request_that_storage_has_no_room_for_says_so(gateway, s3: ObstinateS3) -> None:
    s3.writes = INTERNAL
    answer = await gateway.post("beach.jpg", "splat")
    assert (answer.status_code, answer.json()["code"], answer.json()["where"]) == (507, "storage_full", "s3")
    assert "make room" in answer.json()["detail"]
    s3.writes = None
    assert (await gateway.post("beach.jpg", "splat")).status_code == 202


async def test_a_request_that_storage_refuses_says_why(gateway, s3: ObstinateS3) -> None:
    s3.writes = (403, "AccessDenied", "Access Denied.")
    answer = await gateway.post("beach.jpg", "splat")
    assert (answer.status_code, answer.json()["code"]) == (502, "storage_refused")
    assert "AccessDenied" in answer.json()["detail"]

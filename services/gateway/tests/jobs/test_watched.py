"""What jobs have made so far: read seldom, and of what workers wrote only what can be so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from immichvr_common.parts import Part, parse_index
from immichvr_common.storage import ObjectStore
from immichvr_gateway.jobs.watched import WatchedParts, seconds_of

PREFIX = "parts/video-depth-somevideo-r/1"
LAYOUT = {"width": 400, "height": 96, "colour": [0, 0, 160, 96], "depth": [192, 0, 160, 96]}


def part(name: str, **more: Any) -> dict[str, Any]:
    of_it = {"name": name, "key": f"{PREFIX}/1-{name}", "size": 3, "sha256": "0" * 64, "media_type": "video/mp4"}
    return of_it | more


async def write(store: ObjectStore, *parts: dict[str, Any]) -> None:
    await store.put_bytes(f"{PREFIX}/index.json", json.dumps({"parts": parts}).encode(), "application/json")


@pytest.mark.parametrize(
    "wrong",
    [
        part("00001.m4s", key="splats/another_person/secret.spz"),
        part("00001.m4s", key=f"{PREFIX}/1-00002.m4s"),
        part("00001.m4s", key=f"{PREFIX}/2-00001.m4s"),
        part("00001.m4s", facts={"from_s": "soon"}),
        part("00001.m4s", facts={"from_s": 0, "to_s": float("nan")}),
        part("00001.m4s", facts={"from_s": True}),
        part("00001.m4s", resumes=True),
    ],
)
async def test_what_lies_elsewhere_or_has_no_seconds_is_left_out(storage: ObjectStore, wrong: dict[str, Any]) -> None:
    right = part("00002.m4s", key=f"{PREFIX}/0-00002.m4s", facts={"from_s": 1, "to_s": 2.5})
    await write(storage, wrong, right, part("init.mp4", facts={"rgbd": LAYOUT}))
    watched = await WatchedParts(storage).under(PREFIX)
    assert [(one.name, seconds_of(one)) for one in watched.parts] == [("init.mp4", (0, 0)), ("00002.m4s", (1, 2.5))]
    assert watched.layout == LAYOUT


@pytest.mark.parametrize("layout", [float("inf"), {"width": float("nan")}, "wide", {"width": "9" * 5000}])
async def test_a_layout_that_is_none_is_not_told(storage: ObjectStore, layout: Any) -> None:
    await write(storage, part("init.mp4", facts={"rgbd": layout}))
    assert (await WatchedParts(storage).under(PREFIX)).layout is None


async def test_storage_is_asked_once_a_second_and_the_same_is_not_read_again(
    storage: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked, parsed = [100.0], list[str](), list[bytes]()
    get_bytes = storage.get_bytes

    async def counted(key: str, limit: int = 0) -> Any:
        asked.append(key)
        return await get_bytes(key, limit)

    def parse(data: bytes, prefix: str) -> list[Part]:
        parsed.append(data)
        return parse_index(data, prefix)

    monkeypatch.setattr("immichvr_gateway.jobs.watched.parse_index", parse)
    monkeypatch.setattr(storage, "get_bytes", counted)
    await write(storage, part("00001.m4s"))
    reader = WatchedParts(storage, lambda: now[0])
    for _ in range(3):
        assert len((await reader.under(PREFIX)).parts) == 1
    assert (len(asked), len(parsed)) == (1, 1)
    now[0] += 2
    await reader.under(PREFIX)
    assert (len(asked), len(parsed)) == (2, 1)
    await write(storage, part("00001.m4s"), part("00002.m4s"))
    now[0] += 2
    assert len((await reader.under(PREFIX)).parts) == 2
    assert (len(asked), len(parsed)) == (3, 2)

"""What workers read is brought from the library by parts, once for each version of it, and bounded by its kind."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
from immichvr_catalog import VIDEO
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import FolderLibrary, Identity
from immichvr_gateway.requests.spec import SourceVersion
from immichvr_gateway.requests.staging import Stager
from immichvr_gateway.settings import LimitSettings, RetentionSettings

ME = Identity.local()


@pytest.fixture
async def library(tmp_path: Path):
    (tmp_path / "videos").mkdir()
    library = FolderLibrary(tmp_path / "videos", tmp_path / "cache")
    yield library
    await library.close()


@pytest.fixture
def stager(library: FolderLibrary, storage: ObjectStore) -> Stager:
    return Stager(library, storage, LimitSettings(video_megabytes=40), RetentionSettings(), lambda who, source: None)


async def the_video(library: FolderLibrary, tmp_path: Path, data: bytes):
    (tmp_path / "videos/clip.mov").write_bytes(data)
    [video] = (await library.items(VIDEO, ME, None, 10)).items
    return video


async def test_a_video_of_many_parts_is_staged_without_a_copy_on_this_machine(
    stager, library, storage, tmp_path, monkeypatch
) -> None:
    def no_files(*_: object, **__: object) -> None:
        raise AssertionError("nothing is copied here")

    data = random.Random(1).randbytes(35_000_000)
    video = await the_video(library, tmp_path, data)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", no_files)
    monkeypatch.setattr("tempfile.TemporaryFile", no_files)
    staged, again = await asyncio.gather(*(stager.stage(ME, SourceVersion.of_item(video)) for _ in range(2)))
    assert staged == again
    assert (staged.ref.media_type, staged.ref.size, staged.note) == ("video/quicktime", len(data), "")
    assert b"".join([chunk async for chunk in storage.stream(staged.ref.key)]) == data
    assert await storage.list_keys("sources/") == [staged.ref.key]


async def test_a_video_beyond_its_limit_leaves_nothing(stager, library, storage, tmp_path) -> None:
    video = await the_video(library, tmp_path, b"")
    os.truncate(tmp_path / "videos/clip.mov", 41_000_000)
    video = await library.item(ME, Source(VIDEO, video.id))
    with pytest.raises(Problem) as refused:
        await stager.stage(ME, SourceVersion.of_item(video))
    assert (refused.value.status, refused.value.code) == (413, "too_large")
    assert await storage.list_keys("sources/") == []


async def test_a_file_that_changed_since_it_was_asked_for_is_refused(stager, library, tmp_path) -> None:
    video = await the_video(library, tmp_path, b"one")
    (tmp_path / "videos/clip.mov").write_bytes(b"another")
    with pytest.raises(Problem) as refused:
        await stager.stage(ME, SourceVersion.of_item(video))
    assert (refused.value.status, refused.value.code) == (409, "changed")

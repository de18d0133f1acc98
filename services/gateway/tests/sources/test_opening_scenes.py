"""Scenes that are opened: at once, whatever the library takes to say."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from immichvr_catalog import SCENE, SET
from immichvr_common.sources import Source
from immichvr_gateway.library import Credential, Identity
from immichvr_gateway.resources import Resources
from immichvr_gateway.scenes import reading

ANN = Identity("ann", "ann", Credential("none"))


async def test_whether_a_scene_is_outdated_is_not_known_where_the_library_does_not_say_so_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = asyncio.Event()

    async def never(*_: Any, **__: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def made_of(scene: Source) -> Source:
        return Source(SET, "photos")

    monkeypatch.setattr(reading, "source_version", never)
    monkeypatch.setattr(reading, "_LIBRARY_S", 0.01)
    manifest: Any = SimpleNamespace(model_key="trained")
    here = cast(Resources, SimpleNamespace(composites=SimpleNamespace(made_of=made_of)))
    is_old = await asyncio.wait_for(reading._outdated(here, ANN, Source(SCENE, "x"), [manifest]), 10)
    assert not is_old(manifest)
    assert ended.is_set(), "nobody asks on"

"""Sessions that draw a splat: for those who may see it, as long as they may, and from the file that lasts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import msgpack
import pytest
from immichvr_common.errors import NotFound
from immichvr_common.manifests import AssetFile, Manifest
from immichvr_common.sources import Source
from immichvr_gateway.assets.index import AssetIndex, ManifestReader, entry_of
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import Credential, Identity, LibraryUnavailable, NotPermitted, SignInFailed
from immichvr_gateway.live import drawing
from immichvr_gateway.live.drawing import Drawing
from immichvr_gateway.live.messages import WantedSplat, wanted_by
from immichvr_gateway.sources.visibility import Visibility
from pydantic import SecretStr

ANN, BOB = (Identity(name, name, Credential("api_key", SecretStr(name))) for name in ("ann", "bob"))
PHOTO = Source.photo("beach")
NOW = datetime(2026, 11, 30, tzinfo=UTC)
HELLO = {"type": "hello", "version": 1, "output": "picture", "place": "photos", "id": "beach"}


class Seen:
    """Whom the library shows the photo to."""

    def __init__(self, *people: str) -> None:
        self.people: set[str] = set(people)
        self.error: Exception | None = None
        self.asked = asyncio.Event()

    async def may_see(self, who: Identity, source: Source | None) -> bool:
        self.asked.set()
        if self.error is not None:
            raise self.error
        return who.user_id in self.people


class Manifests:
    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    async def read(self, key: str) -> Manifest:
        if key != self.manifest.key:
            raise NotFound("gone", key)
        return self.manifest


def a_splat(model: str, *files: tuple[str, str]) -> Manifest:
    """A splat of the photo with files of these formats and variants."""
    made = [
        AssetFile(
            name=f"{variant}.{kind}", role="splat", format=kind, variant=variant, key=f"splats/{variant}.{kind}",
            size=9, sha256="0" * 64, media_type="application/octet-stream",
        )
        for kind, variant in files
    ]  # fmt: skip
    return Manifest(
        kind="splat", source=PHOTO, source_version="v1", model_key=model, recipe="0" * 16, files=made,
        job_id="splat-beach-0", run=1, attempt=1, requested_at=NOW, created_at=NOW,
    )  # fmt: skip


def drawing_of(seen: Seen, manifest: Manifest) -> Drawing:
    index = AssetIndex()
    index.put(entry_of(manifest))
    return Drawing(cast(Visibility, seen), index, cast(ManifestReader, Manifests(manifest)), "bucket")


def wanted(**more: object) -> WantedSplat:
    found = wanted_by(msgpack.packb({**HELLO, **more}))
    assert isinstance(found, WantedSplat)
    return found


@pytest.mark.parametrize(
    ("files", "drawn"),
    [
        ([("ply", "full"), ("spz", "light"), ("spz", "full")], "full.spz"),
        ([("ply", "full"), ("spz", "light")], "light.spz"),
        ([("ply", "full")], "full.ply"),
    ],
)
async def test_who_may_see_a_photo_may_have_its_splat_drawn(files: list[tuple[str, str]], drawn: str) -> None:
    spec = await drawing_of(Seen("ann"), a_splat("lift-heuristic", *files)).spec(ANN, wanted())
    assert (spec.kind, spec.inputs["splat"].key) == ("render", f"splats/{drawn}")
    assert spec.of is None, "a session is its person's: it is no job of the photo"


async def test_nobody_else_may_and_what_is_not_there_is_not_drawn() -> None:
    here = drawing_of(Seen("ann"), a_splat("lift-heuristic", ("spz", "full")))
    for who, wish in ((BOB, wanted()), (ANN, wanted(asset="splat-sharp")), (ANN, wanted(id="another"))):
        with pytest.raises(Problem) as refused:
            await here.spec(who, wish)
        assert (refused.value.status, refused.value.code) == (404, "not_found")
    assert (await here.spec(ANN, wanted(asset="splat-lift-heuristic"))).kind == "render"


@pytest.mark.parametrize("error", [LibraryUnavailable("Immich does not answer", "immich"), RuntimeError("odd")])
async def test_a_session_ends_when_its_person_may_not_see_the_photo_any_more(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "_LOOK_S", 0.01)
    seen, told = Seen("ann"), asyncio.Queue[Problem]()
    watching = asyncio.create_task(
        drawing_of(seen, a_splat("lift-heuristic", ("spz", "full"))).watch(ANN, wanted(), told.put_nowait)
    )
    seen.error = error
    for _ in range(3):
        seen.asked.clear()
        await asyncio.wait_for(seen.asked.wait(), 10)
    assert told.empty(), "that nobody can say it is no refusal"
    seen.error, seen.people = None, set()
    assert (await asyncio.wait_for(told.get(), 10)).code == "not_found"
    await asyncio.wait_for(watching, 10)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SignInFailed("the key was deleted"), "unauthorized"), (NotPermitted("asset.read"), "not_found"),
        (LibraryUnavailable("Immich does not answer", "immich"), "unavailable"),
        (ValueError("odd"), "unavailable"),
    ],
)  # fmt: skip
async def test_a_session_ends_with_its_person_s_credential_and_does_not_go_on_for_long_where_nobody_can_say_it(
    error: Exception, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "_LOOK_S", 0.01)
    monkeypatch.setattr(drawing, "_UNSAID_S", 0.05)
    seen, told = Seen("ann"), asyncio.Queue[Problem]()
    seen.error = error
    here = drawing_of(seen, a_splat("lift-heuristic", ("spz", "full")))
    await asyncio.wait_for(here.watch(ANN, wanted(), told.put_nowait), 10)
    assert told.get_nowait().code == code


@pytest.mark.parametrize("wrong", [{"place": "cellars"}, {"place": 5}, {"id": ""}, {"id": 5}, {"asset": "a" * 500}])
def test_a_hello_that_names_no_splat_is_told_so(wrong: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="hello"):
        wanted(**wrong)

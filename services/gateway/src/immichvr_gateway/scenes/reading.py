"""Scenes for people: lists of them, and one with its cameras, figures and assets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from immichvr_catalog import SCENE, SPLAT, VIDEO
from immichvr_catalog.scene_keys import before_completion, is_completed
from immichvr_common.errors import CorruptObject, NotFound
from immichvr_common.logs import get_log
from immichvr_common.manifests import Manifest
from immichvr_common.sources import Source
from pydantic import BaseModel, Field, ValidationError

from immichvr_gateway.assets.index import AssetEntry, AssetIndex
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import Identity, LibraryError
from immichvr_gateway.requests.reconstruct import is_outdated_scene
from immichvr_gateway.requests.versions import source_version
from immichvr_gateway.resources import Resources
from immichvr_gateway.routes.assets import asset_views
from immichvr_gateway.services import Services
from immichvr_gateway.sources.places import place_of
from immichvr_gateway.views import AssetView

log = get_log(__name__)

_CAMERAS = "cameras"
_BEGINNING = datetime.fromtimestamp(0, UTC)
_LARGEST_CAMERAS = 4 * 1024**2
_READ_AT_ONCE = 8
_LOOKED_AT = 100
"""Scenes that the library is asked about first, where a page is shorter."""
_LIBRARY_S = 1.0
"""How long somebody who opens a scene waits to learn whether its photos have changed."""
CURSOR = "^[0-9]{1,18}-[a-z0-9-]{1,80}$"
"""When the last scene of a page was made, and its id."""
Place = tuple[int, str]
"""Of a scene in the list: microseconds since 1970 at which it was made, and its id."""


class MadeOfView(BaseModel):
    """What a scene is made of. ids: photos in their order, or the one video."""

    kind: str = Field(examples=["photo"])
    ids: list[str]


class SceneView(BaseModel):
    """A scene. kinds: of assets that there are of it. completed: whether something missing was filled. cover: a small
    picture of the first of its photos."""

    id: str
    name: str
    made_of: MadeOfView
    kinds: list[str] = Field(examples=[["splat"]])
    completed: bool
    created_at: datetime
    cover: str


class ScenePageView(BaseModel):
    """Scenes, the newest first."""

    items: list[SceneView]
    next_cursor: str | None


class SceneCamera(BaseModel):
    """Where one of the pictures was taken from.

    Pixels of the picture as it was trained with; camera_to_world: 4 × 4, row by row, in the scene's axes (x right, y
    down, z forward). photo_id: of a photo of the library; time_s: of a video's frame. source: what its maker calls it.
    """

    name: str = Field(max_length=100)
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    fx: float
    fy: float
    cx: float
    cy: float
    camera_to_world: list[float] = Field(min_length=16, max_length=16)
    source: str = Field("", max_length=200)
    time_s: float | None = None
    photo_id: str | None = None


class _Cameras(BaseModel):
    """What a worker writes of them."""

    cameras: list[SceneCamera] = Field(max_length=1000)


class SceneDetails(SceneView):
    """A scene with everything. metrics: as its maker measured them on views that were held out."""

    cameras: list[SceneCamera]
    metrics: dict[str, Any] = Field(examples=[{"psnr": 27.4, "ssim": 0.9}])
    dropped: list[dict[str, Any]] = Field(description="pictures that it was not made of, and why")
    assets: list[AssetView]


async def page_of_scenes(
    here: Resources, who: Identity, assets: AssetIndex, limit: int, cursor: str | None
) -> ScenePageView:
    """Those that somebody sees, after where `cursor` says. Raises library errors, Unavailable."""
    made = {source: entries for source in assets.models(SCENE) if (entries := assets.of(source))}
    places = sorted(((_micros(_made_at(entries)), source.id) for source, entries in made.items()), reverse=True)
    if cursor is not None:
        micros, _, scene_id = cursor.partition("-")
        places = [one for one in places if one < (int(micros), scene_id)]
    shown = await _first_seen(here, who, places, limit + 1)
    room = asyncio.Semaphore(_READ_AT_ONCE)

    async def view(scene: Source) -> SceneView:
        async with room:
            return await _view(here, scene, made[scene], await _manifests(here, made[scene]))

    views = await asyncio.gather(*(view(Source(SCENE, scene_id)) for _, scene_id in shown[:limit]))
    is_more = len(shown) > limit
    return ScenePageView(items=views, next_cursor="{}-{}".format(*shown[limit - 1]) if is_more else None)


async def _first_seen(here: Resources, who: Identity, places: list[Place], wanted: int) -> list[Place]:
    """The first of these that somebody sees: the library is asked of many at once, and of no more than that takes."""
    found: list[Place] = []
    begin, length = 0, max(wanted, _LOOKED_AT)
    while begin < len(places) and len(found) < wanted:
        some = places[begin : begin + length]
        seen = await here.visibility.visible(who, [Source(SCENE, scene_id) for _, scene_id in some])
        found += [one for one in some if Source(SCENE, one[1]) in seen]
        begin, length = begin + length, 2 * length
    return found[:wanted]


async def details_of(here: Resources, up: Services, who: Identity, scene: Source, assets: AssetIndex) -> SceneDetails:
    """One that somebody sees. Raises library errors, Unavailable."""
    entries = assets.of(scene)
    manifests = await _manifests(here, entries)
    begun = [one.created_at for one in up.jobs.store.index.under_way_about(scene)]
    view = await _view(here, scene, entries, manifests, begun)
    first = next((one for one in manifests if not is_completed(one.model_key)), None)
    told: dict[str, Any] = {} if first is None else _told(first.details.get(SCENE))
    cameras = [] if first is None else await _cameras(here, first)
    photos = dict(enumerate(view.made_of.ids)) if view.made_of.kind != VIDEO else {}
    return SceneDetails(
        **view.model_dump(),
        cameras=[one.model_copy(update={"photo_id": _photo_of(one.source, photos)}) for one in cameras],
        metrics=_told(told.get("metrics")),
        dropped=[
            {**one, "photo_id": _photo_of(str(one.get("name", "")), photos)} for one in _dicts(told.get("dropped"))
        ],
        assets=await asset_views(here, up, entries, None, await _outdated(here, who, scene, manifests)),
    )


async def _outdated(
    here: Resources, who: Identity, scene: Source, manifests: Sequence[Manifest]
) -> Callable[[Manifest], bool]:
    """Tells of a scene's assets whether they are outdated; of something filled, whether that is which was filled.

    Where the library does not say so soon, none are: what it has said by then is known when the scene is opened again.
    """
    made_of = await here.composites.made_of(scene)
    try:
        async with asyncio.timeout(_LIBRARY_S):
            version = "" if made_of is None else (await source_version(here, who, made_of, fresh=False)).version
    except (LibraryError, Problem, TimeoutError) as error:
        log.info("whether a scene is outdated is not known", scene=scene.id, error=str(error))
        version = ""
    whole = [one for one in manifests if not is_completed(one.model_key)]
    old = {one.model_key for one in whole if version and is_outdated_scene(one, version)}
    return lambda manifest: before_completion(manifest.model_key) in old


async def _view(
    here: Resources, scene: Source, entries: list[AssetEntry], manifests: list[Manifest], begun: Sequence[datetime] = ()
) -> SceneView:
    """begun: when jobs began that are under way, for a scene of which there is nothing yet."""
    leaves = await here.composites.leaves(scene) or ()
    first = leaves[0] if leaves else None
    named = next((_told(one.details.get(SCENE)).get("name") for one in manifests), None)
    return SceneView(
        id=scene.id,
        name=str(named or scene.id)[:200],
        made_of=MadeOfView(kind=first.kind if first else SCENE, ids=[leaf.id for leaf in leaves]),
        kinds=sorted({one.kind for one in entries}),
        completed=any(is_completed(one.model_key) for one in entries if one.kind == SPLAT),
        created_at=_made_at(entries) if entries else max(begun, default=_BEGINNING),
        cover=f"/api/{place_of(first)}/thumbnail" if first else "",
    )


async def _manifests(here: Resources, entries: Iterable[AssetEntry]) -> list[Manifest]:
    found = []
    for entry in entries:
        try:
            found.append(await here.manifests.read(entry.manifest_key))
        except (NotFound, CorruptObject) as error:
            log.info("an asset of a scene cannot be shown", key=entry.manifest_key, error=error.message)
    return found


async def _cameras(here: Resources, manifest: Manifest) -> list[SceneCamera]:
    """Those that a worker wrote down; none where they cannot be read."""
    file = next((one for one in manifest.files if one.role == _CAMERAS), None)
    if file is None:
        return []
    try:
        stored = await here.store.get_bytes(file.key, _LARGEST_CAMERAS)
        return _Cameras.model_validate_json(stored.data).cameras
    except (NotFound, CorruptObject, ValidationError) as error:
        log.warning("the cameras of a scene cannot be read", key=file.key, error=str(error)[:200])
        return []


def _micros(at: datetime) -> int:
    return (at - _BEGINNING) // timedelta(microseconds=1)


def _made_at(entries: list[AssetEntry]) -> datetime:
    return max(one.made_at for one in entries)


def _photo_of(name: str, photos: dict[int, str]) -> str | None:
    """The photo that a worker knows as photo_007."""
    place = name.removeprefix("photo_")[:3]
    return photos.get(int(place)) if name.startswith("photo_") and place.isdecimal() else None


def _told(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

"""Sets and scenes as they are kept in storage: what each is made of, under an id that is a hash of just that."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from immichvr_catalog import OF_LIBRARIES, SCENE, SET
from immichvr_common.arrivals import NAME
from immichvr_common.errors import CorruptObject, InvalidRequest, NotFound
from immichvr_common.logs import get_log
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from pydantic import BaseModel, ValidationError

from immichvr_gateway.sources.identity import scene_of, set_of

log = get_log(__name__)

ROOT = "composites"
_DEEPEST = 8
"""So many times over may a scene be made of another."""
_REMEMBERED = 200_000
"""Parts that are kept in memory, of all composites together."""


class _Stored(BaseModel):
    """A composite as it lies in storage. members: of a set, photos by their ids; made_of, recipe: of a scene."""

    version: int = 1
    members: tuple[str, ...] = ()
    made_of: Source | None = None
    recipe: str = ""

    @property
    def source(self) -> Source:
        """What these facts make. Raises InvalidRequest where they make nothing."""
        return set_of(self.members) if self.made_of is None else scene_of(self.made_of, self.recipe)

    @property
    def parts(self) -> tuple[Source, ...]:
        """What it is made of, in order."""
        return tuple(map(Source.photo, self.members)) if self.made_of is None else (self.made_of,)


class Composites:
    """The sets and scenes that there are. What one is made of never changes, so what was read stays right."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._known: OrderedDict[Source, tuple[Source, ...]] = OrderedDict()
        self._parts = 0

    async def add_set(self, members: Sequence[str]) -> Source:
        """The set of these photos, which is kept from now on; doing it again is harmless.

        Raises InvalidRequest, Unavailable.
        """
        return await self._add(_Stored(members=tuple(members)))

    async def add_scene(self, made_of: Source, recipe: str) -> Source:
        """The scene that a recipe makes of a source, kept likewise. Raises InvalidRequest, Unavailable."""
        if await self.leaves(made_of) is None:
            raise InvalidRequest(f"there is no {made_of} that a scene could be made of")
        return await self._add(_Stored(made_of=made_of, recipe=recipe))

    def recall(self, source: Source) -> tuple[Source, ...] | None:
        """The photos and videos that a source consists of, where that is known without asking; else None."""
        if source.kind in OF_LIBRARIES:
            return (source,)
        found: list[Source] = []
        left = [(source, 0)]
        while left:
            one, depth = left.pop()
            parts = self._known.get(one)
            if one.kind in OF_LIBRARIES:
                found.append(one)
            elif parts is None or depth == _DEEPEST:
                return None
            else:
                left += [(part, depth + 1) for part in reversed(parts)]
        return tuple(found)

    async def leaves(self, source: Source) -> tuple[Source, ...] | None:
        """The photos and videos that a source consists of, in order; None where there is no such source.

        Raises Unavailable.
        """
        one = source
        for _ in range(_DEEPEST + 1):
            if (known := self.recall(source)) is not None:
                return known
            parts = self._known.get(one) or await self._read(one)
            if parts is None:
                return None
            one = parts[0]  # of a set all are photos; a scene is made of one source
        return None

    async def made_of(self, scene: Source) -> Source | None:
        """A scene's set, photo or video; None where there is no such scene. Raises Unavailable."""
        if await self.leaves(scene) is None:
            return None
        parts = self._known.get(scene) or await self._read(scene)
        return parts[0] if parts else None

    async def _add(self, composite: _Stored) -> Source:
        source = composite.source
        if source not in self._known:
            # The same id has the same contents: who writes it a second time changes nothing.
            await self._store.put_bytes(_key(source), composite.model_dump_json().encode(), "application/json")
            self._remember(source, composite.parts)
        return source

    async def _read(self, source: Source) -> tuple[Source, ...] | None:
        if source.kind not in (SET, SCENE) or not NAME.fullmatch(source.id):
            return None
        try:
            stored = await self._store.get_bytes(_key(source))
            composite = _Stored.model_validate_json(stored.data)
            if composite.source != source:
                raise InvalidRequest("its contents are those of another")
        except NotFound:
            return None
        except (CorruptObject, InvalidRequest, ValidationError) as error:
            log.error("what a source is made of cannot be read; nobody sees it", source=str(source), error=str(error))
            return None
        self._remember(source, composite.parts)
        return composite.parts

    def _remember(self, source: Source, parts: tuple[Source, ...]) -> None:
        if source not in self._known:
            self._known[source] = parts
            self._parts += len(parts)
        while self._parts > _REMEMBERED:
            self._parts -= len(self._known.popitem(last=False)[1])


def _key(source: Source) -> str:
    return f"{ROOT}/{source.id}.json"

"""Whatever Immich may leave out of an answer, or tell as null, is read past: each such thing once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from immichvr_common.sources import Source
from immichvr_gateway.library import Credential, Identity, Selection
from immichvr_gateway.library.immich.answers import UNREADABLE
from pydantic import SecretStr
from starlette.responses import JSONResponse

ID = "0c9b2b0e-2a3c-4d59-9a51-7a1c6f1e0c11"
EVERYTHING, SMART = Selection(), Selection(words="x", smart=True)
DAY, MONTH, KEY = date(2026, 11, 29), "2026-11", "k" * 43
CHOSEN = {
    "id": ID, "type": "IMAGE", "visibility": "timeline", "nextPage": "2", "timeBucket": "2026-11-01", "role": "owner",
    "permissions": "all",
}  # fmt: skip
"""Where a schema leaves a choice that matters to what is shown."""
UNREAD = frozenset({"facets", "owner", "unassignedFaces"})
FORMATS = {"uuid": ID, "date-time": "2026-11-29T10:00:00.000Z", "date": "2026-11-29"}
LINK = Credential("share_key", SecretStr("k" * 67))


def _plain(schemas: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without references, its own words before those of what it refers to."""
    for one in [schema, *schema.get("allOf", [])]:
        if "$ref" in one:
            return {**_plain(schemas, schemas[one["$ref"].rpartition("/")[2]]), **schema}
    return schema


def example(schemas: dict[str, Any], schema: dict[str, Any], name: str = "") -> Any:
    """An answer with everything in it that a schema knows of."""
    schema = _plain(schemas, schema)
    match schema.get("type"):
        case "object":
            told = schema.get("properties", {}).items()
            return {key: example(schemas, one, key) for key, one in told if key not in UNREAD}
        case "array":
            return [example(schemas, schema["items"], name)] * max(1, schema.get("minItems", 1))
        case "boolean":
            return False
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case _ if name in CHOSEN and CHOSEN[name] in schema.get("enum", [CHOSEN[name]]):
            return CHOSEN[name]
        case _:
            return schema.get("enum", [FORMATS.get(schema.get("format", ""), "x")])[0]


def variants(schemas: dict[str, Any], schema: dict[str, Any], whole: Any) -> Iterator[tuple[str, Any]]:
    """An answer with one thing less: left out, or null, where the schema allows it; with what that is."""
    schema = _plain(schemas, schema)
    if isinstance(whole, dict):
        for key, value in whole.items():
            of = schema["properties"][key]
            if key not in schema.get("required", []):
                yield f"{key} left out", {name: one for name, one in whole.items() if name != key}
            if _plain(schemas, of).get("nullable"):
                yield f"{key} null", {**whole, key: None}
            yield from ((f"{key}.{what}", {**whole, key: less}) for what, less in variants(schemas, of, value))
    elif isinstance(whole, list) and schema.get("type") == "array":
        if _plain(schemas, schema["items"]).get("nullable"):
            yield "[null]", [None] * len(whole)
        yield from ((what, [less] * len(whole)) for what, less in variants(schemas, schema["items"], whole[0]))


ASKED: dict[str, tuple[str, Callable[[Any, Identity], Any]]] = {
    "GET /assets/{id}": ("assets/[^/]*$", lambda library, me: library.item(me, Source.photo(ID), fresh=True)),
    "POST /search/metadata": ("metadata$", lambda library, me: library.browsing.select(me, EVERYTHING, None, 9)),
    "POST /search/smart": ("smart$", lambda library, me: library.browsing.select(me, SMART, None, 9)),
    "GET /timeline/buckets": ("buckets$", lambda library, me: library.browsing.months(me, EVERYTHING)),
    "GET /timeline/bucket": ("bucket$", lambda library, me: library.browsing.month(me, EVERYTHING, MONTH, None, 9)),
    "GET /albums": ("albums$", lambda library, me: library.browsing.albums(me, None, 9)),
    "GET /albums/{id}": ("albums/", lambda library, me: library.browsing.album(me, ID)),
    "GET /people": ("people$", lambda library, me: library.browsing.people(me, None, 9)),
    "GET /people/{id}": ("people/", lambda library, me: library.browsing.person(me, ID)),
    "GET /tags": ("tags$", lambda library, me: library.browsing.tags(me, None, 9)),
    "GET /search/cities": ("cities$", lambda library, me: library.browsing.places(me, None, 9)),
    "GET /memories": ("memories$", lambda library, me: library.browsing.memories(me, DAY)),
    "GET /stacks/{id}": ("stacks/", lambda library, me: library.browsing.stack(me, Source.photo(ID))),
    "GET /shared-links/me": ("links/me$", lambda library, _: library.links.link(LINK)),
    "GET /users/me": ("users/me$", lambda library, me: library.sign_in(api_key=KEY)),
    "GET /api-keys/me": ("keys/me$", lambda library, me: library.sign_in(api_key=KEY)),
}
"""By what is asked of Immich: the end of its path, and what asks it."""
ABOUT = {"GET /search/cities": ("city", "exifInfo left out")}
"""What an entry of a list is about: without it there is none."""


@pytest.mark.parametrize("asked", ASKED)
async def test_what_immich_may_leave_out_costs_nobody_the_answer(
    document: dict[str, Any], contract: Any, immich_stub: Any, library: Any, ada: Any, me: Identity, asked: str
) -> None:
    immich_stub.keys[KEY] = immich_stub.keys[immich_stub.add_key(ada, ("all",))]
    path, ask = ASKED[asked]
    schemas = document["components"]["schemas"]
    described = contract.operation(*asked.split(" "))["responses"]["200"]["content"]["application/json"]["schema"]
    whole = example(schemas, described)
    given: list[Any] = [whole]

    async def answer(_: Any) -> JSONResponse:
        return JSONResponse(given[0])

    async def one_there(_: Any) -> JSONResponse:
        return JSONResponse({**example(schemas, schemas["AssetResponseDto"])})

    immich_stub.instead |= {f"/api/.*{path}": answer, "assets/[^/]*$": one_there}
    before, found = UNREADABLE._value.get(), await ask(library, me)
    count = len(items_in(found))
    lost = []
    for what, less in variants(schemas, described, whole):
        given[0] = less
        library._forget(me.credential)
        library.links.forget(LINK)
        try:
            now = items_in(await ask(library, me))
        except Exception as error:  # noqa: BLE001  # each is told, not only the first
            lost.append(f"{what}: {error}")
            continue
        if len(now) < count and not any(one in what for one in ABOUT.get(asked, ())):
            lost.append(f"{what}: {len(now)} instead of {count}")
    assert not lost and UNREADABLE._value.get() == before


def items_in(found: Any) -> list[Any]:
    """What a list holds; of anything else, itself."""
    found = getattr(found, "items", found)
    return found if isinstance(found, list) else [found]

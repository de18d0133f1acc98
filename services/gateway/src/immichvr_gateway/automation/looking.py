"""Facts about somebody's photos and videos, as Immich tells them to their own key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import replace

from immichvr_gateway.automation.facts import AssetFacts
from immichvr_gateway.automation.rules import Name, Of, Rules, named
from immichvr_gateway.library import Identity
from immichvr_gateway.library.immich import owned
from immichvr_gateway.library.immich.answers import TYPES
from immichvr_gateway.library.immich.client import ImmichClient
from immichvr_gateway.library.immich.clips import is_named_as_ours
from immichvr_gateway.library.names import printable_name

_KINDS = {name: kind for kind, name in TYPES.items()}
# The depth maps of Google and of dynamic depth in XMP, and Apple's among the auxiliary pictures of a HEIC.
_SIGNS = (
    b"http://ns.google.com/photos/1.0/depthmap/",
    b"http://ns.google.com/photos/dd/1.0/depthmap/",
    b"urn:mpeg:hevc:2015:auxid:2",
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth",
)
_LARGEST_LOOK = 96 * 1024 * 1024

Members = dict[Name, frozenset[str]]
"""By what a rule names: the ids of the assets that are in it."""


def facts_of(asset: owned.OwnedAsset, members: Members | None = None) -> AssetFacts:
    """What Immich tells of an asset. members: of what the rules name, where that was asked for."""
    exif = asset.exif_info
    named_by: dict[Of, set[str]] = {"albums": set(), "people": set(), "tag": set()}
    for (of, name), ids in (members or {}).items():
        if asset.id in ids:
            named_by[of].add(name)
    edit = f"{asset.width}x{asset.height} {asset.thumbhash}" if asset.is_edited else ""
    return AssetFacts(
        id=asset.id,
        owner=asset.owner_id,
        kind=_KINDS.get(asset.type),
        visibility=asset.visibility,
        trashed=asset.is_trashed,
        checksum=asset.checksum,
        uploaded_at=asset.created_at,
        updated_at=asset.updated_at,
        edit=edit,
        favourite=asset.is_favorite,
        duration_s=None if asset.duration is None else asset.duration / 1000,
        name=printable_name(asset.original_file_name),
        media_type=asset.original_mime_type or "",
        camera=" ".join(word for word in (exif.make, exif.model) if word) if exif is not None else "",
        projection=None if exif is None else exif.projection_type,
        width=asset.width,
        height=asset.height,
        duplicate=asset.duplicate_id is not None,
        made_here=is_named_as_ours(asset.original_file_name),
        tags=frozenset({one.value for one in asset.tags or ()} | named_by["tag"]),
        people=frozenset({one.id for one in asset.people or ()} | named_by["people"]),
        albums=frozenset(named_by["albums"]),
    )


async def look_at(client: ImmichClient, who: Identity, asset_id: str, names: Collection[Name]) -> AssetFacts:
    """The facts about one asset: one request, and one for each album among the names. Raises PhotoNotFound."""
    asset = await owned.asset(client, who.credential, asset_id)
    members: Members = {}
    for of, name in names:
        if of == "albums":
            wanted = owned.Wanted(of="albums", name=name, asset=asset_id)
            page = await owned.search(client, who.credential, wanted, size=1)
            members[of, name] = frozenset(one.id for one in page.items)
    return facts_of(asset, members)


def lists_of(rules: Rules, tag_ids: Mapping[str, str]) -> Iterator[tuple[Name, owned.Wanted]]:
    """What is listed to find what the rules choose and no change of a photo tells of: one list for each name.

    tag_ids: by a tag's whole name; one that there is not has nothing.
    """
    for (of, name), counts_whole in named(rules).items():
        known = tag_ids.get(name) if of == "tag" else name
        if known is not None:
            after = None if counts_whole else rules.since
            yield (of, name), owned.Wanted(of=of, name=known, created_after=after)


def with_depth(facts: AssetFacts, carries: bool) -> AssetFacts:
    """The facts once the file was looked at."""
    return replace(facts, carries_depth=carries)


async def carries_depth(chunks: AsyncIterator[bytes], signs: Collection[bytes] = _SIGNS) -> bool:
    """Whether a file says that it carries depth; nothing is decoded. Of very large ones the first part is read."""
    overlap, read, longest = b"", 0, max(len(sign) for sign in signs) - 1
    async for chunk in chunks:
        seen = overlap + chunk
        if any(sign in seen for sign in signs):
            return True
        overlap, read = seen[-longest:], read + len(chunk)
        if read > _LARGEST_LOOK:
            return False
    return False

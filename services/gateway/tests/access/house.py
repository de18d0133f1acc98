"""An owner's things of every kind, those who see them and those who do not, and a gateway before all of them."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from immichvr.events.v1.events_pb2 import Job
from immichvr_catalog import ASSETS
from immichvr_common.manifests import AssetFile, Manifest, asset_prefix
from immichvr_common.parts import Part, PartsIndex, prefix_of
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_gateway.sources.composites import Composites
from PIL import Image

RECIPE, MODEL, FILE = "5f2d1c0e9a8b7c6d", "lift-heuristic", "file.bin"
_MADE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class House:
    """The people by their roles, and the owner's things by the names that paths have for them.

    keys: what each shows as `x-api-key`. things: by `photos.source_id` where the name alone does not tell, else by the
    name. words: what in an answer tells of the owner's things. heard: what all answers said.
    hidden: what those were told from whom a thing is hidden.
    """

    stub: Any
    storage: Any
    keys: dict[str, str] = field(default_factory=dict)
    people: dict[str, Any] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)
    asset_keys: list[str] = field(default_factory=lambda: [f"{kind}-{MODEL}" for kind in ASSETS])
    words: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    hidden: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def headers(self, role: str) -> dict[str, str]:
        """What somebody sends with each request."""
        if role == "share_link":
            return {"x-immich-share-key": self.keys[role]}
        return {"x-api-key": self.keys[role]} if role in self.people else {}

    def secret_from(self, role: str) -> list[str]:
        """What no answer to somebody may name: of those who see the owner's things, who that is."""
        hidden = {"owner": 0, "partner": 1, "album_member": 1, "share_link": 2}
        return self.words[: hidden.get(role, len(self.words))]


async def build(stub: Any, storage: ObjectStore) -> House:
    """Everything that there is before a gateway begins."""
    stub.clear()
    stub.oauth_button = "Sign in"
    house = House(stub, storage)
    for role in ("owner", "partner", "album_member", "other_user", "admin"):
        person = house.people[role] = stub.add_user(role.title().replace("_", ""))
        house.keys[role] = stub.add_key(person, ("all",))
    house.people["admin"].is_admin = True
    owner, partner, member = (house.people[role] for role in ("owner", "partner", "album_member"))
    partner.partners.append(owner)
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(picture, "JPEG")
    first, second, video = (
        stub.add_photo(owner, picture.getvalue(), name) for name in ("owners-lake.jpg", "owners-hut.jpg", "owners.mp4")
    )
    video.type = "VIDEO"
    for one in (first, second, video):
        one.shared_with.append(member)
    clip = stub.add_photo(owner, picture.getvalue(), "owners-clip.mp4")
    clip.type, clip.visibility, first.live_video, first.city = "VIDEO", "hidden", clip.id, "Lund"
    album = stub.add_album(owner, "owners-summer", first, second, video)
    album.members.append((member, "viewer"))
    person, tag = stub.add_person(owner, "owners-friend", first), stub.add_tag(first, "owners-tag")
    stub.add_memory(owner, date(2024, 5, 1), date(2026, 5, 1), first)
    for role in ("partner", "album_member", "other_user", "admin"):
        stub.add_photo(house.people[role], picture.getvalue(), "own.jpg")
    composites = Composites(storage)
    burst = await composites.add_set([first.id, second.id])
    scene = await composites.add_scene(burst, RECIPE)
    sources = {"photos": Source.photo(first.id), "videos": Source("video", video.id), "sets": burst, "scenes": scene}
    for place, source in sources.items():
        house.things[f"{place}.source_id"] = source.id
    # A scene of its own for what takes a scene away whole: of the other one the assets are deleted one by one.
    whole = await composites.add_scene(burst, RECIPE[::-1])
    house.things["scene_id"] = whole.id
    for source in (*sources.values(), whole):
        await _store_assets(storage, source)
    # A photo of its own for the routes of the project before, which delete what was made of it.
    await _store_assets(storage, Source.photo(second.id))
    house.things["assets.photo_id"] = second.id
    house.things |= {
        "photo_id": first.id, "other_photo_id": second.id, "video_id": video.id, "recipe": MODEL, "file": FILE,
        "key": "da2-base", "name": "immich", "share_key": "none", "user": owner.id, "album_id": album.id,
        "person_id": person.id, "tag_id": tag.id, "month": "2024-05",
    }  # fmt: skip
    link = stub.add_link(owner, [first, second, video])
    house.keys |= {"share_link": link.key, "stranger": "nobody's"}
    house.words = [owner.id, owner.name, "owners-", *(source.id for source in sources.values()), whole.id, second.id]
    return house


async def move_in(house: House, client: Any) -> None:
    """Everything that the owner does at the gateway before anybody looks."""
    asked = await client.post(
        f"/api/photos/{house.things['other_photo_id']}/splat", json={"model": MODEL}, headers=house.headers("owner")
    )
    job = asked.json()["job"]
    house.things |= {"job_id": job["id"], "part": "init.mp4"}
    await _keep_a_part(house.storage, job)
    batch = await client.post("/api/batches", json={"kind": "depth"}, headers=house.headers("owner"))
    house.things["batch_id"] = batch.json()["id"]
    await client.post("/api/session", json={"api_key": house.keys["owner"]})
    signed_in = await client.get("/api/sessions", headers=house.headers("owner"))
    house.things["sign_in_id"] = signed_in.json()["items"][0]["id"]
    house.words += [house.things[name] for name in ("job_id", "batch_id", "sign_in_id")]
    await client.post("/api/me/standing-key", json={}, headers=house.headers("owner"))
    files = await client.get(f"/api/assets/{house.things['assets.photo_id']}/files", headers=house.headers("owner"))
    house.things["file_id"] = files.json()["files"][0]["id"]
    hook = await client.post("/api/webhooks", json={"url": "https://1.1.1.1/"}, headers=house.headers("owner"))
    house.things["hook_id"] = hook.json()["id"]
    house.words.append(house.things["hook_id"])


async def _keep_a_part(storage: ObjectStore, job: Any) -> None:
    """Something that a job has made so far."""
    asked_at = datetime.fromisoformat(job["created_at"])
    message = Job(id=job["id"])
    message.created_at.FromDatetime(asked_at)
    data, key = b"head", f"{prefix_of(message)}/1-init.mp4"
    await storage.put_bytes(key, data, "video/mp4")
    part = Part(
        name="init.mp4", key=key, size=len(data), sha256=hashlib.sha256(data).hexdigest(), media_type="video/mp4"
    )
    index = PartsIndex(parts=[part]).model_dump_json().encode()
    await storage.put_bytes(f"{prefix_of(message)}/index.json", index, "application/json")


async def _store_assets(storage: ObjectStore, source: Source) -> None:
    """An asset of each kind that there is."""
    for kind in ASSETS:
        prefix, data = asset_prefix(kind, source, MODEL, RECIPE), f"{kind} of {source}".encode()
        file = AssetFile(
            name=FILE, role=kind, format="spz" if kind == "splat" else "bin", key=f"{prefix}/{FILE}", size=len(data),
            sha256=hashlib.sha256(data).hexdigest(), media_type="application/octet-stream",
        )  # fmt: skip
        manifest = Manifest(
            kind=kind, source=source, source_version="v1", model_key=MODEL, recipe=RECIPE, files=[file],
            job_id=f"{kind}-{source.id}-{RECIPE}", run=1, attempt=1, requested_at=_MADE,
        )  # fmt: skip
        await storage.put_bytes(file.key, data, file.media_type)
        await storage.put_bytes(manifest.key, manifest.encode(), "application/json")

"""An Immich with as many photos as one likes, whose answers are ready before they are asked for.

`python -m immichvr_bench.gateway_immich PORT PHOTOS`. It shows what a gateway adds, not what Immich takes.
"""

from __future__ import annotations

import io
import json
import sys
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import uvicorn
from PIL import Image
from starlette.types import Receive, Scope, Send

OWNER = "00000000-0000-4000-8000-00000000000a"
PERMISSIONS = ["user.read", "asset.read", "asset.view", "asset.download", "stack.read"]
_NEWEST = datetime(2026, 11, 1, tzinfo=UTC)


def photo_id(number: int) -> str:
    """The id of a photo by its place, the newest first."""
    return str(uuid.UUID(int=0x40008000 << 48 | number + (1 << 120)))


def _asset(number: int) -> dict[str, Any]:
    taken = _taken(number).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": photo_id(number), "ownerId": OWNER, "type": "IMAGE", "visibility": "timeline", "checksum": "c2hhMQ==",
        "thumbhash": "3OcRJYB4d3h/iIeHeEh3eIhw+j3A", "originalFileName": f"IMG_{number:05}.jpg", "isTrashed": False,
        "originalMimeType": "image/jpeg", "originalPath": f"/data/{number}.jpg", "width": 4032, "height": 3024,
        "duration": None, "fileCreatedAt": taken, "fileModifiedAt": taken, "localDateTime": taken, "createdAt": taken,
        "updatedAt": taken, "isArchived": False, "isEdited": False, "isFavorite": False, "isOffline": False,
        "hasMetadata": True, "duplicateId": None, "libraryId": None, "livePhotoVideoId": None, "stack": None,
        "exifInfo": {"fileSizeInByte": 2_000_000, "dateTimeOriginal": taken, "city": "Paris", "country": "France"},
    }  # fmt: skip


@cache
def _thumbnail() -> bytes:
    """A picture as Immich's thumbnails are: 250 pixels high, about 12 kB."""
    noise = np.random.default_rng(0).integers(40, 215, (32, 42, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize((333, 250), Image.Resampling.BICUBIC).save(out, "WEBP", quality=80)
    return out.getvalue()


def newest_month() -> str:
    """The month of the newest photo, as `2026-11`."""
    return f"{_NEWEST:%Y-%m}"


class Stub:
    """Answers what the gateway asks about one person's photos."""

    def __init__(self, photos: int) -> None:
        self._photos = photos
        self._fixed: dict[str, Any] = {
            "/api/server/version": {"major": 3, "minor": 1, "patch": 0, "prerelease": None},
            "/api/server/ping": {"res": "pong"},
            "/api/server/config": {"externalDomain": "", "isInitialized": True},
            "/api/users/me": {"id": OWNER, "name": "Ann", "email": "ann@example.org", "isAdmin": False},
            "/api/stacks": [],
            "/api/api-keys/me": {"id": OWNER, "name": "bench", "permissions": PERMISSIONS},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        path = scope["path"]
        if path in self._fixed:
            status, kind, content = 200, b"application/json", json.dumps(self._fixed[path]).encode()
        elif path == "/api/search/metadata":
            wanted = json.loads(body)
            is_for_photos = wanted.get("type", "IMAGE") == "IMAGE" and "updatedAfter" not in wanted
            count = self._photos if is_for_photos else 0
            status, kind = 200, b"application/json"
            content = _page(count, wanted.get("page", 1), wanted.get("size", 250))
        elif path == "/api/timeline/buckets":
            status, kind, content = 200, b"application/json", _months(self._photos)
        elif path == "/api/timeline/bucket":
            month = parse_qs(scope["query_string"].decode())["timeBucket"][0][:7]
            status, kind, content = 200, b"application/json", _month(self._photos, month)
        elif path.endswith("/thumbnail"):
            status, kind, content = 200, b"image/webp", _thumbnail()
        elif path.startswith("/api/assets/"):
            number = uuid.UUID(path.removeprefix("/api/assets/")).int & 0xFFFFFFFF
            status, kind, content = 200, b"application/json", json.dumps(_asset(number)).encode()
        else:
            status, kind, content = 404, b"application/json", b'{"message": "Not Found"}'
        headers = [(b"content-type", kind), (b"content-length", str(len(content)).encode()), (b"etag", b'W/"1"')]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


def _taken(number: int) -> datetime:
    return _NEWEST - timedelta(hours=number)


@cache
def _months(photos: int) -> bytes:
    counts = Counter(f"{_taken(number):%Y-%m-01}" for number in range(photos))
    return json.dumps([{"timeBucket": month, "count": count} for month, count in counts.items()]).encode()


@cache
def _month(photos: int, month: str) -> bytes:
    """As columns: one list for each fact."""
    inside = [number for number in range(photos) if f"{_taken(number):%Y-%m}" == month]
    same = {
        "ownerId": OWNER, "isFavorite": False, "isTrashed": False, "isImage": True, "visibility": "timeline",
        "thumbhash": None, "localOffsetHours": 0, "duration": None, "livePhotoVideoId": None, "projectionType": None,
        "city": "Paris", "country": "France", "ratio": 1.333,
    }  # fmt: skip
    columns: dict[str, list[Any]] = {name: [value] * len(inside) for name, value in same.items()}
    columns["id"] = [photo_id(number) for number in inside]
    columns["fileCreatedAt"] = [f"{_taken(number):%Y-%m-%dT%H:%M:%S.000Z}" for number in inside]
    return json.dumps(columns).encode()


@cache
def _page(photos: int, page: int, size: int) -> bytes:
    items = [_asset(number) for number in range((page - 1) * size, min(page * size, photos))]
    more = str(page + 1) if page * size < photos else None
    assets = {"items": items, "total": len(items), "count": len(items), "facets": [], "nextPage": more}
    return json.dumps({"assets": assets, "albums": {"items": [], "total": 0, "count": 0, "facets": []}}).encode()


def main() -> None:
    """Serves until it is stopped."""
    port, photos = int(sys.argv[1]), int(sys.argv[2])
    uvicorn.run(Stub(photos), port=port, log_level="warning", lifespan="off", ws="none")


if __name__ == "__main__":
    main()

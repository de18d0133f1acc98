"""Who may what: a row for each operation of the API, and no rule for those that have none.

`test_table.py` walks the API's description with these rows, `docs/security.md` shows them (`make generated`).

A new route gets its row in ROWS, with its body: `Row("PUT /api/photos/{photo_id}/note", WHO_SEES_IT, {"note": "x"})`.
Where one of the lists of roles fits, take it; else write one. What stands in braces in the path is a thing of the
owner's in `house.py`: a new kind of thing gets a line there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any


class Answer(StrEnum):
    """What somebody gets who asks about a thing of the owner's."""

    YES = "yes"
    OWN = "own"
    HIDDEN = "404"
    REFUSED = "403"
    SIGN_IN = "401"


YES, OWN, HIDDEN, REFUSED, SIGN_IN = Answer
MEANINGS = {
    YES: "is answered, with the owner's thing",
    OWN: "is answered, with their own things and not a word of the owner's",
    HIDDEN: "there is no such thing: word for word the answer about what there is not",
    REFUSED: "it is there, and this is not theirs to do",
    SIGN_IN: "who are you?",
}


@dataclass(frozen=True, kw_only=True)
class Who:
    """What each gets. The owner's things are shared with the partner and in the album, and linked to by the share link.

    admin: of Immich, with whom nothing is shared. stranger: nobody who has signed in, or a link that shows nothing.
    """

    owner: Answer
    partner: Answer
    album_member: Answer
    other_user: Answer
    share_link: Answer
    stranger: Answer
    admin: Answer


ROLES = tuple(one.name for one in fields(Who))

EVERYBODY = Who(owner=YES, partner=YES, album_member=YES, other_user=YES, share_link=YES, stranger=YES, admin=YES)
WHO_CAN_SIGN_IN = Who(
    owner=YES, partner=YES, album_member=YES, other_user=YES, share_link=SIGN_IN, stranger=SIGN_IN, admin=YES
)
WHO_FOLLOWS_A_LINK = Who(
    owner=HIDDEN, partner=HIDDEN, album_member=HIDDEN, other_user=HIDDEN, share_link=YES, stranger=SIGN_IN, admin=HIDDEN
)
WHO_HAS_SIGNED_IN = Who(
    owner=YES, partner=YES, album_member=YES, other_user=YES, share_link=REFUSED, stranger=SIGN_IN, admin=YES
)
WHO_SEES_IT = Who(
    owner=YES, partner=YES, album_member=YES, other_user=HIDDEN, share_link=YES, stranger=SIGN_IN, admin=HIDDEN
)
WHO_SEES_IT_MAY_CHANGE = Who(
    owner=YES, partner=YES, album_member=YES, other_user=HIDDEN, share_link=REFUSED, stranger=SIGN_IN, admin=HIDDEN
)
ITS_OWNER_MAY_CHANGE = Who(
    owner=YES, partner=REFUSED, album_member=REFUSED, other_user=HIDDEN, share_link=REFUSED, stranger=SIGN_IN,
    admin=HIDDEN,
)  # fmt: skip
IN_THE_TIMELINE = Who(
    owner=YES, partner=YES, album_member=OWN, other_user=OWN, share_link=YES, stranger=SIGN_IN, admin=OWN
)
AMONG_WHAT_ONE_SEES = Who(
    owner=YES, partner=YES, album_member=YES, other_user=OWN, share_link=REFUSED, stranger=SIGN_IN, admin=OWN
)
WHO_ASKED_FOR_IT = Who(
    owner=YES, partner=HIDDEN, album_member=HIDDEN, other_user=HIDDEN, share_link=REFUSED, stranger=SIGN_IN,
    admin=HIDDEN,
)  # fmt: skip
PEOPLE_WHO_SEE_IT = replace(WHO_SEES_IT, share_link=REFUSED)
IN_PEOPLES_TIMELINE = replace(IN_THE_TIMELINE, share_link=REFUSED)
ONLY_ITS_OWNER_SEES_IT = WHO_ASKED_FOR_IT
WHO_SEES_THE_ALBUM = Who(
    owner=YES, partner=HIDDEN, album_member=YES, other_user=HIDDEN, share_link=REFUSED, stranger=SIGN_IN, admin=HIDDEN
)
AMONG_ONES_ALBUMS = Who(
    owner=YES, partner=OWN, album_member=YES, other_user=OWN, share_link=REFUSED, stranger=SIGN_IN, admin=OWN
)
ONES_OWN = Who(
    owner=YES, partner=OWN, album_member=OWN, other_user=OWN, share_link=REFUSED, stranger=SIGN_IN, admin=OWN
)
WHO_HAS_THE_SECRET = Who(
    owner=SIGN_IN,
    partner=SIGN_IN,
    album_member=SIGN_IN,
    other_user=SIGN_IN,
    share_link=SIGN_IN,
    stranger=SIGN_IN,
    admin=SIGN_IN,
)
"""Immich alone, which was given it when its owner set that up; no credential of a person's counts."""
WHO_HAS_THE_TOKEN = Who(
    owner=REFUSED, partner=REFUSED, album_member=REFUSED, other_user=REFUSED, share_link=REFUSED, stranger=SIGN_IN,
    admin=REFUSED,
)  # fmt: skip
"""Who runs the gateway, by its access token; no credential of a person's counts."""
WHO_MANAGES = Who(
    owner=REFUSED, partner=REFUSED, album_member=REFUSED, other_user=REFUSED, share_link=REFUSED, stranger=SIGN_IN,
    admin=YES,
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """An operation, and what each gets.

    body: in JSON; in its strings `{photo_id}` and the like are things of the owner's, `{own_key}` the key of who asks.
    query: what the address ends with. shows: the thing that is in the answer of those who get YES, and in nobody
    else's. but: codes of problems that say that the door is open and something else stands in the way, such as that
    no weights can be had in a test.
    """

    operation: str
    who: Who
    body: Mapping[str, Any] | None = None
    shows: str = ""
    but: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""


ROWS = (
    Row("GET /api/photos", IN_THE_TIMELINE, shows="photo_id"),
    Row("GET /api/photos/{photo_id}", WHO_SEES_IT, shows="photo_id"),
    Row("GET /api/photos/{photo_id}/thumbnail", WHO_SEES_IT),
    Row("GET /api/photos/{photo_id}/preview", WHO_SEES_IT),
    Row("GET /api/photos/{photo_id}/original", WHO_SEES_IT),
    Row("GET /api/photos/{photo_id}/playback", WHO_SEES_IT),
    Row("GET /api/photos/{photo_id}/stack", PEOPLE_WHO_SEE_IT, shows="photo_id"),
    Row("PUT /api/photos/{photo_id}/favorite", ITS_OWNER_MAY_CHANGE, {"favorite": True}, shows="photo_id"),
    Row("POST /api/photos/{photo_id}/depth", WHO_SEES_IT_MAY_CHANGE, {"model": "heuristic"}),
    Row("POST /api/photos/{photo_id}/splat", WHO_SEES_IT_MAY_CHANGE, {"model": "lift-heuristic"}),
    Row("POST /api/photos/{photo_id}/splat/convert", WHO_SEES_IT_MAY_CHANGE, {"format": "splat"}),
    Row("POST /api/photos/{photo_id}/splat/levels", WHO_SEES_IT_MAY_CHANGE, {}),
    Row("POST /api/photos/{photo_id}/motion", WHO_SEES_IT_MAY_CHANGE, {"path": "sway"}),
    Row("GET /api/photos/{source_id}/assets", WHO_SEES_IT, shows="recipe"),
    Row("GET /api/photos/{source_id}/assets/{asset_key}/{file}", WHO_SEES_IT),
    Row("DELETE /api/photos/{source_id}/assets/{asset_key}", ITS_OWNER_MAY_CHANGE),
    Row("DELETE /api/integrations/{name}/assets", WHO_HAS_SIGNED_IN),
    Row("DELETE /api/batches/{batch_id}/assets", WHO_ASKED_FOR_IT),
    Row("GET /api/videos", IN_THE_TIMELINE, shows="video_id"),
    Row("GET /api/videos/{video_id}", WHO_SEES_IT, shows="video_id"),
    Row("GET /api/videos/{video_id}/thumbnail", WHO_SEES_IT),
    Row("GET /api/videos/{video_id}/preview", WHO_SEES_IT),
    Row("GET /api/videos/{video_id}/playback", WHO_SEES_IT),
    Row("GET /api/videos/{video_id}/original", WHO_SEES_IT),
    Row("GET /api/videos/{video_id}/stack", PEOPLE_WHO_SEE_IT, shows="video_id"),
    Row("POST /api/videos/{video_id}/depth", WHO_SEES_IT_MAY_CHANGE, {"model": "heuristic"}),
    Row("POST /api/videos/{video_id}/stereo", WHO_SEES_IT_MAY_CHANGE, {}, but=("nothing_to_convert", "changed")),
    Row("PUT /api/videos/{video_id}/favorite", ITS_OWNER_MAY_CHANGE, {"favorite": True}, shows="video_id"),
    Row("GET /api/timeline", WHO_HAS_SIGNED_IN),
    Row("GET /api/timeline/{month}", IN_PEOPLES_TIMELINE, shows="photo_id"),
    Row("GET /api/albums", AMONG_ONES_ALBUMS, shows="album_id"),
    Row("GET /api/albums/{album_id}", WHO_SEES_THE_ALBUM, shows="album_id"),
    Row("GET /api/albums/{album_id}/cover", WHO_SEES_THE_ALBUM),
    Row("GET /api/albums/{album_id}/items", WHO_SEES_THE_ALBUM, shows="photo_id"),
    Row("GET /api/people", ONES_OWN, shows="person_id"),
    Row("GET /api/people/{person_id}", ONLY_ITS_OWNER_SEES_IT, shows="person_id"),
    Row("GET /api/people/{person_id}/thumbnail", ONLY_ITS_OWNER_SEES_IT),
    Row("GET /api/people/{person_id}/items", ONLY_ITS_OWNER_SEES_IT, shows="photo_id"),
    Row("GET /api/places", IN_PEOPLES_TIMELINE, shows="photo_id"),
    Row("GET /api/places/items", IN_PEOPLES_TIMELINE, shows="photo_id", query="?city=Lund"),
    Row("GET /api/tags", ONES_OWN, shows="tag_id"),
    Row("GET /api/tags/{tag_id}/items", ONLY_ITS_OWNER_SEES_IT, shows="photo_id"),
    Row("GET /api/memories", ONES_OWN, shows="photo_id", query="?day=2026-05-01"),
    Row("GET /api/search", IN_PEOPLES_TIMELINE, shows="photo_id", query="?q=lake"),
    Row("GET /api/videos/{source_id}/assets", WHO_SEES_IT, shows="recipe"),
    Row("GET /api/videos/{source_id}/assets/{asset_key}/{file}", WHO_SEES_IT),
    Row("DELETE /api/videos/{source_id}/assets/{asset_key}", ITS_OWNER_MAY_CHANGE),
    Row("GET /api/sets/{source_id}/assets", WHO_SEES_IT, shows="recipe"),
    Row("GET /api/sets/{source_id}/assets/{asset_key}/{file}", WHO_SEES_IT),
    Row("DELETE /api/sets/{source_id}/assets/{asset_key}", ITS_OWNER_MAY_CHANGE),
    Row("GET /api/scenes/{source_id}/assets", WHO_SEES_IT, shows="recipe"),
    Row("GET /api/scenes/{source_id}/assets/{asset_key}/{file}", WHO_SEES_IT),
    Row("DELETE /api/scenes/{source_id}/assets/{asset_key}", ITS_OWNER_MAY_CHANGE),
    Row("GET /api/reconstruct", WHO_HAS_SIGNED_IN),
    Row(
        "POST /api/reconstruct", WHO_SEES_IT_MAY_CHANGE,
        {"source": {"photo_ids": ["{photo_id}", "{other_photo_id}"]}, "quality": "draft"},
    ),
    Row("GET /api/scenes", AMONG_WHAT_ONE_SEES, shows="scene_id"),
    Row("GET /api/scenes/{scene_id}", WHO_SEES_IT, shows="scene_id"),
    Row("POST /api/scenes/{scene_id}/dataset", WHO_SEES_IT_MAY_CHANGE, {}, but=("no_views",)),
    Row("POST /api/scenes/{scene_id}/inpaint", WHO_SEES_IT_MAY_CHANGE, {}, but=("nothing_to_complete",)),
    Row("POST /api/inpaint/{job_id}", WHO_ASKED_FOR_IT, {"method": "fill"}, but=("not_succeeded",)),
    Row("GET /api/assets/map", AMONG_WHAT_ONE_SEES, shows="photo_id"),
    Row("GET /api/assets/{photo_id}/files", WHO_SEES_IT, shows="recipe"),
    Row("GET /api/assets/{photo_id}/files/{file_id}", WHO_SEES_IT),
    Row("GET /api/assets/{photo_id}/files/{file_id}/download", WHO_SEES_IT),
    Row("POST /api/assets/{photo_id}/generate", WHO_SEES_IT_MAY_CHANGE, {"type": "depth", "modelKey": "heuristic"}),
    Row("POST /api/assets/{photo_id}/convert", WHO_SEES_IT_MAY_CHANGE, {"from": "ply", "to": "splat"}),
    Row("DELETE /api/assets/{photo_id}/files/{file_id}", ITS_OWNER_MAY_CHANGE),
    Row("GET /api/jobs", ONES_OWN, shows="job_id"),
    Row("POST /api/jobs", WHO_SEES_IT_MAY_CHANGE, {"kind": "depth", "source": {"id": "{photo_id}"}}),
    Row("GET /api/jobs/{job_id}", WHO_ASKED_FOR_IT, shows="job_id"),
    Row("GET /api/jobs/{job_id}/parts", WHO_ASKED_FOR_IT, shows="job_id"),
    Row("GET /api/jobs/{job_id}/parts/{part}", WHO_ASKED_FOR_IT),
    Row("GET /api/dead-letters", WHO_HAS_SIGNED_IN),
    Row("GET /api/dead-letters/set-aside", WHO_MANAGES),
    Row("GET /api/dead-letters/{job_id}", WHO_ASKED_FOR_IT, but=("not_ended",)),
    Row("DELETE /api/dead-letters", WHO_HAS_SIGNED_IN),
    Row("DELETE /api/dead-letters/set-aside", WHO_MANAGES),
    Row("DELETE /api/dead-letters/{job_id}", WHO_ASKED_FOR_IT, but=("not_ended",)),
    Row("POST /api/batches", WHO_HAS_SIGNED_IN, {"kind": "depth"}),
    Row("GET /api/batches", ONES_OWN, shows="batch_id"),
    Row("GET /api/batches/{batch_id}", WHO_ASKED_FOR_IT, shows="batch_id"),
    Row("GET /api/batches/{batch_id}/failures", WHO_ASKED_FOR_IT),
    Row("POST /api/batches/{batch_id}/pause", WHO_ASKED_FOR_IT, but=("not_possible_now",)),
    Row("POST /api/batches/{batch_id}/signal", WHO_ASKED_FOR_IT, {"go": False}),
    Row("POST /api/batches/{batch_id}/retry", WHO_ASKED_FOR_IT),
    Row("POST /api/batches/{batch_id}/start", WHO_ASKED_FOR_IT),
    Row("DELETE /api/batches/{batch_id}", WHO_ASKED_FOR_IT),
    Row("DELETE /api/jobs/{job_id}", WHO_ASKED_FOR_IT, shows="job_id"),
    Row("POST /api/jobs/{job_id}/first", WHO_ASKED_FOR_IT, but=("already_ended",)),
    Row("POST /api/jobs/{job_id}/retry", WHO_ASKED_FOR_IT, but=("not_ended",)),
    Row("GET /api/models", WHO_HAS_SIGNED_IN),
    Row("GET /api/models/{key}", WHO_HAS_SIGNED_IN),
    Row("POST /api/models/{key}/accept", WHO_MANAGES, {"licence": "CC-BY-NC-4.0"}),
    Row("POST /api/models/{key}/download", WHO_MANAGES, but=("consent_required",)),
    Row("POST /api/models/{key}/load", WHO_MANAGES, but=("not_downloaded",)),
    Row("POST /api/models/{key}/unload", WHO_MANAGES, but=("not_loaded",)),
    Row("DELETE /api/models/{key}", WHO_MANAGES, but=("not_downloaded",)),
    Row("GET /api/storage", WHO_HAS_SIGNED_IN),
    Row("GET /api/me/standing-key", WHO_HAS_SIGNED_IN),
    Row("POST /api/me/standing-key", WHO_HAS_SIGNED_IN, {"write_back": True}, but=("conflict",)),
    Row("DELETE /api/me/standing-key", WHO_HAS_SIGNED_IN),
    Row("GET /api/sessions", WHO_HAS_SIGNED_IN),
    Row("DELETE /api/sessions/{sign_in_id}", WHO_ASKED_FOR_IT),
    Row("DELETE /api/sessions", WHO_HAS_SIGNED_IN),
    Row("POST /api/oauth/authorize", EVERYBODY),
    Row("POST /api/pairing", EVERYBODY, but=("too_many_attempts",)),
    Row("POST /api/pairing/session", EVERYBODY, {"id": "none"}),
    Row("POST /api/pairing/invitation", WHO_HAS_THE_TOKEN),
    Row("POST /api/pairing/invitation/look", EVERYBODY, {"id": "none", "secret": "none"}, but=("not_found",)),
    Row("POST /api/pairing/look", WHO_HAS_SIGNED_IN, {"code": "000000"}, but=("not_found",)),
    Row("POST /api/pairing/confirm", WHO_HAS_SIGNED_IN, {"code": "000000", "id": "none"}, but=("conflict",)),
    Row("POST /api/pairing/refuse", WHO_HAS_SIGNED_IN, {"code": "000000", "id": "none"}, but=("not_found",)),
    Row("GET /api/me/settings", WHO_HAS_SIGNED_IN),
    Row("PATCH /api/me/settings", WHO_HAS_SIGNED_IN, {"quality": "light"}),
    Row("GET /api/share", WHO_FOLLOWS_A_LINK),
    Row(
        "POST /api/share",
        replace(WHO_FOLLOWS_A_LINK, share_link=SIGN_IN, stranger=HIDDEN),
        {"password": "no such"},
    ),
    Row("GET /api/share/poster", WHO_FOLLOWS_A_LINK),
    Row("GET /api/integrations/immich", WHO_HAS_SIGNED_IN),
    Row("POST /api/integrations/immich", WHO_HAS_SIGNED_IN, {"pointer": True}, but=("no_address",)),
    Row("DELETE /api/integrations/immich", WHO_HAS_SIGNED_IN),
    Row("DELETE /api/integrations/immich/clips", WHO_HAS_SIGNED_IN),
    Row("GET /api/integrations/immich/clips/{photo_id}", WHO_HAS_SIGNED_IN),
    Row("PUT /api/integrations/immich/clips/{photo_id}", ITS_OWNER_MAY_CHANGE, but=("has_live_video",)),
    Row("DELETE /api/integrations/immich/clips/{photo_id}", WHO_HAS_SIGNED_IN),
    Row("GET /api/rules", WHO_HAS_SIGNED_IN),
    Row("PUT /api/rules", WHO_HAS_SIGNED_IN, {"rules": [{"of": "tag", "tag": "Make 3D"}]}),
    Row("POST /api/webhooks/immich/{user}", WHO_HAS_THE_SECRET, {"data": {"asset": {"id": "{photo_id}"}}}),
    Row("GET /api/webhooks", ONES_OWN, shows="hook_id"),
    Row("POST /api/webhooks", WHO_HAS_SIGNED_IN, {"url": "https://1.1.1.1/"}, but=("absence_not_allowed",)),
    Row("DELETE /api/webhooks/{hook_id}", WHO_ASKED_FOR_IT),
    Row("GET /api/health", EVERYBODY),
    Row("GET /api/ready", EVERYBODY),
    Row("GET /api/started", EVERYBODY),
    Row("GET /api/config", EVERYBODY),
    Row("POST /api/session", WHO_CAN_SIGN_IN, {"api_key": "{own_key}"}),
    Row("DELETE /api/session", EVERYBODY),
    # After those that delete one asset of each.
    Row("DELETE /api/photos/{source_id}/assets", ITS_OWNER_MAY_CHANGE),
    Row("DELETE /api/videos/{source_id}/assets", ITS_OWNER_MAY_CHANGE),
    Row("DELETE /api/sets/{source_id}/assets", ITS_OWNER_MAY_CHANGE),
    Row("DELETE /api/scenes/{source_id}/assets", ITS_OWNER_MAY_CHANGE),
    Row("DELETE /api/scenes/{scene_id}", ITS_OWNER_MAY_CHANGE),
)  # fmt: skip

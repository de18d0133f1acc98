"""What a share link shows: its title, its picture, and the way in where it asks for a password.

Asked below the link's own address, `/share/{link}/api/share`, or with `x-immich-share-key` or `x-immich-share-slug`.
"""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response
from immichvr_catalog import PHOTO, SPLAT
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from immichvr_gateway.auth.sessions import LINK_OPEN_S
from immichvr_gateway.auth.visitors import LINK_COOKIE, shown_by
from immichvr_gateway.http.addresses import is_secure
from immichvr_gateway.http.description import PICTURE, also
from immichvr_gateway.http.passing import pass_on
from immichvr_gateway.http.problems import not_found
from immichvr_gateway.library import Identity, ImmichLibrary
from immichvr_gateway.library.immich.answers import SharedLink
from immichvr_gateway.resources import Resources
from immichvr_gateway.routes.dependencies import Assets, Here
from immichvr_gateway.routes.people import Spectator
from immichvr_gateway.sharing.addresses import address_of

router = APIRouter(prefix="/api/share", tags=["share"])

_LOOKED_AT = 60


class ShareView(BaseModel):
    """What a share link is called, and what it allows."""

    title: str
    description: str
    allow_download: bool
    expires_at: datetime | None


class LinkPassword(BaseModel):
    """The password of a share link."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"password": "…"}]})
    password: SecretStr = Field(max_length=1000)


@router.get("", responses=also(404))
async def show_share(here: Here, who: Spectator) -> ShareView:
    """What the link by which one asks is called, and what it allows; 401 `password_required` where it asks for one."""
    link = await _link(here, who)
    return ShareView(
        title=link.title, description=link.description or "", allow_download=link.allow_download,
        expires_at=link.expires_at,
    )  # fmt: skip


@router.post("", status_code=204, responses=also(401, 404, 429))
async def open_share(wanted: LinkPassword, request: Request, here: Here) -> Response:
    """Gives the link's password; a cookie below the link's address says for a day that it was given."""
    shown = shown_by(request.scope)
    if not shown.link:
        raise not_found("there is no share link in this request")
    cookie = await here.sessions.open_link(shown, wanted.password.get_secret_value())
    response = Response(status_code=204)
    path = request.scope.get("root_path", "") + address_of(shown.link)
    # Within a frame of another site only such a cookie is sent; it opens what it opens for everybody with the password.
    is_tls = is_secure(request, here.settings.public_url)
    sent = "SameSite=None; Secure; Partitioned" if is_tls else "SameSite=Strict"
    kept = f"Path={path}; Max-Age={LINK_OPEN_S}; HttpOnly; {sent}"
    response.headers.append("set-cookie", f"{LINK_COOKIE}={cookie}; {kept}")
    return response


@router.get("/poster", response_class=Response, responses={**PICTURE, **also(404)})
async def show_poster(request: Request, here: Here, who: Spectator, assets: Assets) -> Response:
    """A picture that stands for the link: the newest photo of which there is a splat, else the newest."""
    await _link(here, who)
    page = await here.library.items(PHOTO, who, None, _LOOKED_AT)
    if not page.items:
        raise not_found("this link shows no photo")
    chosen = next((one for one in page.items if assets.badges(one.source).get(SPLAT)), page.items[0])
    return await pass_on(request, await here.library.preview(who, chosen.source))


async def _link(here: Resources, who: Identity) -> SharedLink:
    if not who.is_share or not isinstance(here.library, ImmichLibrary):
        raise not_found("there is no share link in this request")
    return await here.library.links.link(who.credential)

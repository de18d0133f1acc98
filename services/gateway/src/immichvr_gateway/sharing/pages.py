"""The page of a share link: the viewer, with what a chat or a search engine shows of it before anybody opens it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from fastapi import Request
from immichvr_common.errors import ServiceError
from starlette.responses import HTMLResponse

from immichvr_gateway.auth.visitors import LINK_OF_PATH, shown_by
from immichvr_gateway.http.addresses import public_address
from immichvr_gateway.http.headers import SHARED
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import ImmichLibrary, PasswordRequired, SignInFailed
from immichvr_gateway.resources import Resources
from immichvr_gateway.sharing.addresses import address_of

_TITLE = "<title>ImmichVR</title>"
_NAMELESS = "Shared photos"


@dataclass(frozen=True)
class _Tags:
    status: int
    title: str = _NAMELESS
    description: str = "Photos one can look around in"
    has_picture: bool = False


async def share_page(request: Request, here: Resources, index: str) -> HTMLResponse:
    """The viewer's page for a link, 404 for one that leads nowhere. index: the text of the viewer's own page."""
    tags = await _tags(request, here)
    link = str(request.scope[LINK_OF_PATH])
    address = public_address(request, here.settings.public_url) + address_of(link)
    named = {"og:type": "website", "og:site_name": "ImmichVR", "og:title": tags.title, "og:url": address}
    named["og:description"] = tags.description
    if tags.has_picture:
        named |= {"og:image": f"{address}api/share/poster", "twitter:card": "summary_large_image"}
    metas = [f'<meta property="{name}" content="{escape(value)}" />' for name, value in named.items()]
    metas += ['<meta name="robots" content="noindex" />', f'<meta name="immichvr-link" content="{escape(link)}" />']
    html = index.replace(_TITLE, f"<title>{escape(tags.title)}</title>\n    " + "\n    ".join(metas), 1)
    headers = {"Content-Security-Policy": SHARED, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(html, tags.status, headers)


async def _tags(request: Request, here: Resources) -> _Tags:
    """What is told of a link to whoever knows it; of one with a password, nothing before that was given."""
    library = here.library
    if not isinstance(library, ImmichLibrary):
        return _Tags(404)
    try:
        visitor = await here.sessions.visitor(shown_by(request.scope))
        if visitor is None:
            return _Tags(404)
        link = await library.links.link(visitor.who.credential)
    except PasswordRequired:
        return _Tags(200, description="Opens with a password")
    except SignInFailed:
        return _Tags(404)
    except Problem as problem:
        return _Tags(problem.status)
    except ServiceError:
        return _Tags(200)
    return _Tags(200, link.title or _NAMELESS, (link.description or "") or _Tags.description, True)

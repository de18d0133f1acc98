"""What answers tell browsers: what a page may load, who may frame, embed or keep it, which sensors it may use."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from immichvr_gateway.auth.rates import noted_in, told_of

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For what is no page."""
FILE = f"sandbox; {NOTHING}"
"""For what somebody else has made: it is shown or saved, and runs nowhere, whatever it claims to be."""
VIEWER = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "connect-src 'self' data: blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ]
)
"""For the viewer's pages: what they load is ours; Spark runs as WebAssembly, in workers made of blobs."""
SHARED = VIEWER.replace("frame-ancestors 'self'", "frame-ancestors *")
"""For the page of a share link, which any page may embed: what it shows, the link shows to everybody."""
_SENSORS = ", ".join(
    [
        *(
            f"{name}=(self)"
            for name in ("accelerometer", "camera", "fullscreen", "gyroscope", "microphone", "xr-spatial-tracking")
        ),
        *(f"{name}=()" for name in ("display-capture", "geolocation", "payment", "usb")),
    ]
)
_USUAL = {
    "content-security-policy": NOTHING,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": _SENSORS,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_ONE_YEAR = "max-age=31536000"


def with_usual_headers(inner: ASGIApp) -> ASGIApp:
    """An application whose answers say the usual wherever they say nothing else themselves."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        noted_in(scope)  # below a share link the request is counted in a copy of its scope

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**_USUAL, **told_of(scope)}.items():
                    headers.setdefault(name, value)
                if _is_https_for_good(scope):
                    headers.setdefault("strict-transport-security", _ONE_YEAR)
            await send(message)

        await inner(scope, receive, say)

    return app


def unkept(send: Send) -> Send:
    """Has an answer that says nothing else be kept by no browser: another person may sit there next."""

    async def say(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("cache-control", "no-store")
        await send(message)

    return say


def _is_https_for_good(scope: Scope) -> bool:
    """Whether the whole name is ours, over TLS.

    The promise counts for every port of a name: beside an Immich at http://nas:2283 it would shut that out.
    """
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return scope.get("scheme") == "https" and b":" not in host.removesuffix(b":443")

"""Requests that are sent twice: with the same `Idempotency-Key` the second gets the first one's answer.

What was answered lies for a day in the bucket `answers`, by person and key; which of several gateways, or of two
requests at once, does the work is decided by its revisions. Of what was refused nothing was made, and nothing is kept.
An answer that tells a secret lies there sealed, so that a backup gives it to nobody.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from immichvr_common.bus import KeyValueStore
from immichvr_common.bus.streams import KV_ANSWERS
from immichvr_common.errors import Conflict, Unavailable
from immichvr_common.logs import get_log
from pydantic import BaseModel

from immichvr_gateway.auth.seal import Seal
from immichvr_gateway.auth.sessions import admitted
from immichvr_gateway.http.problems import Problem

log = get_log(__name__)

_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ABANDONED_S = 60.0
"""A request that has no answer after so long was another gateway's, which has died over it."""
_LARGEST = 256 * 1024
_TRIES = 4
_KEPT_HEADERS = ("content-type", "location")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_DESCRIBED = {
    "name": _HEADER,
    "in": "header",
    "required": False,
    "description": "a name of your own for this request, such as a UUID: sent again within a day, it gets the same "
    "answer, and nothing is made twice",
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "0b0e6a0c-6f0e-4a43-9c0b-2f7a5f6b1e55",
}


class _Answered(BaseModel):
    """What lies in the bucket: which request it was, and its answer once it has one. begun: seconds since 1970.

    sealed: the body instead, where it tells a secret.
    """

    request: str
    begun: float
    status: int = 0
    headers: dict[str, str] = {}
    body: str = ""
    sealed: str = ""

    def response(self, seal: Seal) -> Response:
        """The answer once more. Raises Problem (409) where it was sealed by a gateway that has forgotten its key."""
        body = self.body
        if self.sealed:
            facts = seal.open(self.sealed.encode())
            if facts is None:
                raise Problem(
                    409, "not_possible_now", "this was done, and its answer told a secret that is lost by now"
                )
            body = facts["body"]
        return Response(body, self.status, {**self.headers, "Idempotent-Replayed": "true"})


class Repeatable(APIRoute):
    """A route whose POSTs may be sent twice."""

    tells_secrets: ClassVar[bool] = False

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        if "POST" in (more.get("methods") or ()):
            more["openapi_extra"] = {**(more.get("openapi_extra") or {}), "parameters": [_DESCRIBED]}
        super().__init__(path, endpoint, **more)

    def get_route_handler(self) -> Handler:
        """The route's own work, done once for each key."""
        work = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if request.method != "POST" or _HEADER not in request.headers:
                return await work(request)
            return await _once(request, work, self.tells_secrets)

        return handle


class RepeatableInSecret(Repeatable):
    """The same, of a route whose answers tell secrets."""

    tells_secrets = True


async def _once(request: Request, work: Handler, is_secret: bool) -> Response:
    """Does the work unless it was done. Raises Problem (409, 422), Unavailable and what the work does."""
    key = request.headers[_HEADER]
    if _KEY.fullmatch(key) is None:
        raise Problem(422, "invalid_request", f"{_HEADER}: 1 to 255 visible characters of ASCII, such as a UUID")
    startup = request.app.state.startup
    who = (await admitted(startup.here.sessions, request.scope)).who
    startup.here.rates.count(who, request.scope)
    kept = startup.services.bus.kv(KV_ANSWERS)
    name, own = _digest([who.user_id, key]), await _digest_of(request)
    seal: Seal = startup.here.seal
    revision = await _begin(kept, name, own, seal)
    if isinstance(revision, Response):
        return revision
    try:
        response = await work(request)
    except BaseException:
        await _forget(kept, name, revision)
        raise
    await _keep(kept, name, own, revision, response, seal if is_secret else None)
    return response


async def _begin(kept: KeyValueStore, name: str, own: str, seal: Seal) -> int | Response:
    """Takes a request on, as a revision; the answer where it has one. Raises Problem, Unavailable."""
    revision = 0
    for _ in range(_TRIES):
        try:
            return await kept.update(
                name, _Answered(request=own, begun=time.time()).model_dump_json().encode(), revision
            )
        except Conflict:
            found = await kept.get(name)
        revision = found.revision
        if found.value is None:
            continue
        known = _Answered.model_validate_json(found.value)
        if known.request != own:
            raise Problem(422, "key_reused", f"{_HEADER} was sent before with another request")
        if known.status:
            return known.response(seal)
        if time.time() - known.begun < _ABANDONED_S:
            break
    raise Problem(409, "under_way", "this request is being answered at this moment", {"Retry-After": "1"})


async def _keep(kept: KeyValueStore, name: str, own: str, revision: int, response: Response, seal: Seal | None) -> None:
    body = bytes(response.body)
    if response.status_code >= 300 or len(body) > _LARGEST:
        await _forget(kept, name, revision)
        return
    headers = {one: response.headers[one] for one in _KEPT_HEADERS if one in response.headers}
    told = {"body": body.decode()} if seal is None else {"sealed": seal.close({"body": body.decode()}).decode()}
    answered = _Answered(request=own, begun=time.time(), status=response.status_code, headers=headers, **told)
    try:
        await kept.update(name, answered.model_dump_json().encode(), revision)
    except (Conflict, Unavailable) as error:  # it is done, and said to be; only a repetition would be done anew
        log.warning("an answer is not kept for its repetition", error=error.message)


async def _forget(kept: KeyValueStore, name: str, revision: int) -> None:
    try:
        await kept.update(name, b"", revision)  # a value of no bytes is none; another gateway's answer stays
    except (Conflict, Unavailable) as error:
        log.warning("a request that failed cannot be repeated for a minute", error=error.message)


async def _digest_of(request: Request) -> str:
    """What tells a request from others: where it goes, and what it says."""
    url = request.url
    return _digest([request.method, url.path, url.query, hashlib.sha256(await request.body()).hexdigest()])


def _digest(facts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

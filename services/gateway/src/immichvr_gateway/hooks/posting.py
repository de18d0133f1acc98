"""One message to one webhook: signed, to the address that was looked at, and nowhere else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import httpx
from immichvr_common.logs import get_log

from immichvr_gateway.hooks.addresses import ForbiddenAddress, Network, target_of
from immichvr_gateway.hooks.messages import Told
from immichvr_gateway.hooks.records import Hook, HookAnswer
from immichvr_gateway.hooks.signing import signed

log = get_log(__name__)

_WHOLE_S = 15.0
_LARGEST_ANSWER = 64 * 1024


class Poster:
    """Posts messages. allowed: private networks to which they may go."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = list(allowed)

    async def post(self, hook: Hook, secret: str, told: Told) -> HookAnswer:
        """Sends a message; what came of it. Raises nothing that depends on who is there."""
        began, status, error = time.monotonic(), None, None
        try:
            async with asyncio.timeout(_WHOLE_S):
                status = await self._answer(hook, secret, told)
        except TimeoutError:
            error = f"no whole answer within {_WHOLE_S:.0f} s"
        except ForbiddenAddress as refusal:
            error = refusal.message
        except (httpx.HTTPError, OSError, UnicodeError) as trouble:
            error = f"nobody answers there: {str(trouble) or type(trouble).__name__}"[:200]
        if status is not None and 300 <= status < 400:
            error = f"answered {status}: redirects are not followed"
        elif status is not None and not 200 <= status < 300:
            error = f"answered {status}"
        return HookAnswer(
            event_id=told.id, event=told.type, at=datetime.now(UTC), status=status, error=error,
            seconds=round(time.monotonic() - began, 3),
        )  # fmt: skip

    async def _answer(self, hook: Hook, secret: str, told: Told) -> int:
        target = await target_of(hook.url, self._allowed)
        body = json.dumps({"id": told.id, **told.body}, separators=(",", ":")).encode()
        headers = {
            "host": target.host,
            "content-type": "application/json",
            "user-agent": "ImmichVR-Webhooks",
            **signed(secret, told.id, int(time.time()), body),
        }
        # A client of its own: no cookie, no connection and no proxy of the environment is shared between people.
        async with (
            httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_WHOLE_S) as client,
            client.stream(
                "POST", target.url, content=body, headers=headers, extensions={"sni_hostname": target.name}
            ) as answer,
        ):
            read = 0
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > _LARGEST_ANSWER:
                    break  # what it says is of no interest
            return answer.status_code

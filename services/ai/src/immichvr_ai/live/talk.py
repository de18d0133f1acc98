"""The beginning of a session: hello, the model, ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from immichvr_ai.errors import ModelError
from immichvr_ai.live import protocol
from immichvr_ai.live.models import LiveModel
from immichvr_ai.live.protocol import BadMessage, Hello
from immichvr_ai.live.session import Limits, Send, Session
from immichvr_ai.live.underway import format_of

_HELLO_S = 20.0

OpenModel = Callable[[str], LiveModel]


async def converse(incoming: AsyncIterator[bytes], send: Send, open_model: OpenModel, limits: Limits) -> None:
    """Serves a client from its first message to its last.

    open_model: brings a model of that name into memory; called in a thread. Raises nothing that a client can cause:
    DeviceFailed alone.
    """
    try:
        async with asyncio.timeout(_HELLO_S):
            first = await anext(aiter(incoming), None)
    except TimeoutError:
        await send(protocol.error("idle", "no hello came"))
        return
    if first is None:
        return
    try:
        hello = protocol.parse(first)
        if not isinstance(hello, Hello):
            raise BadMessage("invalid_message", "the first message is a hello")
        model = await asyncio.to_thread(open_model, hello.model)
        if hello.output not in model.makes:
            raise BadMessage("output_unavailable", f"{model.key} makes no {hello.output}")
    except (BadMessage, ModelError) as error:
        await send(protocol.error(error.code, str(error)))
        return
    await send(protocol.ready(model.key, model.licence, hello.output, format_of(hello.output, hello.format)))
    await Session(hello, model, send, limits).run(incoming)

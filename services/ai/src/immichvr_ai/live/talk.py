"""The beginning of a session: hello, the model, ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from immichvr_common.logs import get_log
from immichvr_inference.errors import DeviceFailed, ModelError

from immichvr_ai.live import protocol
from immichvr_ai.live.models import LiveModel
from immichvr_ai.live.pipeline import format_of
from immichvr_ai.live.protocol import BadMessage, Hello
from immichvr_ai.live.session import Limits, Send, Session

log = get_log(__name__)

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
    except DeviceFailed as error:
        await send(protocol.error(error.code, str(error)))
        raise
    except BadMessage as error:
        await send(protocol.error(error.code, str(error)))
        return
    except ModelError as error:
        await send(protocol.error(error.code, error.advice))
        return
    except Exception as error:  # whatever stops a model, its client is told and not left to a broken line
        log.error("a session did not begin", exc_info=error)
        await send(protocol.error("internal", "the model did not start; the worker's log says more"))
        return
    layout = format_of(hello.output, hello.format)
    await send(protocol.ready(model.key, model.licence, hello.output, layout, model.reason))
    await Session(hello, model, send, limits).run(incoming)

"""The beginning of a session: hello, the model, ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from immichvr_common.logs import get_log
from immichvr_inference.errors import DeviceFailed, ModelError

from immichvr_ai.live import messages, protocol
from immichvr_ai.live.messages import BadMessage
from immichvr_ai.live.models import LiveModel
from immichvr_ai.live.pipeline import format_of
from immichvr_ai.live.protocol import Hello
from immichvr_ai.live.reading import Limits, Send, first_message
from immichvr_ai.live.session import Session

log = get_log(__name__)

OpenModel = Callable[[str], LiveModel]


async def converse(open_model: OpenModel, incoming: AsyncIterator[bytes], send: Send, limits: Limits) -> None:
    """Serves a client from its first message to its last.

    open_model: brings a model of that name into memory; called in a thread. Raises nothing that a client can cause:
    DeviceFailed alone.
    """
    first = await first_message(incoming, send)
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
        await send(messages.error(error.code, str(error)))
        raise
    except BadMessage as error:
        await send(messages.error(error.code, str(error)))
        return
    except ModelError as error:
        await send(messages.error(error.code, error.advice))
        return
    except Exception as error:  # whatever stops a model, its client is told and not left to a broken connection
        log.error("a session did not begin", exc_info=error)
        await send(messages.error("internal", "the model did not start; the worker's log says more"))
        return
    layout = format_of(hello.output, hello.format)
    await send(protocol.ready(model.key, model.licence, hello.output, layout, model.reason))
    await Session(hello, model, send, limits).run(incoming)

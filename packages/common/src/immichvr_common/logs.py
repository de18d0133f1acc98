"""Structured logs: one line an event, with the job and the trace it belongs to; docs/logs.md says what stands in it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, MutableMapping
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

import structlog

from immichvr_common.log_masks import masked

Event = MutableMapping[str, Any]

_CHATTY = ("httpx", "httpcore", "urllib3", "nats", "engineio", "socketio", "asyncio", "opentelemetry")


@dataclass(frozen=True)
class _Manner:
    """How this process writes its log."""

    level: str = "info"
    as_json: bool = False
    service: str = ""


class _Configured:
    manner: _Manner | None = None


def configure_logs(
    level: str = "info", as_json: bool = False, service: str = "", secrets: Iterable[str] = frozenset()
) -> None:
    """Sends everything, libraries' logging, warnings and the last exception included, to standard error.

    secrets: what never stands in a line, whoever wrote it.
    """
    _Configured.manner = _Manner(level, as_json, service)

    def named(_: object, __: str, event: Event) -> Event:
        event["service"] = service
        return event

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        named,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                lambda *given: masked(render(*given), secrets),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _tell_the_last


def manner_of_logs() -> str:
    """How this process writes its log, for a child that shall do likewise; empty where nobody has said."""
    return json.dumps(asdict(_Configured.manner)) if _Configured.manner else ""


def configure_logs_as(manner: str) -> None:
    """As the parent that said so does."""
    configure_logs(**json.loads(manner))


def get_log(name: str) -> Any:
    """The logger of one module."""
    return structlog.get_logger(name)


def _tell_the_last(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    get_log(__name__).critical("the process ends by what nobody expected", exc_info=(kind, error, trace))

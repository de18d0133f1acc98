"""Webhooks put together: what is kept, what is told, what is delivered."""

from __future__ import annotations

from dataclasses import dataclass

from immichvr_common.bus import Bus

from immichvr_gateway.hooks.delivering import HookDelivery
from immichvr_gateway.hooks.posting import Poster
from immichvr_gateway.hooks.publishing import HookPublisher
from immichvr_gateway.hooks.records import HookBook
from immichvr_gateway.resources import Resources


@dataclass(frozen=True)
class Hooks:
    """The parts of it."""

    book: HookBook
    publisher: HookPublisher
    delivery: HookDelivery


def open_hooks(bus: Bus, here: Resources) -> Hooks:
    """What works with what NATS keeps."""
    settings = here.settings
    book = HookBook(bus, settings.session_key.get_secret_value())
    poster = Poster(settings.hooks.networks)
    return Hooks(
        book,
        HookPublisher(bus, book, here.jobs, here.supervisor),
        HookDelivery(bus, book, here.standing_keys, here.visibility, poster),
    )

"""The Immich that the environment names: whether it answers, is the right version, and takes the key."""

from __future__ import annotations

from dataclasses import dataclass, field

from immichvr_gateway.library import ImmichLibrary
from immichvr_gateway.library.immich.address import api_address, page_address
from immichvr_gateway.settings import ImmichSettings

from immichvr_local.errors import CommandError


def settings() -> ImmichSettings:
    """What the environment says about Immich. Raises CommandError for what cannot be meant."""
    try:
        found = ImmichSettings()
        if found.url:
            api_address(found.url)
            page_address(found.external_url)
    except ValueError as error:
        raise CommandError(f"IMMICH_URL, IMMICH_EXTERNAL_URL, IMMICH_API_KEY_FILE: {error}") from error
    return found


@dataclass(frozen=True)
class Findings:
    """What is wrong with it, and what is good to know besides, each in words."""

    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


async def look() -> Findings:
    """What there is to say of it; nothing where none is named. Raises CommandError."""
    named = settings()
    if not named.url:
        return Findings()
    library = ImmichLibrary(named.url, named.api_key, external_url=named.external_url)
    try:
        problems = await library.check()
        return Findings(problems, [] if problems else await library.remarks())
    finally:
        await library.close()

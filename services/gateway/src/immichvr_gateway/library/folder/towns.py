"""Where photos were taken, told without a map: by the town that somebody wrote down, else by rounded coordinates."""

from __future__ import annotations

from dataclasses import dataclass

from immichvr_media import About

from immichvr_gateway.library.photos import Place


@dataclass(frozen=True, slots=True)
class Town:
    """A town by its name, or about 11 km around coordinates that stand for one: `48.9° N, 2.3° E`."""

    city: str
    state: str | None = None
    country: str | None = None


def town_of(about: About) -> Town | None:
    """The town that XMP or IPTC name, else the surroundings; None where nothing is told."""
    if about.city:
        return Town(about.city, about.state, about.country)
    if about.latitude is None or about.longitude is None:
        return None
    north, east = round(about.latitude, 1), round(about.longitude, 1)
    return Town(f"{abs(north)}° {'N' if north >= 0 else 'S'}, {abs(east)}° {'E' if east >= 0 else 'W'}")


def place_of(about: About) -> Place | None:
    """What is told of the place; only names that somebody wrote down."""
    place = Place(about.city, about.state, about.country, about.latitude, about.longitude)
    return None if place == Place() else place

"""What is to be made of a file; of formats the catalogue tells enough for that."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from immichvr_catalog import FORMATS, SplatFormat

from immichvr_converter.conversion.errors import UnsupportedFormat
from immichvr_converter.conversion.options import Options, check_options, taken_by

FULL, LIGHT = "full", "light"
VARIANTS = (FULL, LIGHT)

LIGHT_FORMAT = "spz"

_LABEL = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+){0,15}")


@dataclass(frozen=True)
class Target:
    """What a conversion makes.

    variant: `full`, or `light` for a level of detail of half of it, small enough for a phone on the road. options:
    those of the format's writer. count: at most so many Gaussians, all where None. called: its label, where somebody
    chose it.
    """

    format: SplatFormat
    variant: str
    options: dict[str, str | int] = field(default_factory=dict)
    count: int | None = None
    called: str = ""

    @property
    def name(self) -> str:
        """What the file is called among those of its asset."""
        stem = "splat" if self.label == FULL else f"splat.{self.label}"
        return stem + self.format.extensions[0]

    @property
    def label(self) -> str:
        """What the file is among those of its format."""
        if self.called:
            return self.called
        return self.variant if self.count is None else f"lod-{self.count}"


def choose_target(to_format: str, variant: str, options: Options | None = None, count: int | None = None) -> Target:
    """What is to be made. Empty means: the full variant, and for `light` its one format.

    Raises UnsupportedFormat, naming the accepted values.
    """
    [target] = choose_targets([to_format], variant, options, count)
    return target


def choose_targets(
    to_formats: list[str], variant: str, options: Options | None = None, count: int | None = None, label: str = ""
) -> list[Target]:
    """What is to be made of one file: each format once, with those of the options that it has.

    Raises UnsupportedFormat, naming the accepted values.
    """
    if label and not _LABEL.fullmatch(label):
        raise UnsupportedFormat(f"the label {label[:80]!r} is not of the form {_LABEL.pattern}")
    options, variant = options or {}, variant or FULL
    if variant not in VARIANTS:
        raise UnsupportedFormat(f"unknown variant {variant[:40]!r}, wants one of {', '.join(VARIANTS)}")
    if variant == LIGHT and (options or count is not None):
        raise UnsupportedFormat("the light variant takes no options: it is whatever fits its size")
    if count == 0:
        raise UnsupportedFormat("a level of detail of 0 Gaussians was asked for, wants at least 1")
    rows = [_written(key, variant) for key in dict.fromkeys(to_formats)]
    check_options(rows, options)
    return [Target(row, variant, taken_by(row, options), count, label) for row in rows]


def _written(to_format: str, variant: str) -> SplatFormat:
    if variant == LIGHT and (to_format or LIGHT_FORMAT) != LIGHT_FORMAT:
        raise UnsupportedFormat(f"the light variant is made as {LIGHT_FORMAT}, not as {to_format[:40]!r}")
    key = to_format or (LIGHT_FORMAT if variant == LIGHT else "")
    if key not in FORMATS or not FORMATS[key].can_write:
        raise UnsupportedFormat(f"format {key[:40]!r} is not written, wants one of {keys_where('can_write')}")
    return FORMATS[key]


def check_readable(key: str) -> None:
    """Raises UnsupportedFormat unless files of that format are read, naming the accepted values."""
    if key not in FORMATS or not FORMATS[key].can_read:
        raise UnsupportedFormat(f"format {key[:40]!r} is not read, wants one of {keys_where('can_read')}")


def keys_where(capability: str) -> str:
    """The formats of which that is so, as a message lists them."""
    return ", ".join(key for key, row in FORMATS.items() if getattr(row, capability))

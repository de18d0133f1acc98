"""Options of formats, under the names that requests give them."""

from __future__ import annotations

from collections.abc import Mapping

from immichvr_splats import Format
from immichvr_splats.formats.base import COMMON_OPTIONS

from immichvr_converter.conversion.errors import UnsupportedFormat

Options = Mapping[str, str | int]
"""Options by the name a request gives them, only those that it gives."""

WRITER_OPTIONS = {
    "spz_version": "version",
    "ksplat_level": "level",
    "sh_degree": "sh_degree",
    "frame": "frame",
    "order": "order",
    "ply_layout": "layout",
    "glb_encoding": "encoding",
}
"""What the splat library's writers call what requests name."""


def options_of(row: Format) -> list[str]:
    """The names of the options that a format has."""
    taken = (*row.options, *COMMON_OPTIONS)
    return [name for name, option in WRITER_OPTIONS.items() if option in taken]


def taken_by(row: Format, options: Options) -> dict[str, str | int]:
    """The options that a format has, under the names of its writer."""
    accepted = options_of(row)
    return {WRITER_OPTIONS[name]: value for name, value in options.items() if name in accepted}


def check_options(rows: list[Format], options: Options) -> None:
    """Raises UnsupportedFormat, naming what there is, unless every option is one of at least one format's."""
    for name in options:
        if not any(name in options_of(row) for row in rows):
            there_is = "; ".join(f"{row.key} takes {', '.join(options_of(row))}" for row in rows)
            raise UnsupportedFormat(f"there is no option {name} for this: {there_is}")

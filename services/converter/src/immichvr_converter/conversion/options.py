"""Options of formats, under the names that requests give them."""

from __future__ import annotations

from collections.abc import Mapping

from immichvr_catalog import SplatFormat

from immichvr_converter.conversion.errors import UnsupportedFormat

Options = Mapping[str, str | int]
"""Options by the name a request gives them, only those that it gives."""


def options_of(row: SplatFormat) -> list[str]:
    """The names of the options that a format has."""
    return [option.name for option in row.options]


def taken_by(row: SplatFormat, options: Options) -> dict[str, str | int]:
    """The options that a format has, under the names of its writer."""
    return {option.argument: options[option.name] for option in row.options if option.name in options}


def check_options(rows: list[SplatFormat], options: Options) -> None:
    """Raises UnsupportedFormat, naming what there is, unless every option is one of at least one format's."""
    for name in options:
        if not any(name in options_of(row) for row in rows):
            there_is = "; ".join(f"{row.name} takes {', '.join(options_of(row))}" for row in rows)
            raise UnsupportedFormat(f"there is no option {name} for this: {there_is}")

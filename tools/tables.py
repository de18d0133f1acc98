"""Writes the tables of the docs between their marks; with --check only tells which differ from what they show."""

import re
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from immichvr_catalog import ERRORS, FORMATS, KINDS, FormatOption, JobKind

ROOT = Path(__file__).parents[1]
_SECTION = re.compile(r"(<!-- catalogue: (\w+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def errors() -> Iterator[str]:
    """Every error with what happened and what can be done."""
    yield "| code | HTTP | what happened | what to do | may go well if asked again |"
    yield "|---|---|---|---|---|"
    for error in sorted(ERRORS.values(), key=lambda one: one.name):
        statuses, again = ", ".join(map(str, error.statuses)), "yes" if error.retriable else ""
        yield f"| `{error.name}` | {statuses} | {error.sentence} | {error.remedy} | {again} |"


def kinds() -> Iterator[str]:
    """Every kind of job."""
    yield "| kind | service | pool | from | makes |"
    yield "|---|---|---|---|---|"
    for kind in KINDS.values():
        pools, takes = " or ".join(kind.pools), ", ".join(kind.takes)
        yield f"| `{kind.name}` | {kind.service} | {pools} | {takes} | {_makes(kind)} |"


def _makes(kind: JobKind) -> str:
    return f"more files of a {kind.extends}" if kind.extends else ", ".join(kind.makes)


def options() -> Iterator[str]:
    """The options of formats, as requests name them."""
    yield "| option | values | formats |"
    yield "|---|---|---|"
    for option, formats in _options():
        yield f"| `{option.name}` | {_values(option)} | {formats} |"


def flags() -> Iterator[str]:
    """The options of formats, as the command names them."""
    yield "| option | | formats |"
    yield "|---|---|---|"
    for option, formats in _options():
        yield f"| `{option.flag}` {_values(option)} | {option.words} | {formats} |"


def access() -> Iterator[str]:
    """Who may what, as the test of the table of access holds it."""
    table = runpy.run_path(str(ROOT / "services/gateway/tests/access/table.py"))
    yield "| operation | " + " | ".join(role.replace("_", " ") for role in table["ROLES"]) + " |"
    yield "|---" * (len(table["ROLES"]) + 1) + "|"
    for row in table["ROWS"]:
        yield f"| `{row.operation}` | " + " | ".join(getattr(row.who, role) for role in table["ROLES"]) + " |"
    yield ""
    yield "; ".join(f"*{answer}*: {meaning}" for answer, meaning in table["MEANINGS"].items())


def _options() -> list[tuple[FormatOption, str]]:
    """Each option with the formats that have it with these values."""
    formats: dict[FormatOption, list[str]] = {}
    for row in FORMATS.values():
        for option in row.options:
            formats.setdefault(option, []).append(row.name)
    return [(option, "all" if len(names) == len(FORMATS) else ", ".join(names)) for option, names in formats.items()]


def _values(option: FormatOption) -> str:
    return ", ".join(f"{value} (default)" if value == option.default else str(value) for value in option.values)


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "errors": errors, "kinds": kinds, "options": options, "flags": flags, "access": access,
}  # fmt: skip
PAGES = (
    "docs/errors.md",
    "docs/architecture.md",
    "docs/security.md",
    "services/converter/README.md",
    "apps/local/README.md",
)


def renewed(text: str) -> str:
    """A page with its tables as they should be."""
    return _SECTION.sub(lambda found: found[1] + "\n".join(TABLES[found[2]]()) + found[3], text)


def main(check: bool) -> int:
    """Writes, or looks at, every page; how many differed."""
    differed = [page for page in PAGES if renewed((ROOT / page).read_text()) != (ROOT / page).read_text()]
    for page in differed:
        print(f"{page}: its tables are not what the catalogue says: run make generated" if check else page)
        if not check:
            (ROOT / page).write_text(renewed((ROOT / page).read_text()))
    return len(differed) if check else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))

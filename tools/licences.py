"""What the images hold, under which licences: each distribution, and each library within its wheel.

python tools/licences.py                     a table of all services; ends with 1 where something may not be there
python tools/licences.py gateway             of one
python tools/licences.py gateway --sbom      CycloneDX 1.6 in JSON, to standard output

Read from what is installed here, which is what images install: versions are those of constraints.txt. torch's builds
for CUDA bring NVIDIA's own libraries, which are not installed for CPUs and not listed here.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import workspace
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from license_expression import LicenseExpression, get_spdx_licensing
from packageurl import PackageURL
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_SPDX = get_spdx_licensing()
_FORBIDDEN = re.compile(r"AGPL|SSPL|BUSL|Commons-Clause|(^|-)NC(-|$)|NonCommercial|Polyform", re.IGNORECASE)
_WITHIN = re.compile(r"[^/]+\.libs/|/lib/lib[^/]+\.so")
_LIBRARY = re.compile(r"(lib[A-Za-z0-9_+]+).*\.so(\.|$)")


@dataclass(frozen=True)
class Part:
    """A distribution, or a library within one. licence: an SPDX expression; empty where nobody has said it."""

    name: str
    version: str
    licence: str
    within: str = ""

    @property
    def problem(self) -> str:
        """Why it may not be in an image; empty where it may."""
        if not self.licence:
            return "nobody has said its licence: see tools/licences.toml"
        expression = _SPDX.parse(self.licence, validate=True)
        return "" if _may_be_taken(expression) else f"{self.licence} is not free for every use, or asks for too much"


def _may_be_taken(expression: LicenseExpression) -> bool:
    """Of an OR one is enough; of an AND all have to be free."""
    operator = getattr(expression, "operator", "").strip()
    if operator in ("AND", "OR"):
        judged = [_may_be_taken(one) for one in expression.args]
        return any(judged) if operator == "OR" else all(judged)
    return not any(_FORBIDDEN.search(key) for key in _SPDX.license_keys(expression))


def parts_of(service: str) -> list[Part]:
    """Everything of others in a service's image, by name; each distribution before what is within it."""
    found: list[Part] = []
    for distribution in installed_for(service):
        name = workspace.normal(distribution.metadata["Name"])
        found.append(Part(name, distribution.version, licence_of(distribution)))
        found += sorted(set(_libraries(name, distribution)), key=lambda one: one.name)
    return found


def licence_of(distribution: importlib.metadata.Distribution) -> str:
    """As its metadata says it in SPDX's words, else as our table does."""
    name = workspace.normal(distribution.metadata["Name"])
    said: str | None = distribution.metadata.get("License-Expression")
    return said or str(TABLE["distributions"].get(name, ""))


def _libraries(name: str, distribution: importlib.metadata.Distribution) -> Iterator[Part]:
    """Shared libraries of others that its wheel carries along; torch's own are under its own licence."""
    for file in distribution.files or []:
        match = _LIBRARY.match(file.name)
        if match is None or not _WITHIN.search(file.as_posix()) or file.name.startswith(_OWN.get(name, ())):
            continue
        known = [key for key in TABLE["libraries"] if file.name.startswith(key)]
        licence = TABLE["libraries"][max(known, key=len)] if known else ""
        yield Part(re.sub(r"-[0-9a-f]{8}(?=[.-])", "", file.name), "", str(licence), within=name)


_OWN = {"torch": ("libtorch", "libc10", "libshm", "libaoti", "libbackend", "libjitbackend", "libcaffe2")}


def installed_for(service: str) -> list[importlib.metadata.Distribution]:
    """What its image installs of others."""
    parts = workspace.closure(ROOT, workspace.service(ROOT, service))
    seen: dict[tuple[str, frozenset[str]], None] = {}
    for line in workspace.foreign(ROOT, parts):
        _collect(Requirement(line), "", seen)
    unbound = (line for part in parts for path in part.unbound for line in path.read_text("utf-8").splitlines())
    names = {name for name, _ in seen} | {
        workspace.normal(line.partition("==")[0]) for line in unbound if re.match(r"\w+[\w.-]*==", line)
    }
    return [importlib.metadata.distribution(name) for name in sorted(names)]


def _collect(requirement: Requirement, extra: str, seen: dict[tuple[str, frozenset[str]], None]) -> None:
    if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
        return
    name, extras = workspace.normal(requirement.name), frozenset(requirement.extras)
    if (name, extras) in seen:
        return
    seen[name, extras] = None
    for line in importlib.metadata.distribution(name).requires or []:
        for each in extras or {""}:
            _collect(Requirement(line), each, seen)


def sbom(service: str) -> str:
    """The bill of materials of a service's image, as CycloneDX."""
    licences, bom = LicenseFactory(), Bom()
    image = bom.metadata.component = Component(name=f"immichvr-{service}", type=ComponentType.CONTAINER)
    holders: dict[str, Component] = {}
    for part in parts_of(service):
        component = Component(
            name=part.name,
            version=part.version or None,
            type=ComponentType.LIBRARY,
            purl=None if part.within else PackageURL("pypi", name=part.name, version=part.version),
            licenses=[licences.make_from_string(part.licence)],
            bom_ref=f"{part.within}/{part.name}" if part.within else part.name,
        )
        (holders[part.within].components if part.within else bom.components).add(component)
        if not part.within:
            holders[part.name] = component
    bom.register_dependency(image, holders.values())
    return str(JsonV1Dot6(bom).output_as_string(indent=2))


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description="What images hold, under which licences.")
    parser.add_argument("service", nargs="?")
    parser.add_argument("--sbom", action="store_true", help="CycloneDX instead of a table")
    given = parser.parse_args()
    names = [each.folder.removeprefix("services/") for each in workspace.services(ROOT)]
    if given.sbom:
        if given.service is None:
            parser.error("--sbom wants a service")
        print(sbom(given.service))
        return 0
    found: dict[Part, list[str]] = {}
    for name in [given.service] if given.service else names:
        for part in parts_of(name):
            found.setdefault(part, []).append(name)
    for part, services in found.items():
        print(f"{'  ' if part.within else ''}{part.name} {part.version}: {part.licence} ({', '.join(services)})")
    problems = [f"{part.name}: {part.problem}" for part in found if part.problem]
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

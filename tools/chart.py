"""What the chart is made of and what is made of it.

python tools/chart.py files       helm/immichvr/files: the catalogue and the bus's accounts, for the templates
python tools/chart.py readme      helm/immichvr/README.md: its values, of values.yaml and values.schema.json
python tools/chart.py manifests   deploy/k8s: plain manifests, rendered with deploy/k8s/values.yaml
python tools/chart.py all         all of these; with --check nothing is written, and what differs is told
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from helm_python import Chart
from immichvr_catalog import CLASSES, KINDS, POOLS, workers
from immichvr_catalog.document import document
from immichvr_common.bus.access import SYSTEM, accounts, users_of

ROOT = Path(__file__).parents[1]
CHART = ROOT / "helm/immichvr"
MANIFESTS = ROOT / "deploy/k8s"
_LIVE = "live"
_MARKS = ("<!-- values -->\n", "\n<!-- end -->")


def files() -> dict[Path, str]:
    """What templates read: services with the pools that they have jobs for, and what each account is lent."""
    services = {
        name: row | {"pools": _pools(name), "serves_sessions": KINDS[_LIVE].service == name}
        for name, row in document()["services"].items()
    }
    return {
        CHART / "files/catalog.json": _json({"services": services, "pools": POOLS, "classes": CLASSES}),
        CHART / "files/bus.json": _json(_bus()),
    }


def readme() -> dict[Path, str]:
    """The chart's page, with a row for each value."""
    page = CHART / "README.md"
    before, _, rest = page.read_text("utf-8").partition(_MARKS[0])
    after = rest.partition(_MARKS[1])[2]
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    rows = ["| value | default | |", "|---|---|---|", *_rows(schema, schema, values, "")]
    return {page: before + _MARKS[0] + "\n".join(rows) + _MARKS[1] + after}


def manifests() -> dict[Path, str]:
    """The chart as it is rendered for those who have no Helm, a file for each template, and their list."""
    values = yaml.safe_load((MANIFESTS / "values.yaml").read_text("utf-8"))
    with Chart.load(CHART) as chart:
        rendered = chart.render(values, name="immichvr", namespace="immichvr")
    found = {
        MANIFESTS / Path(name).name: text.strip() + "\n"
        for name, text in sorted(rendered.items())
        if "/tests/" not in name and name.endswith(".yaml") and any(yaml.safe_load_all(text))
    }
    listed = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": "immichvr"}
    kustomization = listed | {"resources": sorted(path.name for path in found)}
    return found | {
        MANIFESTS / "kustomization.yaml": yaml.safe_dump(kustomization, sort_keys=False),
        MANIFESTS / "secrets.sh": _secrets(values["secrets"]["existing"]),
    }


def _secrets(name: str) -> str:
    """A script that prints a Secret with all keys of the chart's own."""
    with Chart.load(CHART) as chart:
        rendered = chart.render({}, name="immichvr", namespace="immichvr")
    keys = yaml.safe_load(rendered["immichvr/templates/secrets.yaml"])["data"]
    # NATS takes what begins with a digit for a number.
    head = ["apiVersion: v1", "kind: Secret", f"metadata: {{name: {name}, namespace: immichvr}}", "stringData:"]
    return "\n".join([
        "#!/bin/sh",
        "# Prints a Secret with keys that nobody has seen.",
        "set -eu",
        *(f"echo '{line}'" for line in head),
        # NATS takes what begins with a digit for a number.
        *(f'printf \'  %s: "k%s"\\n\' {key} "$(openssl rand -hex 24)"' for key in keys),
        "",
    ])  # fmt: skip


def _bus() -> dict[str, Any]:
    lent = accounts([service.name for service in workers()])
    return {"system": SYSTEM, "accounts": lent, "users": {name: users_of(name) for name in lent}}


def _pools(service: str) -> list[str]:
    return [pool for pool in POOLS if any(pool in kind.pools for kind in KINDS.values() if kind.service == service)]


def _rows(schema: Mapping[str, Any], root: Mapping[str, Any], values: Any, path: str) -> Iterator[str]:
    schema = _resolved(schema, root)
    for name, part in schema.get("properties", {}).items():
        part, here = _resolved(part, root), f"{path}{name}"
        value = values.get(name) if isinstance(values, dict) else None
        if part.get("deprecated"):
            continue
        if "properties" in part:
            if part.get("description"):
                yield f"| **`{here}`** | | {part['description']} |"
            yield from _rows(part, root, value, f"{here}.")
        else:
            yield f"| `{here}` | `{_short(value)}` | {part.get('description', '')} |"


def _resolved(part: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to, with what stands beside it."""
    if "$ref" not in part:
        return part
    found = root["$defs"][part["$ref"].removeprefix("#/$defs/")]
    return {**_resolved(found, root)} | {name: value for name, value in part.items() if name != "$ref"}


def _short(value: Any) -> str:
    return json.dumps(value).replace("|", "\\|")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


MADE = {"files": files, "readme": readme, "manifests": manifests}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="What the chart is made of and what is made of it.")
    parser.add_argument("what", choices=(*MADE, "all"))
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    differs = []
    for name, make in MADE.items():
        if given.what not in (name, "all"):
            continue
        for path, text in make().items():
            if path.is_file() and path.read_text("utf-8") == text:
                continue
            differs.append(path.relative_to(ROOT))
            if not given.check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
    if given.check and differs:
        sys.stderr.write(f"run make generated: {', '.join(map(str, differs))}\n")
    return 1 if given.check and differs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

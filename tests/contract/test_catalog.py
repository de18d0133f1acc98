"""The catalogue and the rest of the repository say the same, and nothing but the catalogue lists what there is."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from immichvr_catalog import ASSETS, KINDS, SERVICES, SOURCES, JobKind, Service, workers
from immichvr_common.bus.access import nats_config
from immichvr_common.storage_rights import policy
from immichvr_local.stack.parts import names
from immichvr_models import registry
from pydantic_settings import BaseSettings

ROOT = Path(__file__).parents[2]
OURS = tuple(SERVICES.values())
WORKERS = workers()


@pytest.mark.parametrize("service", OURS, ids=lambda one: one.name)
def test_a_service_has_a_folder_a_module_and_settings_under_its_names(service: Service) -> None:
    folder = ROOT / service.folder
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == service.image
    assert (folder / "src" / service.module / "__main__.py").is_file()
    assert (folder / "README.md").is_file()
    assert (folder / "tests").is_dir()
    settings = settings_of(service)
    assert settings.model_config["env_prefix"] == service.env_prefix
    assert vars(settings)["service"] == service.name


def test_there_is_a_row_for_each_folder_of_a_service() -> None:
    assert {path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml")} == set(SERVICES)


@pytest.mark.parametrize("service", WORKERS, ids=lambda one: one.name)
def test_a_worker_has_messages_rights_and_a_part_under_its_names(service: Service) -> None:
    assert importlib.util.find_spec(service.proto) is not None
    assert list((ROOT / "proto" / service.proto.replace(".", "/")).glob("*.proto"))
    accounts = json.loads(nats_config(4222, Path("store"), dict.fromkeys(SERVICES, "secret")))["accounts"]
    assert [user["user"] for user in accounts[service.account]["users"]] == [service.name]
    assert policy(service.name, ("bucket",))["Statement"]
    assert service.name in names()


@pytest.mark.parametrize("service", WORKERS, ids=lambda one: one.name)
def test_a_worker_is_installed_with_the_command_deployed_by_the_chart_and_told_of_to_people(service: Service) -> None:
    command = tomllib.loads((ROOT / "apps/local/pyproject.toml").read_text())["project"]
    assert service.image in command["dependencies"], "`immichvr up` starts it"
    values = yaml.safe_load((ROOT / "helm/immichvr/values.yaml").read_text())
    assert service.name in values["services"], "the chart deploys what has a key here"
    parts = (ROOT / "README.md").read_text().partition("| part | does |")[2].partition("\n\n")[0]
    assert f"\n| `{service.name}` | " in parts, "README.md says what each part does"


def test_lint_looks_at_each_service_and_package() -> None:
    tool = [sys.executable, "tools/workspace.py", "modules"]
    linted = subprocess.run(tool, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for path in [*ROOT.glob("services/*/src/*"), *ROOT.glob("apps/*/src/*"), *ROOT.glob("packages/*/src/immichvr_*")]:
        assert path.name in linted


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda one: one.name)
def test_a_kind_of_job_has_a_service_a_root_and_a_deadline(kind: JobKind) -> None:
    assert kind.service in {service.name for service in WORKERS}
    assert kind.title
    assert kind.deadline_s > 0
    assert bool(kind.root) == bool(kind.makes or kind.extends)
    assert not kind.takes or set(kind.takes) <= {*SOURCES, *ASSETS, "model"}


def test_pipeline_versions_are_those_that_assets_were_made_with() -> None:
    """Raising one makes all older results outdated: it is raised on purpose, here too."""
    assert {name: kind.pipeline_version for name, kind in KINDS.items()} == dict.fromkeys(KINDS, 1)


def test_a_model_is_run_by_a_service_that_runs_models() -> None:
    served = {service.name for service in WORKERS if service.runs_models}
    assert {model.service for model in registry} <= served


def settings_of(service: Service) -> type[BaseSettings]:
    module = importlib.import_module(f"{service.module}.settings")
    own = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, BaseSettings)]
    return next(one for one in own if one.__module__ == module.__name__ and "service" in vars(one))


def sources() -> Iterator[Path]:
    """Every module of ours but the catalogue's own, generated code and what stands in for capabilities in tests."""
    for folder in ("packages", "services", "apps", "bench", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).parts
            if not {"tests", "testing", "node_modules", ".venv"} & set(parts) and parts[1] not in ("catalog", "proto"):
                yield path


def listed(tree: ast.AST) -> Iterator[tuple[int, set[str]]]:
    """The words of each set, tuple, list, dict and `Literal[…]` that is written down, with its line."""
    shown = {
        id(part)
        for node in ast.walk(tree)
        if (isinstance(node, ast.keyword) and node.arg == "examples")
        or (
            isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == "__all__" for to in node.targets)
        )
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Set(elts=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts) if id(node) not in shown:
                yield node.lineno, words(parts)
            case ast.Dict(keys=keys) if id(node) not in shown:
                yield node.lineno, words([key for key in keys if key is not None])


def words(parts: list[ast.expr]) -> set[str]:
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}


MAY = {
    "packages/models/src/immichvr_models/model.py": "what networks give, of which points and poses are no assets",
    "services/gateway/src/immichvr_gateway/preferences.py": "what the viewer's three modes show",
    "services/gateway/src/immichvr_gateway/routes/earlier.py": "what the project before could make",
}


def test_nothing_but_the_catalogue_lists_services_or_kinds() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {', '.join(sorted(words & set(table)))}"
        for path in sources()
        if str(path.relative_to(ROOT)) not in MAY
        for line, words in listed(ast.parse(path.read_text()))
        for table in (SERVICES, KINDS, ASSETS)
        if len(words & set(table)) > 1
    ]
    assert not found, "read these from immichvr_catalog:\n" + "\n".join(found)


_OF_THE_DOMAIN = re.compile(r"splat|depth|gaussian|codec|inpaint", re.IGNORECASE)


def test_what_every_process_needs_says_no_word_of_what_services_make() -> None:
    said = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources()
        if path.is_relative_to(ROOT / "packages/common/src") and path.name != "__init__.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _OF_THE_DOMAIN.search(line)
    ]
    assert not said, "the names of assets are in immichvr_catalog:\n" + "\n".join(said)


@pytest.mark.parametrize("text", ["('ai', 'converter')", "{'depth': 1, 'splat': 2}", "x: Literal['lod', 'convert']"])
def test_a_list_is_found_however_it_is_written(text: str) -> None:
    assert any(len(found & {*SERVICES, *KINDS}) == 2 for _, found in listed(ast.parse(text)))

"""Whether a service takes the variables that its containers are given: their names, and what stands in them."""

from __future__ import annotations

import importlib.util
import os
import re
import tempfile
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from immichvr_catalog import GATEWAY, SERVICES
from immichvr_common.settings import EnvironmentSettings
from pydantic import BaseModel

from immichvr_helm_check.processes import Process

READ_ELSEWHERE = {
    # immichvr_models.settings
    "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_TOKEN", "IMMICHVR_MODELS_AUTO_DOWNLOAD", "IMMICHVR_MODELS_CONNECTIONS",
    "IMMICHVR_MODELS_DIR", "IMMICHVR_MODELS_LOCAL", "IMMICHVR_MODELS_OFFLINE", "IMMICHVR_MODELS_URL",
    # Python, its libraries, the system
    "CUDA_CACHE_PATH", "HOME", "NUMBA_CACHE_DIR", "NUMBA_CPU_NAME", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS",
    "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TORCHINDUCTOR_CACHE_DIR", "TORCH_EXTENSIONS_DIR", "TORCH_HOME",
    "TRITON_CACHE_DIR", "TZ", "XDG_CACHE_HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    # immichvr_common.otlp, and OpenTelemetry itself
    "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_RESOURCE_ATTRIBUTES",
    # what NVIDIA's container runtime looks at
    "NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_VISIBLE_DEVICES",
}  # fmt: skip
"""Variables that are no settings of a service, and that something in its image reads."""
_FILE = "_FILE"
_MODULE = re.compile(r"python -m ([A-Za-z_][\w.]*)")


def check(every: list[Process], defaults: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that the service has no setting for, and for each setting that it refuses.

    defaults: what images set where nobody said otherwise, see `defaults_of_images`.
    """
    return [sentence for process in every if process.service for sentence in _of(process, defaults)]


def _of(process: Process, defaults: Mapping[str, str]) -> Iterator[str]:
    written = [one["name"] for one in process.container.get("env") or []]
    for name in sorted({name for name in written if written.count(name) > 1}):
        yield f"{process.where}: {name} stands there twice"
    if process.pod.spec.get("enableServiceLinks") is not False:
        yield f"{process.where}: variables of Services would lie over settings: enableServiceLinks has to be false"
    said = _said(process)
    for module in _MODULE.findall(said):
        if not _is_there(module):
            yield f"{process.where}: there is no module {module} to run"
    for name in process.environment:
        if not _is_read(process.service, name) and f"$({name})" not in said:
            yield f"{process.where}: {name} is no setting of {process.service}"
    for name, value in process.environment.items():
        if name.endswith(_FILE) and value and not _is_mounted(process, value):
            yield f"{process.where}: {name} names {value}, where nothing is mounted"
    if process.is_the_service:
        try:
            settings_of(process, defaults)
        except ValueError as error:
            told = " ".join(str(error).split())
            yield f"{process.where}: {process.service} refuses its settings: {told}"


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _said(process: Process) -> str:
    """Its command and variables as they are written: what they name in `$(…)` is of use there."""
    container = process.container
    values = [str(one.get("value", "")) for one in container.get("env") or []]
    return " ".join([*(container.get("command") or []), *(container.get("args") or []), *values])


def _is_mounted(process: Process, path: str) -> bool:
    return path in process.files or any(Path(path).is_relative_to(folder) for folder in process.folders)


def _is_read(service: str, name: str) -> bool:
    if name in READ_ELSEWHERE:
        return True
    own = SERVICES[service].env_prefix
    if name.startswith(own):
        return _is_setting(settings_class(service), name.removeprefix(own))
    if service == GATEWAY and name.startswith("IMMICH_"):
        return _is_setting(settings_class(service).model_fields["immich"].annotation, name.removeprefix("IMMICH_"))
    return False


def _is_setting(kind: Any, name: str) -> bool:
    path = name.lower().split("__")
    # A path may be a setting itself, like ca_file; else a secret stands in the file.
    return _leads(kind, path) or (
        path[-1].endswith(_FILE.lower()) and _leads(kind, [*path[:-1], path[-1].removesuffix(_FILE.lower())])
    )


def _leads(kind: Any, path: list[str]) -> bool:
    """Whether a path of names leads to something in a model, through dictionaries and what may be None."""
    if not path:
        return True
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(path[0])
        return field is not None and _leads(field.annotation, path[1:])
    inside = typing.get_args(kind)
    if typing.get_origin(kind) is dict:
        return _leads(inside[1], path[1:])
    return any(_leads(one, path) for one in inside)


def settings_class(service: str) -> type[EnvironmentSettings]:
    """The settings of a service. Raises LookupError where its module has none."""
    module = importlib.import_module(f"{SERVICES[service].module}.settings")
    for kind in vars(module).values():
        is_one = isinstance(kind, type) and issubclass(kind, EnvironmentSettings)
        if is_one and getattr(kind, "service", None) == service:
            found: type[EnvironmentSettings] = kind
            return found
    raise LookupError(f"{module.__name__} has no settings of {service}")


def settings_of(process: Process, defaults: Mapping[str, str]) -> EnvironmentSettings:
    """The settings of a service in its container. Raises ValueError where it would not start."""
    with tempfile.TemporaryDirectory() as folder:
        given = laid_out(process, Path(folder))
        prefix = SERVICES[process.service].env_prefix
        with _environment({prefix + name: value for name, value in defaults.items()} | given):
            return settings_class(process.service)()


def laid_out(process: Process, root: Path) -> dict[str, str]:
    """Writes what is mounted below `root`; gives the environment with every mounted path as it is there."""
    for path, text in process.files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    for folder in process.folders:
        (root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
    return {name: below(root, value, process) for name, value in process.environment.items()}


def below(root: Path, value: str, process: Process) -> str:
    """A path that is mounted in the container, as it is below `root`; anything else as it is."""
    return str(root / value.lstrip("/")) if value.startswith("/") and _is_mounted(process, value) else value


@contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    """This process's environment is `given` and nothing else: settings read it."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

"""`immichvr models`: what there is, fetching it, licences, deleting. In this process, without any server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from immichvr_local.errors import CommandError, plain_errors

if TYPE_CHECKING:
    from immichvr_models import Cache, Model

models = typer.Typer(no_args_is_help=True, help="The models: what there is, what is here, licences, downloads.")

Key = Annotated[str, typer.Argument(help="The model's key, as `immichvr models list` shows it.")]


@models.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show every model, its state, size and licence, and whether what runs it is installed."""
    with plain_errors(), _known_errors():
        cache = _cache()
        if as_json:
            typer.echo(json.dumps([_described(cache, model) for model in cache.registry], indent=2))
        else:
            _print_table(cache)


@models.command()
def show(key: Key) -> None:
    """Show all that is known of one model."""
    with plain_errors(), _known_errors():
        from immichvr_local.console import output

        cache = _cache()
        model = cache.registry[key]
        acceptance = cache.accepted().get(key)
        lines = {
            "name": model.name,
            "makes": ", ".join(model.makes) + (", in metres" if model.metric else ""),
            "from": model.inputs,
            "state": _words(cache.state(model)),
            "directory": "" if model.built_in else str(cache.path(model)),
            "files": ", ".join(file.path for file in model.files) or "none, it is built in",
            "size": _size(model),
            "revision": f"{model.repo}@{model.revision}" if model.repo else model.revision,
            "licence": f"{model.licence.name}, {model.licence.url}",
            "commercial use": "allowed" if model.commercial_use else "not allowed",
            "accepted": f"by {acceptance.who} on {acceptance.at:%Y-%m-%d %H:%M} UTC" if acceptance else "",
            "runs through": model.through or "",
            "memory": _memory(model),
            "not installed": ", ".join(model.missing),
        }
        for label, text in lines.items():
            if text:
                output().print(f"{label:>15}  {text}", markup=False)


@models.command()
def download(
    key: Key,
    accept: Annotated[bool, typer.Option("--accept", help="Accept the licence, without being asked.")] = False,
) -> None:
    """Fetch a model, or go on where an earlier download stopped."""
    with plain_errors(), _known_errors(), _failed_downloads(key):
        from immichvr_local.console import output

        cache = _cache()
        model = cache.registry[key]
        if model.built_in:
            output().print(f"{key} is built in: there is nothing to fetch", markup=False)
            return
        if cache.state(model) != "ready":
            _agree(cache, model, accept)
        directory = _fetch(cache, model)
        output().print(f"{key}: {directory}", markup=False, soft_wrap=True)
        if model.missing:
            output().print(f"note: what runs it is not installed: {', '.join(model.missing)}", markup=False)


@models.command("accept")
def accept_licence(key: Key) -> None:
    """Accept a model's licence, on record with your name and the time. Nothing is fetched."""
    with plain_errors(), _known_errors(), _failed_downloads(key):
        from immichvr_local.console import output

        cache = _cache()
        model = cache.registry[key]
        if model.licence.permissive:
            output().print(f"{key}: {model.licence.name} asks nobody; {model.licence.url}", markup=False)
            return
        acceptance = cache.accept(key, _who())
        output().print(
            f"{key}: {acceptance.who} accepted {acceptance.licence} ({acceptance.url})", markup=False, soft_wrap=True
        )


@models.command()
def delete(key: Key) -> None:
    """Delete a model's files. What was accepted stays accepted."""
    with plain_errors(), _known_errors(), _failed_downloads(key):
        from immichvr_common.sizes import size

        from immichvr_local.console import output

        cache = _cache()
        model = cache.registry[key]
        freed = cache.remove(model)
        output().print(f"{key}: {size(freed)} freed" if freed else f"{key} was not here", markup=False)
        if not model.built_in and cache.state(model) == "ready":
            output().print(f"note: the files in {cache.path(model)} were put there by hand and stay", markup=False)


@models.command("forget-pin")
def forget_pin(key: Key) -> None:
    """Forget the checksums that were learned of a model, where its files have rightly changed at their source."""
    with plain_errors(), _known_errors(), _failed_downloads(key):
        from immichvr_local.console import output

        cache = _cache()
        known = cache.forget_pins(cache.registry[key])
        said = "the next download is believed, if its content is plausible" if known else "nothing was learned of it"
        output().print(f"{key}: {said}", markup=False, soft_wrap=True)


@models.command()
def path(key: Key) -> None:
    """Print the directory of a model's files."""
    with plain_errors(), _known_errors():
        cache = _cache()
        model = cache.registry[key]
        if model.built_in:
            raise CommandError(f"{key} is built in and has no files", 1)
        if cache.state(model) != "ready":
            raise CommandError(f"{key} is not here; `immichvr models download {key}` fetches it", 1)
        typer.echo(str(cache.path(model)))


def _cache() -> Cache:
    from immichvr_models import Cache

    return Cache.from_env()


def _agree(cache: Cache, model: Model, accept: bool) -> None:
    """Have the licence accepted: by the option, by a question, or not at all."""
    if cache.is_licensed(model):
        return
    terms = f"{model.licence.name}, {model.licence.url}"
    if not accept:
        if not _at_a_terminal():
            raise CommandError(f"{model.key} has a licence to be accepted: {terms}; read it, then give --accept")
        typer.echo(f"The licence of {model.name}: {terms}", err=True)
        if not model.commercial_use:
            typer.echo("It does not allow commercial use.", err=True)
        if not typer.confirm("Have you read it, and do you accept it?", err=True):
            raise CommandError(f"{model.key} is not fetched without that", 1)
    cache.accept(model.key, _who())


def _at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _fetch(cache: Cache, model: Model) -> Path:
    from immichvr_local.download_shown import DownloadShown

    with DownloadShown(model.name) as shown:
        return cache.ensure(model, shown.update, accepted=True, retry=True)


@contextmanager
def _known_errors() -> Iterator[None]:
    from immichvr_models import UnknownModel
    from pydantic import ValidationError

    try:
        yield
    except UnknownModel as error:
        raise CommandError(str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise CommandError(f"a setting of the models is wrong: {first['loc'][0]}: {first['msg']}") from error


@contextmanager
def _failed_downloads(key: str) -> Iterator[None]:
    from immichvr_models import DownloadError

    try:
        yield
    except DownloadError as error:
        raise CommandError(f"{key}: {error}; {error.remedy}", 1) from error


def _described(cache: Cache, model: Model) -> dict[str, object]:
    acceptance = cache.accepted().get(model.key)
    return {
        **model.model_dump(mode="json"),
        "built_in": model.built_in,
        "state": cache.state(model),
        "size": model.size,
        "path": None if model.built_in else str(cache.path(model)),
        "accepted": acceptance.model_dump(mode="json", include={"who", "at"}) if acceptance else None,
        "missing": list(model.missing),
    }


def _print_table(cache: Cache) -> None:
    rows = [("model", "makes", "state", "size", "licence", "commercial use", "not installed")]
    for model in cache.registry:
        rows.append(
            (
                model.key,
                ", ".join(model.makes) + (" (metres)" if model.metric else ""),
                "built in" if model.built_in else _words(cache.state(model)),
                _size(model),
                model.licence.name,
                "yes" if model.commercial_use else "no",
                ", ".join(model.missing),
            )
        )
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _size(model: Model) -> str:
    from immichvr_common.sizes import size

    if model.built_in:
        return ""
    if model.size is not None:
        return size(model.size)
    known = sum(file.size or 0 for file in model.files)
    return f"about {size(known)}" if known > 1_000_000 else "not known yet"


def _words(state: str) -> str:
    return {
        "ready": "here",
        "downloadable": "can be fetched",
        "downloading": "being fetched",
        "needs_licence": "licence to accept",
        "unavailable": "cannot be fetched now",
    }[state]


def _memory(model: Model) -> str:
    if model.memory_cpu_mb is not None:
        return f"{model.memory_cpu_mb} MB measured on a CPU"
    return f"more than {model.weights_mb:.0f} MB in single precision" if model.weights_mb else ""


def _who() -> str:
    from getpass import getuser

    try:
        return getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"

"""Splat files that are to be written, checked before any work goes into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from immichvr_splats import FORMATS, SplatError, format_of
from immichvr_splats.formats.sog import META_NAME
from immichvr_splats.pointclouds import POINT_FORMATS

from immichvr_local.errors import CommandError, about


@dataclass(frozen=True)
class Pair:
    """One conversion. format: the target's, a key of FORMATS."""

    source: Path
    target: Path
    format: str


def writable_format(target: Path) -> str:
    """The format that the target's extension tells, found out before any work. Raises CommandError."""
    with about(target.name, SplatError):
        key = format_of(target)
    if not FORMATS[key].can_write:
        accepted = ", ".join(row.extensions[0] for row in FORMATS.values() if row.can_write)
        raise CommandError(f"{target.name}: this format is read, not written; written are {accepted}")
    if not _folder_of(target).is_dir():
        raise CommandError(f"{target.parent}: there is no such directory to write {target.name} into")
    return key


def point_format(target: Path, maker: str) -> str:
    """The format of points that the target's extension tells, found out before any work. Raises CommandError.

    maker: what makes points, in words.
    """
    for key, row in POINT_FORMATS.items():
        if target.name.lower().endswith(row.extension):
            if not target.absolute().parent.is_dir():
                raise CommandError(f"{target.parent}: there is no such directory to write {target.name} into")
            return key
    accepted = ", ".join(row.extension for row in POINT_FORMATS.values())
    raise CommandError(f"{target.name}: {maker} makes coloured points, which are written as {accepted}")


def cameras_beside(splat: Path) -> Path:
    """Where the cameras of a scene lie beside its splat: hut.cameras.json beside hut.spz."""
    named = splat.absolute().parent if splat.name == META_NAME else splat
    return named.parent / f"{_without_ending(named)}.cameras.json"


def _folder_of(target: Path) -> Path:
    """What has to be there before a target is written; a SOG's own folder is made."""
    parent = target.absolute().parent
    return parent.parent if target.name == META_NAME else parent


def pairs_of(files: list[Path], to: str | None, out_dir: Path | None) -> list[Pair]:
    """What is converted into what.

    files: sources, and the target as the last where neither `to`, a format, nor `out_dir` is given.
    Raises CommandError.
    """
    if to is None:
        if out_dir is not None:
            raise CommandError("--out-dir needs --to FORMAT, which says what is to be written there")
        if len(files) != 2:
            raise CommandError("wants IN OUT, or any number of files and --to FORMAT")
        pairs = [Pair(files[0], files[1], writable_format(files[1]))]
    else:
        pairs = [_beside(source, _written(to), out_dir) for source in files]
    taken: dict[Path, Path] = {}
    for pair in pairs:
        target = pair.target.resolve()
        if target == pair.source.resolve():
            raise CommandError(f"{pair.source}: would be replaced by its own conversion; name another --out-dir")
        if target in taken:
            raise CommandError(f"{taken[target]} and {pair.source} would both become {pair.target}")
        taken[target] = pair.source
    return pairs


def writer_options(format: str, given: Mapping[str, str | int | None]) -> dict[str, str | int]:
    """Options of the command as the format's writer takes them. Raises CommandError where it has no such option."""
    arguments = {option.flag: option.argument for option in FORMATS[format].options}
    chosen = {flag: value for flag, value in given.items() if value is not None}
    for flag in chosen:
        if flag not in arguments:
            raise CommandError(f"{flag} is not for {format}, which takes {', '.join(arguments)}")
    return {arguments[flag]: value for flag, value in chosen.items()}


def _written(to: str) -> str:
    if to not in FORMATS or not FORMATS[to].can_write:
        raise CommandError(f"--to {to}: wants one of {', '.join(key for key, row in FORMATS.items() if row.can_write)}")
    return to


def _ending(source: Path) -> str:
    """The part of a name that tells a format, or might: what the file is, reading tells."""
    endings = [one for row in FORMATS.values() for one in row.extensions if source.name.lower().endswith(one)]
    return max(endings, key=len, default=source.suffix)


def _without_ending(named: Path) -> str:
    ending = "" if named.is_dir() else _ending(named)
    return named.name[: len(named.name) - len(ending)]


def _beside(source: Path, to: str, out_dir: Path | None) -> Pair:
    named = source.absolute().parent if source.name == META_NAME else source
    target = (out_dir or named.parent) / f"{_without_ending(named)}{FORMATS[to].extensions[0]}"
    if out_dir is not None and not out_dir.is_dir():
        raise CommandError(f"{out_dir}: there is no such directory to write into")
    return Pair(source, target, to)

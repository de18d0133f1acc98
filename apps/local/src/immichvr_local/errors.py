"""What the command says instead of doing its work."""

from __future__ import annotations

import errno
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click
import typer

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_FULL = "its disk is full: make room on it, or name another place"
INTERRUPTED = 130
"""The exit code after a signal, as shells have it."""


class CommandError(ValueError):
    """The command cannot do what was asked; the message is one sentence for the person who asked.

    exit_code: 2 where the request has to change, 1 where it failed on the way.
    """

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@contextmanager
def about(subject: str, *kinds: type[Exception]) -> Iterator[None]:
    """Turns errors of `kinds`, and those of the file system, into a CommandError that names what they are about.

    What an error, or the one it comes from, has as `remedy`, what a person can do about it, is told with it.
    """
    try:
        yield
    except OSError as error:
        name = str(error.filename or subject)
        if error.errno in _NO_ROOM:
            raise CommandError(f"{name}: {_FULL}", exit_code=1) from error
        raise CommandError(f"{name}: {error.strerror or error}") from error
    except kinds as error:
        remedy = getattr(error, "remedy", "") or getattr(error.__cause__, "remedy", "")
        message = f"{error}; {remedy}" if remedy else str(error)
        raise CommandError(message if message.startswith(subject) else f"{subject}: {message}") from error


@contextmanager
def plain_errors() -> Iterator[None]:
    """Tells a failure in one line and ends the command with its exit code: 2 or 1, or 130 after Ctrl-C.

    What nobody foresaw is told in a line too; where it happened lies in a file, for a report.
    """
    try:
        yield
    except CommandError as error:
        typer.echo(f"immichvr: {error}", err=True)
        raise typer.Exit(error.exit_code) from error
    except (typer.Exit, typer.Abort, click.ClickException):
        raise
    except KeyboardInterrupt as error:
        raise typer.Exit(INTERRUPTED) from error
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        typer.echo(f"immichvr: {place}{_FULL if error.errno in _NO_ROOM else error.strerror or error}", err=True)
        raise typer.Exit(1) from error
    except Exception as error:
        typer.echo(f"immichvr: this should not happen: {type(error).__name__}: {error}{_written_down(error)}", err=True)
        raise typer.Exit(1) from error


def _written_down(error: Exception) -> str:
    """Where the traceback lies, in words; nothing where no file can be written."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="immichvr-", suffix=".log", delete=False) as file:
            file.writelines(traceback.format_exception(error))
    except OSError:
        return ""
    return f"; please report it with what is in {file.name}"

"""What a capability keeps of its work before it has ended: to be watched meanwhile, and to go on from.

`keep` is called in the child; its parent stores the file as a part of the job (`immichvr_common.parts`).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from immichvr_common.telling import BegunAnew, Kept, is_heard, tell

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LINKS = ".kept"
_counter = itertools.count()


def keep(name: str, path: Path, *, resumes: bool = False, facts: Mapping[str, Any] | None = None) -> None:
    """Has a file outlive this attempt; the last of a name counts. Returns at once, whether or not storage answers.

    The file may be removed or replaced from now on, but not be written to. What was kept earlier is in storage before
    what is kept later. resumes: the next attempt at the job gets it (`Task.kept`); the others are shown to people.
    facts: what is told of it, plain values of JSON. Without a parent it does nothing. Raises ValueError for a name
    that no object could have, OSError.
    """
    if NAME.fullmatch(name) is None:
        raise ValueError(f"a part is called by letters, digits, dots and hyphens, not {name[:120]!r}")
    if not is_heard():
        return
    links = path.parent / _LINKS
    links.mkdir(exist_ok=True)
    link = links / f"{next(_counter)}-{name}"
    try:
        os.link(path, link)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            link.unlink()
        shutil.copyfile(path, link)
    tell(Kept(name, link, resumes, dict(facts or {})))


def begin_anew() -> None:
    """Has what earlier attempts kept be shown to nobody, nor gone on from: none of it fits what is kept from now on."""
    tell(BegunAnew())

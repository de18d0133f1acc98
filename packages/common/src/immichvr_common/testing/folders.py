"""Which process runs which tests, where several do: a folder's stay together for as long as each has one of its own.

What a folder's tests share, servers and photographs that take seconds to make, is then made once; and of the folders
that run at one time few ask the same of the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController


def folder_of(file: str) -> str:
    """The part of the workspace that a file of tests belongs to: `services/gateway` or `tests/e2e`, say."""
    return "/".join(file.split("/")[:-1][:2])


def next_file(waiting: Iterable[str], here: str, elsewhere: Collection[str]) -> str:
    """The file that a process begins next, of those that wait: one at least.

    waiting: files in the order of the run. here: the folder whose tests it ran last. elsewhere: the folders that the
    others are at. It stays where it is, or goes on to the first folder where nobody is, or else helps where most waits.
    """
    files = list(waiting)
    at = [folder_of(file) for file in files]
    if here not in at:
        free = [folder for folder in at if folder not in elsewhere]
        here = free[0] if free else Counter(at).most_common(1)[0][0]
    return files[at.index(here)]


class FolderScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist's types are not read
    """Gives out files as `next_file` chooses them."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        last = {one: next(reversed(given), "") for one, given in self.assigned_work.items()}
        elsewhere = {folder_of(file) for one, file in last.items() if one is not node and file}
        chosen = next_file(self.workqueue, folder_of(last.get(node, "")), elsewhere)
        self.workqueue.move_to_end(chosen, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FolderScheduling | None:
    """Where a file's tests stay together, its folder's do, too."""
    return FolderScheduling(config, log) if config.getvalue("dist") == "loadfile" else None

"""A folder tells of what comes, changes and goes, once it is whole."""

import asyncio
import contextlib
import os

import pytest
import watchfiles
from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from immichvr_gateway.library import Changes
from immichvr_gateway.library.changes import MOST_CHANGES
from immichvr_gateway.library.folder import watching
from immichvr_gateway.library.folder.settling import Settling
from immichvr_gateway.library.folder.walking import MediaFile
from immichvr_gateway.library.folder.watching import is_remote
from watchfiles._rust_notify import WatchfilesRustInternalError

PATIENCE_S = 20


@contextlib.asynccontextmanager
async def told(library, me):
    """Changes as they are told, one after the other."""
    heard: asyncio.Queue[Changes] = asyncio.Queue()

    async def listen() -> None:
        async with contextlib.aclosing(library.changes(me)) as changes:
            async for change in changes:
                heard.put_nowait(change)

    task = asyncio.create_task(listen())
    while library._watch._watching is None:  # noqa: ASYNC110  # it listens from here on
        await asyncio.sleep(0.001)
    try:
        yield lambda: asyncio.wait_for(heard.get(), PATIENCE_S)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def names(changes):
    return [item.name for item in changes.there]


async def test_a_photo_is_told_of_when_it_comes_changes_and_goes(open_library, me, put):
    put("first.jpg")
    library = open_library(settle_s=0)
    async with told(library, me) as next_change:
        path = put("new/second.jpg", (40, 30))
        come = await next_change()
        assert (names(come), come.gone, come.more) == (["second.jpg"], (), False)
        assert (come.there[0].width, come.there[0].height) == (40, 30)
        put("new/second.jpg", (50, 20))
        changed = await next_change()
        while changed.there[0].width != 50:  # seen half-written, as nothing waits here
            changed = await next_change()
        assert changed.there[0].id == come.there[0].id
        assert changed.there[0].source_version != come.there[0].source_version
        path.unlink()
        gone = await next_change()
        while not gone.gone:
            gone = await next_change()
        assert gone.gone == (come.there[0].source,)
    assert library._watch._watching is None


async def test_changes_are_told_where_the_system_tells_of_none(open_library, me, put, monkeypatch):
    monkeypatch.setattr(watching, "is_remote", lambda root: True)
    put("first.jpg")
    async with told(open_library(settle_s=0, untold_s=0.05), me) as next_change:
        put("second.jpg")
        assert names(await next_change()) == ["second.jpg"]


async def test_changes_are_told_where_the_system_watches_no_more_directories(open_library, me, put, monkeypatch):
    def too_many(*_, **__):
        raise OSError("OS file watch limit reached.")

    monkeypatch.setattr(watching, "awatch", too_many)
    put("first.jpg")
    async with told(open_library(settle_s=0, untold_s=0.05), me) as next_change:
        put("second.jpg")
        assert names(await next_change()) == ["second.jpg"]


@pytest.mark.parametrize("fails_as_it_begins", [True, False])
async def test_changes_are_told_where_the_watcher_itself_fails(open_library, me, put, monkeypatch, fails_as_it_begins):
    class Failing:
        def __init__(self, *_):
            if fails_as_it_begins:
                raise WatchfilesRustInternalError("error in underlying watcher")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def watch(self, *_):
            raise WatchfilesRustInternalError("error in underlying watcher")

    monkeypatch.setattr(watchfiles.main, "RustNotify", Failing)
    put("first.jpg")
    async with told(open_library(settle_s=0, untold_s=0.05), me) as next_change:
        put("second.jpg")
        assert names(await next_change()) == ["second.jpg"]
        put("third.jpg")
        assert names(await next_change()) == ["third.jpg"]


async def test_what_a_list_found_first_is_told_too(open_library, me, put):
    put("first.jpg")
    library = open_library(settle_s=0)
    async with told(library, me) as next_change:
        put("second.jpg")
        assert len((await library.items(PHOTO, me, None, 10)).items) == 2
        assert names(await next_change()) == ["second.jpg"]


async def test_many_changes_at_once_are_told_as_many(open_library, me, root, put):
    put("first.jpg")
    library = open_library(settle_s=0)
    await library.items(PHOTO, me, None, 1)
    async with told(library, me) as next_change:
        for number in range(MOST_CHANGES + 1):
            library._index._changed[Source(PHOTO, f"{number}")] = False
        await library.items(PHOTO, me, None, 1)
        many = await next_change()
        assert many.more and len(many.gone) == MOST_CHANGES


async def test_what_is_written_in_the_cache_is_no_reason_to_look(root):
    of_interest = watching._below(root, root / "cache")
    assert of_interest(watching.Change.added, str(root / "a" / "b.jpg"))
    assert not of_interest(watching.Change.added, str(root / "cache" / "b.jpg"))
    assert not of_interest(watching.Change.added, str(root / ".trash" / "b.jpg"))


async def test_a_file_that_is_still_written_waits_until_it_was_left_alone(open_library, me, put):
    put("first.jpg")
    library = open_library(settle_s=0.5)
    assert len((await library.items(PHOTO, me, None, 10)).items) == 1
    put("second.jpg")
    assert len((await library.items(PHOTO, me, None, 10)).items) == 1
    async with told(library, me) as next_change:
        assert names(await next_change()) == ["second.jpg"]
    assert len((await library.items(PHOTO, me, None, 10)).items) == 2


async def test_a_file_that_was_moved_here_whole_does_not_wait(open_library, me, put):
    put("first.jpg")
    library = open_library(settle_s=1000)
    await library.items(PHOTO, me, None, 10)
    put("second.jpg", modified=1_500_000_000)
    assert len((await library.items(PHOTO, me, None, 10)).items) == 2


class TestSettling:
    """By a clock of the test's own."""

    @staticmethod
    def file(size: int, mtime_s: float = 4e9) -> MediaFile:
        return MediaFile("a", "a.jpg", "a.jpg", "image/jpeg", size, int(mtime_s * 1e9))

    def test_a_file_of_a_drive_whose_clock_is_ahead_is_taken_once_it_stays_the_same(self) -> None:
        now = [0.0]
        settling = Settling(2.0, lambda: now[0])
        found = {"a": self.file(10)}
        assert settling.settled(found, {}) == {} and settling.waits
        now[0] = 1.5
        found = {"a": self.file(20)}
        assert settling.settled(found, {}) == {}
        now[0] = 3.0
        assert settling.settled(found, {}) == {}
        now[0] = 3.5
        assert settling.settled(found, {}) == found and not settling.waits

    def test_a_known_file_stays_as_it_was_while_it_is_written_anew(self) -> None:
        settling = Settling(2.0, lambda: 0.0)
        known = {"a": self.file(10, 1e9)}
        assert settling.settled({"a": self.file(3)}, known) == known
        assert settling.settled({}, known) == {} and not settling.waits


@pytest.mark.parametrize(
    ("line", "place", "remote"),
    [
        ("host:/photos /mnt/nas nfs4 rw 0 0", "/mnt/nas/a", True),
        ("//host/photos /mnt/my\\040nas cifs rw 0 0", "/mnt/my nas", True),
        ("me@host: /mnt/nas fuse.sshfs rw 0 0", "/mnt/nas/a", True),
        ("host:/photos /mnt/nas nfs4 rw 0 0", "/mnt/nasty", False),
        ("/dev/sdb1 /mnt/disk ext4 rw 0 0", "/mnt/disk/a", False),
    ],
)
def test_network_drives_are_known_by_their_mount(tmp_path, line, place, remote):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\n{line}\n")
    assert is_remote(watching.Path(place), mounts) is remote
    assert is_remote(watching.Path(place), tmp_path / "missing") is False


async def test_a_file_of_an_odd_time_is_told_of_all_the_same(open_library, me, put):
    put("first.jpg")
    library = open_library(settle_s=0.2)
    await library.items(PHOTO, me, None, 10)
    async with told(library, me) as next_change:
        path = put("second.jpg")
        os.utime(path, (4e9, 4e9))
        assert names(await next_change()) == ["second.jpg"]

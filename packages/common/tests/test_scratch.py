"""Temporary files lie where nobody else can look, and do not outlive their process."""

import os
import pwd
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from immichvr_common.scratch import is_private, own_folder, private_folder, remove_left_behind, shared_folder

_HOLDER = """
import sys, tempfile, time
from pathlib import Path
from immichvr_common.scratch import own_folder
with own_folder(Path(sys.argv[1])) as folder:
    Path(tempfile.mkdtemp(prefix="job-"), "source").write_text("a photo")
    print(folder, flush=True)
    time.sleep(60)
"""


def holder(place: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process with a photo in a folder of its own."""
    process = subprocess.Popen([sys.executable, "-c", _HOLDER, str(place)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_is_removed_by_the_next_to_start(tmp_path: Path) -> None:
    killed, left = holder(tmp_path)
    living, kept = holder(tmp_path)
    try:
        assert list(left.glob("job-*/source")) and list(kept.glob("job-*/source"))
        killed.send_signal(signal.SIGKILL)
        killed.wait(10)
        with own_folder(tmp_path) as own:
            assert sorted(tmp_path.iterdir()) == sorted([kept, own])
        living.send_signal(signal.SIGSTOP)
        assert remove_left_behind(tmp_path) == 0, "a process that sleeps has not ended"
    finally:
        for one in (killed, living):
            one.kill()
            one.wait(10)


def test_a_process_that_ends_by_itself_leaves_nothing(tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    with own_folder(tmp_path) as folder, own_folder(tmp_path) as inner:
        assert inner == folder and Path(tempfile.gettempdir()) == folder == Path(os.environ["TMPDIR"])
        assert folder.stat().st_mode & 0o777 == 0o700
        with tempfile.NamedTemporaryFile() as file:
            assert Path(file.name).parent == folder
    assert not list(tmp_path.iterdir())
    assert tempfile.gettempdir() == before


def test_a_folder_that_is_just_being_made_is_left_alone_and_an_old_one_is_not(tmp_path: Path) -> None:
    half_made, old = tmp_path / "immichvr-work-new", tmp_path / "immichvr-work-old"
    for folder in (half_made, old):
        folder.mkdir()
    os.utime(old, (1, 1))
    assert remove_left_behind(tmp_path) == 1
    assert half_made.exists() and not old.exists()


@pytest.mark.parametrize("trap", ["open to all", "a link"])
def test_what_somebody_else_may_have_laid_out_is_no_private_folder(tmp_path: Path, trap: str) -> None:
    folder = tmp_path / "memory"
    if trap == "a link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "theirs")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    assert not private_folder(folder)
    assert private_folder(tmp_path / "new")


@pytest.fixture
def nowhere_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, and nothing in the environment that says where a user's files lie."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def test_without_home_a_shared_folder_lies_where_the_list_of_users_says(
    nowhere_told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = pwd.struct_passwd(("user", "x", os.getuid(), os.getgid(), "", str(tmp_path / "home"), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: listed)
    assert shared_folder("memory") == tmp_path / "home" / ".cache" / "memory"
    assert not list(nowhere_told.iterdir())


def test_who_has_no_home_at_all_gets_a_folder_of_their_own_for_temporary_files(
    nowhere_told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(user: int) -> None:
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = shared_folder("memory")
    assert folder.parent == tmp_path and is_private(folder)
    assert not list(nowhere_told.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
def test_a_folder_of_another_user_is_neither_taken_nor_removed(tmp_path: Path) -> None:
    theirs = tmp_path / "immichvr-work-theirs"
    theirs.mkdir(mode=0o700)
    os.utime(theirs, (1, 1))
    os.chown(theirs, 65534, 65534)
    assert not private_folder(theirs)
    assert remove_left_behind(tmp_path) == 0 and theirs.exists()

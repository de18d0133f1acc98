"""A short run of the fuzzers: no reader crashes, hangs, or takes more memory than it may."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from immichvr_splats import FORMATS

AT_MOST_S = 60


def run_fuzzer(name: str, runs: int, corpus: Path, broken: Path) -> subprocess.CompletedProcess[str]:
    """Runs a fuzzer over `runs` files, started by a shell: as many on a busy machine as on an idle one.

    Linux counts what the starting process took as the started one's own peak, and after a thousand tests this one
    has taken more than a fuzzer may.
    """
    fuzzer = [sys.executable, "-W", "ignore", Path(__file__).with_name(name)]
    arguments = [corpus, f"-runs={runs}", f"-max_total_time={AT_MOST_S}", "-seed=1", f"-artifact_prefix={broken}/"]
    return subprocess.run(
        ["sh", "-c", '"$@"; exit $?', "sh", *fuzzer, *arguments],
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no build for this platform")
def test_no_reader_breaks_on_files_that_a_fuzzer_makes(tmp_path):
    corpus, broken = tmp_path / "corpus", tmp_path / "broken"
    broken.mkdir()
    done = run_fuzzer("fuzz_readers.py", 2500, corpus, broken)
    assert done.returncode == 0, done.stderr[-3000:]
    assert list(broken.iterdir()) == []
    names = {path.name for path in corpus.iterdir()}
    for key, row in FORMATS.items():
        assert not (row.can_read and row.can_write) or f"{key}-20-3" in names
    assert {
        "points-ply--20",
        "points-glb-none-20",
        "points-glb-meshopt-20",
        "points-glb-draco-20",
        "sog-folder-20-3",
    } <= names
    assert len(names) > 5 * len(FORMATS), "nothing that was made reached new code"


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no build for this platform")
def test_no_reader_of_photos_breaks_on_files_that_a_fuzzer_makes(tmp_path):
    corpus, broken = tmp_path / "corpus", tmp_path / "broken"
    broken.mkdir()
    done = run_fuzzer("fuzz_photos.py", 1500, corpus, broken)
    assert done.returncode == 0, done.stderr[-3000:]
    assert list(broken.iterdir()) == []
    assert len(list(corpus.iterdir())) > 25, "nothing that was made reached new code"


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no build for this platform")
def test_no_reader_of_videos_breaks_on_files_that_a_fuzzer_makes(tmp_path):
    corpus, broken = tmp_path / "corpus", tmp_path / "broken"
    broken.mkdir()
    done = run_fuzzer("fuzz_videos.py", 300, corpus, broken)
    assert done.returncode == 0, done.stderr[-3000:]
    assert list(broken.iterdir()) == []
    assert len(list(corpus.iterdir())) > 30, "nothing that was made reached new code"

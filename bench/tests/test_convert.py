"""The table of conversions counts what is right, and says why the rest does not count."""

from pathlib import Path

import numpy as np
import pytest
from immichvr_bench.clouds import joined, waves_cloud, with_view_dependence
from immichvr_bench.convert import Run, problem_of, rows_of
from immichvr_bench.convert_cases import CASES, Case
from immichvr_bench.convert_large import tile
from immichvr_bench.convert_report import document
from immichvr_bench.convert_tools import Job, Measure
from immichvr_bench.plain_ply import write_plain_ply
from immichvr_splats import read, write

CASE = Case("ply → spz v3", "ply", "spz", ("quick", "small"))


def run(milliseconds: float, size: int, problem: str = "") -> Run:
    return Run([Measure(milliseconds / 1000, milliseconds / 1000, 0)] * 3, size, problem)


def test_the_ratio_is_how_many_times_longer_the_peer_takes():
    rows = list(rows_of(CASE, "sh0", {"ours": run(10, 100), "quick": run(25, 100), "small": run(40, 100)}))
    assert [(row["peer"], row["ratio"], row["fastest_peer"]) for row in rows] == [
        ("quick", 2.5, True),
        ("small", 4.0, False),
    ]


@pytest.mark.parametrize(("size", "counts"), [(107, True), (108, False)])
def test_a_file_too_large_beside_the_smallest_correct_one_does_not_count(size, counts):
    rows = list(rows_of(CASE, "sh0", {"ours": run(10, size), "quick": run(25, 200), "small": run(40, 100)}))
    assert [row["small_enough"] for row in rows] == [counts, counts]


def test_a_wrong_peer_is_named_but_not_compared_with():
    done = {"ours": run(10, 100), "quick": run(1, 1, "holds 0 of 5 Gaussians"), "small": run(40, 100)}
    wrong, right = rows_of(CASE, "sh0", done)
    assert wrong["note"] == "holds 0 of 5 Gaussians"
    assert "ratio" not in wrong
    assert right["fastest_peer"]
    assert right["small_enough"]


def test_a_file_with_gaussians_missing_is_a_problem(tmp_path: Path):
    cloud = waves_cloud(8)
    path = tmp_path / "some.spz"
    write(cloud.take(np.arange(100)), path)
    job = Job(path, path, "ply", "spz")
    assert problem_of(job, 100) == ""
    assert problem_of(job, 128) == "holds 100 of 128 Gaussians"
    path.write_bytes(b"no spz")
    assert problem_of(job, 128).startswith("unreadable: ")


def test_the_inputs_are_what_the_table_says(tmp_path: Path):
    photo = waves_cloud(8)
    write_plain_ply(photo, tmp_path / "plain.ply")
    assert (tmp_path / "plain.ply").read_bytes().count(b"property float") == 14
    found = read(tmp_path / "plain.ply").cloud
    np.testing.assert_array_equal(found.means, photo.means)
    assert with_view_dependence(joined([photo, photo]), 3).sh.shape == (2 * photo.count, 16, 3)


def test_the_document_has_the_fastest_correct_peer_of_each_conversion_and_says_why():
    done = {"ours": run(10, 108), "limit": run(4, 0), "quick": run(25, 200), "small": run(40, 100)}
    rows = list(rows_of(CASE, "sh0", done))
    text = document({"date": "today", "machine": "here", "load": 0.1, "runs": 3, "rows": rows})
    lines = [line for line in text.splitlines() if line.startswith("| sh0")]
    assert len(lines) == 1
    assert "| quick |" in lines[0]
    assert "| 2.5 ¹ |" in lines[0]
    assert lines[0].endswith("| 4 |")
    assert all(f"- {case.name}: " in text for case in CASES)


def test_a_tiled_cloud_has_as_many_gaussians_as_wanted_beside_each_other(tmp_path: Path):
    photo = waves_cloud(8)
    write_plain_ply(photo, tmp_path / "few.ply")
    tile(tmp_path / "few.ply", photo.count, tmp_path / "many.ply", 2 * photo.count + 5)
    found = read(tmp_path / "many.ply").cloud
    assert found.count == 2 * photo.count + 5
    np.testing.assert_array_equal(found.log_scales[photo.count : 2 * photo.count], photo.log_scales)
    assert found.means[photo.count :, 0].min() >= photo.means[:, 0].max() - 1e-5

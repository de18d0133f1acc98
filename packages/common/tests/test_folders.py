"""Tests in several processes: a folder's stay together until another process has nothing of its own left."""

from __future__ import annotations

import pytest
from immichvr_common.testing.folders import folder_of, next_file

E2E, MORE_E2E = "tests/e2e/test_live.py", "tests/e2e/test_video.py"
GATEWAY, ROUTES = "services/gateway/tests/test_live.py", "services/gateway/tests/routes/test_jobs.py"
SPLATS, BENCH = "packages/splats/tests/test_ply.py", "bench/tests/test_video.py"


@pytest.mark.parametrize(
    ("file", "folder"),
    [
        (E2E, "tests/e2e"),
        (ROUTES, "services/gateway"),
        (SPLATS, "packages/splats"),
        (BENCH, "bench/tests"),
        ("test_alone.py", ""),
    ],
)
def test_a_file_belongs_to_a_part_of_the_workspace(file: str, folder: str) -> None:
    assert folder_of(file) == folder


@pytest.mark.parametrize(
    ("here", "elsewhere", "chosen"),
    [
        ("services/gateway", {"tests/e2e"}, ROUTES),
        ("", set(), E2E),
        ("", {"tests/e2e"}, ROUTES),
        ("packages/depth", {"tests/e2e", "services/gateway"}, SPLATS),
        ("tests/e2e", {"services/gateway"}, E2E),
    ],
)
def test_a_process_stays_in_its_folder_and_then_goes_where_nobody_is(
    here: str, elsewhere: set[str], chosen: str
) -> None:
    assert next_file([E2E, ROUTES, MORE_E2E, GATEWAY, SPLATS], here, elsewhere) == chosen


def test_who_has_nothing_left_helps_where_most_waits() -> None:
    waiting = [E2E, ROUTES, GATEWAY]
    assert next_file(waiting, "packages/depth", {"tests/e2e", "services/gateway"}) == ROUTES

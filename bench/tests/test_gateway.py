"""The bench of the gateway runs, and tells what it promises."""

from pathlib import Path

import pytest
from immichvr_bench.gateway import FIGURES, main


# Nothing holds it in short: the bench measures, and no part of the product hangs on it.
@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_quick_run_tells_every_figure_and_keeps_none(tmp_path: Path) -> None:
    figures = main(["--quick"], tmp_path / "gateway.json")
    assert list(figures) == list(FIGURES)
    assert all((figures[name] or 0) > 0 for name in FIGURES[:-1])
    assert not (tmp_path / "gateway.json").exists()

"""The tables of models that people read say what the registry says."""

from pathlib import Path

import pytest
from immichvr_models import Model, registry

PACKAGE = Path(__file__).parents[1]
PAGES = [PACKAGE / "README.md", PACKAGE.parents[1] / "docs" / "models.md"]


def line(model: Model) -> str:
    known = sum(file.size or 0 for file in model.files)
    if model.size is not None:
        size = f"{model.size / 1e9:.2f} GB"
    else:
        size = f"about {known / 1e9:.2f} GB" if known else "not known"
    memory = f"{model.memory_cpu_mb} MB measured" if model.memory_cpu_mb else f"over {model.weights_mb:.0f} MB"
    makes = ", ".join(model.makes) + (" (metres)" if model.metric else "")
    source = "video" if "video-depth" in model.makes else "photos" if model.several_views else "photo"
    licence = f"[{model.licence.name}]({model.licence.url})"
    cells = [f"`{model.key}`", makes, source, licence, "yes" if model.commercial_use else "no", size, memory]
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_table_of_models_is_that_of_the_registry(page: Path) -> None:
    expected = [
        "| key | makes | from | licence | commercial use | download | memory on a CPU |",
        "|---|---|---|---|---|---|---|",
        *(line(model) for model in registry if not model.built_in),
    ]
    assert "\n".join(expected) in page.read_text(encoding="utf-8")

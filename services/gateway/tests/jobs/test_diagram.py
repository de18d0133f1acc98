"""The picture of a job's life in the docs is the table that runs."""

import re
from pathlib import Path

from immichvr_gateway.jobs.machine import TRANSITIONS, Phase, Trigger

DOCS = Path(__file__).parents[4] / "docs" / "architecture.md"


def test_the_documented_life_of_a_job_is_the_table() -> None:
    drawn = set()
    for start, end, told in re.findall(r"^ +(\w+) --> (\w+): (.+)$", DOCS.read_text(), re.MULTILINE):
        names, plus = told.removesuffix(" +"), told.endswith(" +")
        drawn |= {(Phase(start), Trigger(name), Phase(end), plus) for name in names.split(", ")}
    assert drawn == {(phase, trigger, step.to, step.next_run) for (phase, trigger), step in TRANSITIONS.items()}

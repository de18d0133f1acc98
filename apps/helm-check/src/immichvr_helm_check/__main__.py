"""Holds the chart: python -m immichvr_helm_check [ROOT] prints a sentence for each thing that is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

from immichvr_helm_check.checking import check
from immichvr_helm_check.matrix import ways


def main(root: Path) -> int:
    """1 where something is wrong."""
    found = {way.name: check(way, root) for way in ways(root)}
    for name, sentences in found.items():
        sys.stdout.write("".join(f"{name}: {sentence}\n" for sentence in sentences))
    wrong = sum(map(len, found.values()))
    sys.stdout.write(f"the chart rendered in {len(found)} ways: {wrong} faults\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))

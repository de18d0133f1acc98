"""The catalogue is data: whatever reads it pays for nothing else."""

import subprocess
import sys

CODE = """
import sys
before = set(sys.modules)
import immichvr_catalog
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))
"""


def test_it_imports_nothing_but_the_standard_library() -> None:
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["immichvr_catalog"]

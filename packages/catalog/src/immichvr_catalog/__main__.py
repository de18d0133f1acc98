"""`python -m immichvr_catalog` prints the catalogue as JSON, for what is not written in Python."""

import sys

from immichvr_catalog.document import text

sys.stdout.write(text())

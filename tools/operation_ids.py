"""Notes the names of new operations of the API beside those that clients know; what is noted never changes."""

from pathlib import Path

from immichvr_gateway.openapi import operations

NOTED = Path(__file__).parents[1] / "services/gateway/tests/operation_ids.txt"

noted = dict(line.split(" ", 1) for line in NOTED.read_text().splitlines()) if NOTED.exists() else {}
NOTED.write_text("".join(f"{name} {where}\n" for name, where in sorted({**operations(), **noted}.items())))

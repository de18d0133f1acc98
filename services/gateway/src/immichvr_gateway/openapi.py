"""The OpenAPI document, without a library or servers: `python -m immichvr_gateway.openapi` prints it."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

from immichvr_gateway.app import make_api


@cache
def document() -> dict[str, Any]:
    """What the API offers, but for what a library adds to it; made once, not to be changed."""
    return make_api().openapi()


def text() -> str:
    """The document as it is printed."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def operations() -> dict[str, str]:
    """Every operation by the name that clients know it by: its method and path."""
    return {
        operation["operationId"]: f"{method.upper()} {path}"
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


if __name__ == "__main__":
    sys.stdout.write(text())

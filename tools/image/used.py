"""Imports all that our code imports, wherever in it, so that its bytecode lies beside it: python used.py

In an image nobody can write it later, and every process would compile anew. Bytecode of what is never imported would
take a tenth of an image. What cannot be imported here (extras that a service has not, other systems' modules) is left.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from pathlib import Path

_OURS = "immichvr"


def modules() -> Iterator[str]:
    """Every module of ours that is installed, but what is there for tests."""
    for found in pkgutil.iter_modules():
        if found.name.startswith(_OURS) and found.ispkg:
            package = importlib.import_module(found.name)
            yield found.name
            inside = pkgutil.walk_packages(package.__path__, f"{found.name}.", onerror=lambda name: None)
            yield from (one.name for one in inside if not {"testing", "__main__"} & set(one.name.split(".")))


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Modules and what is taken of them: `from a import b`, and `a.b` after `import a`."""
    whole = {
        (alias.asname or alias.name): alias.name
        for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }  # fmt: skip
    yield from ((name, "") for name in whole.values())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in whole:
            yield whole[node.value.id], node.attr


def main() -> None:
    """Imports it all; says what was left."""
    left: set[str] = set()
    for name in modules():
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            continue
        for module, attribute in sorted({("", ""), *imported(ast.parse(Path(spec.origin).read_text("utf-8")))}):
            try:
                getattr(importlib.import_module(module or name), attribute or "__name__", None)
            except (ImportError, RuntimeError, OSError):
                left.add(module or name)
    print("not imported:", ", ".join(sorted(left)) or "nothing")


if __name__ == "__main__":
    main()

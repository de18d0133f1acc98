"""The API as a page to read: made from the OpenAPI document, without scripts or anything from elsewhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response

from immichvr_gateway.http.headers import NOTHING

_OF_LIBRARY = frozenset({"photos", "videos", "timeline", "albums", "browsing"})
_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1e23}
details{border:1px solid #d5d9e0;border-radius:8px;margin:.5rem 0;padding:.5rem .8rem}summary{cursor:pointer}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#f2f4f8;padding:.6rem;border-radius:6px;overflow:auto}
b{display:inline-block;min-width:4.5rem}h2{margin-top:2rem;text-transform:capitalize}
@media(prefers-color-scheme:dark){body{background:#0d0f12;color:#e6e9ee}pre{background:#191d23}details{border-color:#2c323b}}"""


def install(app: FastAPI, cursor_pattern: str) -> None:
    """Serves the page at /api/docs; adds to the document what only this gateway's library knows."""
    generated = app.openapi

    def document() -> dict[str, Any]:
        whole = generated()
        lists = [one["get"] for one in whole["paths"].values() if "get" in one]
        of_library = [one for one in lists if not _OF_LIBRARY.isdisjoint(one.get("tags", []))]
        for parameter in [parameter for one in of_library for parameter in one.get("parameters", [])]:
            if parameter["name"] == "cursor":
                parameter["schema"] = {"anyOf": [{"type": "string", "pattern": cursor_pattern}, {"type": "null"}]}
        return whole

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way of changing the document

    @app.get("/api/docs", include_in_schema=False)
    async def docs() -> Response:
        policy = f"{NOTHING}; style-src 'unsafe-inline'"
        return HTMLResponse(page(app.openapi()), headers={"Content-Security-Policy": policy})


def page(document: dict[str, Any]) -> str:
    """The page for an OpenAPI document."""
    info = document["info"]
    sections: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", ["other"])[0]
            sections.setdefault(tag, []).append(_operation(document, path, method, operation))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(found)}" for tag, found in sections.items())
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in info["description"].split("\n\n"))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])} API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>{paragraphs}"
        f'<p>For programs: <a href="openapi.json">openapi.json</a>.</p>{body}</html>'
    )


def _operation(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> str:
    parameters = "".join(_parameter(one) for one in operation.get("parameters", []))
    wish = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    body = f"<p>Body:</p><pre>{escape(json.dumps(example(document, wish), indent=2))}</pre>" if wish else ""
    answers = "".join(_answer(document, status, one) for status, one in operation.get("responses", {}).items())
    inside = (f"<ul>{parameters}</ul>" if parameters else "") + body + answers
    words = escape(operation.get("description", ""))
    head = f"<b>{method.upper()}</b> <code>{escape(path)}</code> {words}"
    return f"<details><summary>{head}</summary>{inside}</details>"


def _parameter(parameter: dict[str, Any]) -> str:
    need = "required" if parameter.get("required") else f"default {parameter.get('schema', {}).get('default')}"
    return f"<li><code>{escape(parameter['name'])}</code> in {parameter['in']}, {escape(need)}</li>"


def _answer(document: dict[str, Any], status: str, response: dict[str, Any]) -> str:
    schema = response.get("content", {}).get("application/json", {}).get("schema")
    if not schema or status == "422":
        return f"<p>{status}: {escape(response.get('description', ''))}</p>"
    return f"<p>{status}:</p><pre>{escape(json.dumps(example(document, schema), indent=2))}</pre>"


def example(document: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> Any:
    """A value that fits a schema: its own example where it has one."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("examples"):
        return schema["examples"][0]
    for choice in ("anyOf", "allOf"):
        if choice in schema:
            return example(document, schema[choice][0], depth)
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    match schema.get("type"):
        case "object" if depth < 5:
            return {name: example(document, one, depth + 1) for name, one in schema.get("properties", {}).items()}
        case "array" if depth < 5:
            return [example(document, schema.get("items", {}), depth + 1)]
        case "integer" | "number":
            return 0
        case "boolean":
            return False
        case "string":
            return schema["enum"][0] if "enum" in schema else schema.get("format", "…")
    return None

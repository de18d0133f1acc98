"""Holds what is asked of Immich, and what a stub answers, against Immich's OpenAPI document."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BASE = "/api"
_COMPONENTS = "urn:immich"
_NOT_JSON_SCHEMA = frozenset({"nullable", "example", "default"})
_CREDENTIALS = (b"x-api-key", b"authorization")
_LINKS = (b"x-immich-share-key", b"x-immich-share-slug")
_LINK_OPENED = "immich_shared_link_token="

Json = dict[str, Any]


@dataclass
class Exchange:
    """A request and its answer as they were on the wire."""

    method: str
    path: str
    query: str
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    status: int = 0
    answer_headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    answer: bytes = b""

    def __str__(self) -> str:
        return f"{self.method} {self.path}?{self.query}".rstrip("?")


class Contract:
    """Checks exchanges against an OpenAPI 3.0 document.

    violations: what was wrong, in words; used: the operations (method, path template) that were called well.
    """

    def __init__(self, document: Json) -> None:
        self._document = document
        components = Resource.from_contents({"components": _as_json_schema(document["components"])}, DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_COMPONENTS, components)
        self._validators: dict[int, Draft202012Validator] = {}
        self.violations: list[str] = []
        self.used: set[tuple[str, str]] = set()

    def operation(self, method: str, template: str) -> Json:
        """What the document says of an operation."""
        found: Json = self._document["paths"][template][method.lower()]
        return found

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The same application, with every exchange checked."""

        async def checked(scope: Scope, receive: Receive, send: Send) -> None:
            exchange = Exchange(scope["method"], scope["path"], scope["query_string"].decode(), scope["headers"])
            heard = [await receive()]
            while heard[-1].get("more_body", False):
                heard.append(await receive())
            exchange.body = b"".join(message.get("body", b"") for message in heard)
            found = self.check_request(exchange)

            async def hear() -> Message:
                return heard.pop(0) if heard else await receive()

            async def say(message: Message) -> None:
                exchange.status = message.get("status", exchange.status)
                exchange.answer_headers = message.get("headers", exchange.answer_headers)
                exchange.answer += message.get("body", b"")
                ended = message["type"] == "http.response.body" and not message.get("more_body", False)
                if ended and found is not None and "instead" not in scope:
                    # before the last bytes leave: whoever has the answer may look at what was wrong with it
                    self.check_answer(exchange, found)
                await send(message)

            await app(scope, hear, say)

        return checked

    def check_request(self, exchange: Exchange) -> Json | None:
        """Notes what is wrong with a request; the operation it calls, None where there is none such."""
        found = self._find(exchange)
        if found is None:
            self.violations.append(f"{exchange}: no such path in the document")
            return None
        template, operation, in_path = found
        wrong = self._wrong_with_request(exchange, operation, in_path)
        self.violations += [f"{exchange}: {words}" for words in wrong]
        if not wrong:
            self.used.add((exchange.method, template))
        return operation

    def check_answer(self, exchange: Exchange, operation: Json) -> None:
        """Notes what is wrong with the answer of an operation."""
        self.violations += [f"{exchange}: {words}" for words in self._wrong_with_answer(exchange, operation)]

    def _find(self, exchange: Exchange) -> tuple[str, Json, dict[str, str]] | None:
        if not exchange.path.startswith(f"{_BASE}/"):
            return None
        path = exchange.path.removeprefix(_BASE)
        # /api-keys/me comes before /api-keys/{id}
        for template in sorted(self._document["paths"], key=lambda template: template.count("{")):
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
            match = re.fullmatch(pattern, path)
            operation = self._document["paths"][template].get(exchange.method.lower())
            if match and operation:
                return template, operation, match.groupdict()
        return None

    def _wrong_with_request(self, exchange: Exchange, operation: Json, in_path: dict[str, str]) -> list[str]:
        given = {"path": in_path, "query": dict(parse_qsl(exchange.query, keep_blank_values=True))}
        known = {(parameter["in"], parameter["name"]): parameter for parameter in operation.get("parameters", [])}
        wrong = []
        for place, values in given.items():
            for name, text in values.items():
                if (place, name) not in known:
                    wrong.append(f"unknown {place} parameter {name!r}")
                    continue
                schema = known[place, name]["schema"]
                wrong += self._mismatches(_parsed(text, schema), schema, f"{place} parameter {name}")
        for (place, name), parameter in known.items():
            if parameter.get("required") and name not in given.get(place, {}):
                wrong.append(f"{place} parameter {name} is missing")
        return wrong + self._wrong_with_body(exchange, operation) + _wrong_with_credentials(exchange, operation)

    def _wrong_with_body(self, exchange: Exchange, operation: Json) -> list[str]:
        expected = operation.get("requestBody")
        if expected is None:
            return ["a body where none is taken"] if exchange.body else []
        if not exchange.body:
            return ["the body is missing"] if expected.get("required") else []
        media_type = _header(exchange.headers, b"content-type").partition(";")[0]
        if media_type not in expected["content"]:
            return [f"a body of type {media_type!r}"]
        if media_type == "multipart/form-data":
            schema = expected["content"][media_type]["schema"]
            return self._mismatches(_form(exchange, self._resolved(schema)), schema, "body")
        return self._mismatches(_json_or_none(exchange.body), expected["content"][media_type]["schema"], "body")

    def _resolved(self, schema: Json) -> Json:
        found: Json = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found

    def _wrong_with_answer(self, exchange: Exchange, operation: Json) -> list[str]:
        if exchange.status >= 300:  # the document describes successes only; of refusals the gateway reads `message`
            if exchange.status < 400:
                return [] if _header(exchange.answer_headers, b"location") else ["a redirect to nowhere"]
            refusal = _json_or_none(exchange.answer)
            return [] if isinstance(refusal, dict) and "message" in refusal else ["a refusal without a message"]
        # Express answers a request for a range with 206, which the document leaves out.
        status = 200 if exchange.status == 206 else exchange.status
        described = operation["responses"].get(str(status))
        if described is None:
            return [f"status {exchange.status} is not described"]
        if "content" not in described:
            return ["a body where none is described"] if exchange.answer else []
        media_type = _header(exchange.answer_headers, b"content-type").partition(";")[0]
        if "application/octet-stream" in described["content"]:  # files carry their own type
            return [] if exchange.answer else ["an empty file"]
        if media_type not in described["content"]:
            return [f"an answer of type {media_type!r}"]
        return self._mismatches(_json_or_none(exchange.answer), described["content"][media_type]["schema"], "answer")

    def _mismatches(self, value: object, schema: Json, where: str) -> list[str]:
        validator = self._validators.get(id(schema))  # the document stays, and with it the ids of its parts
        if validator is None:
            plain = _as_json_schema(schema)
            validator = Draft202012Validator(plain, registry=self._registry, format_checker=FormatChecker())
            self._validators[id(schema)] = validator
        return [f"{where}: {error.json_path} {error.message[:200]}" for error in validator.iter_errors(value)]


def _wrong_with_credentials(exchange: Exchange, operation: Json) -> list[str]:
    names = [name for name, _ in exchange.headers]
    is_link = any(name in names for name in _LINKS)
    cookie = _header(exchange.headers, b"cookie")
    wrong = ["a cookie was sent"] if cookie and not (is_link and cookie.startswith(_LINK_OPENED)) else []
    shown = sum(name in names for name in (*_CREDENTIALS, *_LINKS))
    if is_link and not {"key", "slug"} <= {one["name"] for one in operation.get("parameters", [])}:
        wrong.append("a share link where none is taken")
    if operation.get("security") and shown != 1:
        wrong.append(f"{shown} credentials where one is needed")
    if not operation.get("security") and shown:
        wrong.append("a credential where none is needed")
    return wrong


def _header(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), "")


def _json_or_none(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _parsed(text: str, schema: Json) -> object:
    """A parameter's text as the value its schema speaks of."""
    if schema.get("type") in ("boolean", "integer", "number"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _as_json_schema(schema: Any) -> Any:
    """OpenAPI 3.0's dialect as JSON Schema: `nullable` spelled out; objects take only the properties they name."""
    if isinstance(schema, list):
        return [_as_json_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": _COMPONENTS + schema["$ref"]}
    plain = {
        key: {name: _as_json_schema(inner) for name, inner in value.items()}
        if key == "properties"
        else _as_json_schema(value)
        for key, value in schema.items()
        if key not in _NOT_JSON_SCHEMA
    }
    if "properties" in plain:
        plain.setdefault("additionalProperties", False)
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def _form(exchange: Exchange, schema: Json) -> Json:
    """The parts of a form by name: lists as the JSON they are sent as, all others as text."""
    head = b"content-type: " + _header(exchange.headers, b"content-type").encode() + b"\r\n\r\n"
    parts: Json = {}
    for part in BytesParser().parsebytes(head + exchange.body).get_payload():
        name = str(part.get_param("name", header="content-disposition"))
        text = part.get_payload(decode=True).decode("latin-1")
        is_list = schema["properties"].get(name, {}).get("type") == "array"
        parts[name] = _json_or_none(text.encode()) if is_list else text
    return parts

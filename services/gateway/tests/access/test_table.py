"""The table of access, held against a gateway: every operation, for everybody, about a real thing of each kind."""

from __future__ import annotations

import itertools
import logging
import re
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
from immichvr_gateway.openapi import document
from immichvr_gateway.settings import ImmichSettings

_METHODS = ("get", "post", "put", "patch", "delete")


def operations() -> list[str]:
    """Those of the API's description."""
    return [
        f"{method.upper()} {path}" for path, found in document()["paths"].items() for method in found
        if method in _METHODS
    ]  # fmt: skip


def test_every_operation_has_a_row_and_every_row_an_operation(table) -> None:
    rows, described = [row.operation for row in table.ROWS], set(operations())
    assert sorted(described - set(rows)) == [], "add their rows in services/gateway/tests/access/table.py"
    assert sorted(set(rows) - described) == [], "there is no such operation"
    assert len(rows) == len(set(rows))


async def test_every_operation_answers_everybody_as_the_table_says_and_no_secret_is_told_or_logged(
    table, houses, immich_server, serving, settings, storage, capsys, caplog
) -> None:
    caplog.set_level(logging.DEBUG, "httpx")
    house = await houses.build(immich_server, storage)
    settings = settings.model_copy(update={"immich": ImmichSettings(url=immich_server.url)})
    async with serving(settings) as gateway:
        await houses.move_in(house, gateway.client)
        await mistaken(gateway.client, house)
        # What takes something away comes last, the single thing before all of them; who may not before who may.
        rows = sorted(table.ROWS, key=lambda row: row.operation.startswith("DELETE") * (100 - row.operation.count("/")))
        wrong = [
            f"{row.operation} [{path}] for {role}: {said}"
            for row in rows
            for role in sorted(table.ROLES, key=lambda role, row=row: getattr(row.who, role) is table.YES)
            for path in paths(row.operation.partition(" ")[2], house)
            if (said := await differs(table, gateway.client, house, row, role, path))
        ]
    assert wrong == [], "\n" + "\n".join(wrong)
    # But for what the test's own client logs of its requests.
    logged = capsys.readouterr().out + "\n".join(one for one in caplog.messages if gateway.url not in one)
    assert house.stub.url in logged, "requests to Immich are logged too"
    assert "ready" in logged, "the log is looked at"
    for secret in secrets_of(house, settings):
        assert secret not in logged and not [one for one in house.heard if secret in one], secret


async def mistaken(client: httpx.AsyncClient, house: Any) -> None:
    """What people send where it does not belong, and is answered all the same."""
    key, person = house.keys["owner"], house.people["owner"]
    for wish in ({"api_key": f"{key}x"}, {"email": person.email, "password": f"{person.password}x"}, {"password": key}):
        house.heard.append(said(await client.post("/api/session", json=wish)))
    for path, headers in ((f"/api/photos?key={key}", {}), ("/api/photos", {"authorization": f"Bearer {key}x"})):
        house.heard.append(said(await client.get(path, headers=headers)))


def secrets_of(house: Any, settings: Any) -> list[str]:
    """Everything that nobody but its owner, or the gateway, may know."""
    own = [settings.nats.password, settings.s3.access_key, settings.s3.secret_key, settings.ai.token]
    found = [*house.keys.values(), *(person.password for person in house.people.values()), *house.stub.tokens]
    found += [one.get_secret_value() if hasattr(one, "get_secret_value") else str(one or "") for one in own]
    return [one for one in found if len(one) > 8]


def said(answer: httpx.Response) -> str:
    """All that an answer says."""
    return f"{answer.headers} {answer.text if answer.headers.get('content-type', '').startswith('application') else ''}"


def paths(template: str, house: Any) -> Iterator[str]:
    """The addresses of an operation: with each kind of asset, where it is about assets."""
    place = template.split("/")[2]
    values: list[list[str]] = []
    for name in re.findall(r"\{(\w+)\}", template):
        known = house.things.get(f"{place}.{name}", house.things.get(name))
        assert known or name == "asset_key", f"say in house.py what thing of the owner's a {{{name}}} is"
        values.append(house.asset_keys if name == "asset_key" else [known])
    for chosen in itertools.product(*values):
        one = iter(chosen)
        yield re.sub(r"\{\w+\}", lambda _, one=one: next(one), template)


async def differs(table: Any, client: httpx.AsyncClient, house: Any, row: Any, role: str, path: str) -> str:
    """In what an answer is not what the table says; empty where it is."""
    expected = getattr(row.who, role)
    answer, sent = await asked(client, house, row, role, path)
    if (got := meaning(table, house, row, answer)) != expected:
        return f"expected {expected}, got {got}: {answer.text[:200]}"
    told = [word for word in house.secret_from(role) if word in answer.text and word not in sent]
    if told:
        return f"tells of {told}: {answer.text[:200]}"
    if expected is table.HIDDEN:
        # Whoever does not see it is told the same; of one of them it is compared with what there is not.
        known = house.hidden.setdefault((row.operation, path), (answer.status_code, answer.text))
        if known != (answer.status_code, answer.text):
            return f"tells {answer.text} and somebody else {known}"
        if role != "other_user":
            return ""
        others = {value: elsewhere(value) for value in house.things.values()}
        things = {name: others[value] for name, value in house.things.items()}
        nothing, _ = await asked(client, house, row, role, replaced(path, others), things)
        if (nothing.status_code, nothing.text) != (answer.status_code, replaced(answer.text, others)):
            return f"can be told from what there is not: {answer.text} and {nothing.text}"
    return ""


def meaning(table: Any, house: Any, row: Any, answer: httpx.Response) -> str:
    """What an answer is, in the table's words."""
    if answer.is_success:
        return table.YES if not row.shows or house.things[row.shows] in answer.text else table.OWN
    if row.but and answer.json()["code"] in row.but:
        return table.YES
    known = {404: table.HIDDEN, 403: table.REFUSED, 401: table.SIGN_IN}
    return known.get(answer.status_code, str(answer.status_code))


async def asked(
    client: httpx.AsyncClient, house: Any, row: Any, role: str, path: str, things: dict[str, str] | None = None
) -> tuple[httpx.Response, str]:
    """What somebody is answered, of whom no cookie is kept; and what they sent."""
    body = None if row.body is None else filled(row.body, {**(things or house.things), "own_key": house.keys[role]})
    client.cookies.clear()
    method = row.operation.partition(" ")[0]
    answer = await client.request(method, path + row.query, json=body, headers={**house.headers(role), **row.headers})
    house.heard.append(said(answer))
    return answer, f"{path}{row.query} {body}"


def filled(body: Any, names: dict[str, str]) -> Any:
    """A body with things in the place of their names."""
    match body:
        case str():
            return body.format(**names)
        case dict():
            return {name: filled(value, names) for name, value in body.items()}
        case list():
            return [filled(value, names) for value in body]
    return body


def elsewhere(value: str) -> str:
    """A name of the same shape that nothing has."""
    return re.sub(r"[0-9a-f]{4,}", lambda found: secrets.token_hex(len(found[0]))[: len(found[0])], value)


def replaced(text: str, others: dict[str, str]) -> str:
    """A text with other things in the place of those named in it."""
    for value, other in others.items():
        text = text.replace(value, other)
    return text

"""Whether objects are what the API servers of several releases of Kubernetes take, and the operators beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
from jsonschema.protocols import Validator
from kubernetes_validate import latest_version
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from immichvr_helm_check.custom import SCHEMAS
from immichvr_helm_check.objects import Object, Objects, name_of

RELEASES = ("1.30.0", "1.33.0", "1.36.0", latest_version())
"""Releases of Kubernetes whose schemas are held."""


def check(objects: Objects, since: str = RELEASES[0]) -> list[str]:
    """A sentence for each field that some release from `since` on does not know, or takes otherwise."""
    releases = RELEASES[RELEASES.index(since) :]
    return [sentence for one in objects for sentence in _looked_at(json.dumps(one, sort_keys=True), releases)]


@cache
def _looked_at(text: str, releases: tuple[str, ...]) -> tuple[str, ...]:
    """Of one object as JSON: the same ones come again and again in the ways of rendering."""
    one = json.loads(text)
    found = SCHEMAS.get((one["apiVersion"], one["kind"]))
    if found is not None:
        return tuple(_sentences(one, jsonschema.Draft202012Validator(found), "its definition"))
    return tuple(sentence for release in releases for sentence in _of_release(one, release))


def _of_release(one: Object, release: str) -> Iterator[str]:
    validator = _validator(release, one["apiVersion"], one["kind"])
    if validator is None:
        yield f"{name_of(one)}: Kubernetes {release} knows no {one['kind']} of {one['apiVersion']}"
    else:
        yield from _sentences(one, validator, f"Kubernetes {release}")


def _sentences(one: Object, validator: Validator, by: str) -> Iterator[str]:
    for error in validator.iter_errors(one):
        # What fits neither of several forms is explained by the form that it comes nearest to.
        nearest = jsonschema.exceptions.best_match([error]) or error
        path = ".".join(str(part) for part in nearest.absolute_path) or "the object"
        yield f"{name_of(one)}: {path} is refused by {by}: {nearest.message[:300]}"


@cache
def _validator(release: str, api_version: str, kind: str) -> Validator | None:
    group, _, version = api_version.rpartition("/")
    name = f"{kind.lower()}-{group.split('.')[0] + '-' if group else ''}{version}.json"
    try:
        schema = schema_contents(f"kubernetes-json-schema/v{release}-local-strict/{name}", release)
    except FileNotFoundError:
        return None
    registry: Registry[Any] = Resource.from_contents(schema) @ _definitions(release)
    return jsonschema.Draft202012Validator(schema, registry=registry)


@cache
def _definitions(release: str) -> Registry[Any]:
    contents = schema_contents(f"kubernetes-json-schema/v{release}-local-strict/_definitions.json", release)
    registry: Registry[Any] = Resource.from_contents(contents) @ Registry()
    return registry

"""What must not stand in a log: credentials, ours and other people's. The last look at a line before it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, SecretStr

MASK = "•••"
_SHORTEST = 6
"""A secret of fewer letters is no secret, and might be a word of the line."""
_NAMED = re.compile(
    r"""(?ix)
    (?P<name> (?: authorization | x-api-key | api[_-]?key | (?: set-)? cookie | passw(?:or)?d | secret | token )
      (?: [_-][a-z]+ )? \\?["']? \s* [:=] \s* \\?["']? (?: (?: bearer | basic ) \s+ )? )
    (?P<value> (?! (?: null | true | false ) \b ) [^\s"'\\,;&{}\[\])]+ )
    """
)
"""What stands behind such a name, in a header, a query, a dictionary or JSON."""
_IN_ADDRESS = re.compile(r"""(?P<before>://(?:[^/\s:@"\\]*:)?)(?:[^/\s"\\]|\\[^/\s])+(?=@)""")
"""A password of an address, or a token that stands there alone; up to the last @, and not past the string's end."""


def secrets_in(settings: BaseModel) -> frozenset[str]:
    """Every secret of some settings, wherever it is nested."""
    return frozenset(one for one in _walk(settings) if len(one) >= _SHORTEST)


def _walk(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _walk(getattr(value, name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from _walk(one)


def _without_value(found: re.Match[str]) -> str:
    # A number of JSON stands without quotes, and a mask would be none.
    is_bare = found["name"].rstrip().endswith('":') and found["value"].isdecimal()
    return found["name"] + ("0" if is_bare else MASK)


def masked(line: str, secrets: Iterable[str] = ()) -> str:
    """A line without what is secret: these secrets as they are and as JSON spells them, and what is named as one."""
    for secret in secrets:
        for spelling in (secret, json.dumps(secret)[1:-1]):
            line = line.replace(spelling, MASK)
    line = _NAMED.sub(_without_value, line)
    return _IN_ADDRESS.sub(rf"\g<before>{MASK}", line)

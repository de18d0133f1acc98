"""Reads a Dockerfile: its stages and what each does, with build arguments and variables put in.

Of the language, what ours uses: shell forms of RUN, `${NAME}`, `${NAME:-word}`, `${NAME:+word}`, `COPY --from`.
Anything else is a ValueError that names it, rather than read as something it is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_KNOWN = {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:[-+])([^{}]*))?\})")
_FROM = re.compile(r"(\S+)(?:\s+AS\s+(\S+))?$", re.IGNORECASE)
_PAIR = re.compile(r"""(\w+)=("[^"]*"|\S*)""")


@dataclass(frozen=True)
class Instruction:
    """One, as it stands there but for variables outside of RUN. line: of the file, where it begins."""

    word: str
    rest: str
    line: int


@dataclass
class Stage:
    """From one FROM to the next. base: an image, or a stage before. arguments: its ARGs."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)
    arguments: dict[str, str] = field(default_factory=dict)


def instructions(text: str) -> list[Instruction]:
    """Every instruction, with its lines joined and comments left out."""
    found: list[Instruction] = []
    begun, words = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not words and not line.strip()):
            continue
        begun = begun if words else number
        words += line.removesuffix("\\")
        if not line.endswith("\\"):
            word, _, rest = words.strip().partition(" ")
            if word.upper() not in _KNOWN:
                raise ValueError(f"line {begun}: {word} is no instruction that is known here")
            found.append(Instruction(word.upper(), rest.strip(), begun))
            words = ""
    if words:
        raise ValueError(f"line {begun}: the file ends within an instruction")
    return found


def stages(text: str, arguments: Mapping[str, str]) -> list[Stage]:
    """The stages in order, for these build arguments; what is asked for by none is a ValueError."""
    general: dict[str, str] = {}
    found: list[Stage] = []
    asked: set[str] = set()
    for one in instructions(text):
        if one.word == "FROM":
            match = _FROM.match(substituted(one.rest, general))
            if match is None:
                raise ValueError(f"line {one.line}: FROM {one.rest} is not read here")
            found.append(Stage(match[2] or str(len(found)), match[1]))
            continue
        if one.word == "ARG":
            name, has_default, default = one.rest.partition("=")
            asked.add(name)
            scope = found[-1].arguments if found else general
            scope[name] = arguments.get(name, default.strip('"') if has_default else general.get(name, ""))
        if found:
            found[-1].instructions.append(one)
    if unknown := sorted(set(arguments) - asked):
        raise ValueError(f"there is no ARG {unknown[0]}")
    return found


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """`text` with its variables put in; of an unknown one nothing is left, as builders do."""

    def value(match: re.Match[str]) -> str:
        there = variables.get(match[1] or match[2], "")
        if match[3] == ":-":
            return there or match[4]
        if match[3] == ":+":
            return match[4] if there else ""
        return there

    return _VARIABLE.sub(value, text)


def pairs(rest: str) -> dict[str, str]:
    """The names and values of an ENV."""
    return {name: value.strip('"') for name, value in _PAIR.findall(rest)}


def command(rest: str) -> list[str]:
    """The words of a CMD in exec form, or of the command within a HEALTHCHECK."""
    words = json.loads(rest[rest.index("[") :])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{rest} is no list of words")
    return words

"""Bounds on what a server may cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImmichLimits:
    """Limits of an ImmichLibrary.

    connections: open at once; more wait for up to `connect_s`.
    connect_s, read_s: until a connection stands; until the next bytes of an answer arrive.
    answer_s: for a whole answer in JSON; file_s: spent waiting for the bytes of one file, the time that whoever
    reads them takes not counted.
    max_answer_bytes, max_file_bytes: more is not read.
    decision_s: how long Immich's word that somebody may see a photo is believed; refusal_s: that they may not;
    max_decisions: kept at once.
    standing_s: how long Immich's word that it takes a key or a session is believed. Who is connected is looked at
    every few seconds, so that this and one look are less than a minute.
    max_listed: photos of whole libraries that are remembered at once, to know what is in them.
    """

    connections: int = 64
    connect_s: float = 5.0
    read_s: float = 20.0
    answer_s: float = 30.0
    file_s: float = 300.0
    max_answer_bytes: int = 32 * 1024 * 1024
    max_file_bytes: int = 512 * 1024 * 1024
    decision_s: float = 60.0
    refusal_s: float = 30.0
    max_decisions: int = 20_000
    standing_s: float = 50.0
    max_listed: int = 200_000

"""Bounds on what a server may cost."""

from dataclasses import dataclass

from immichvr_catalog import PHOTO


@dataclass(frozen=True)
class ImmichLimits:
    """Limits of an ImmichLibrary.

    connections: open at once; more wait for up to `connect_s`.
    connect_s, read_s: until a connection stands; until the next bytes of an answer arrive.
    answer_s: for a whole answer in JSON; file_s: spent waiting for the bytes of one file, the time that whoever
    reads them takes not counted.
    max_answer_bytes, max_file_bytes, max_video_bytes: more is not read.
    decision_s: how long Immich's word that somebody may see a photo is believed; refusal_s: that they may not;
    max_decisions: kept at once.
    follow_s: between two questions about what is new for somebody who is connected; together with those about their
    credential no more than two a minute.
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
    max_video_bytes: int = 4_000_000_000
    decision_s: float = 60.0
    refusal_s: float = 30.0
    max_decisions: int = 50_000
    follow_s: float = 75.0
    standing_s: float = 50.0
    max_listed: int = 200_000

    def largest(self, kind: str) -> int:
        """Bytes of a file of a source of this kind."""
        return self.max_file_bytes if kind == PHOTO else self.max_video_bytes

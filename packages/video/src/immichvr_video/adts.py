"""AAC as MPEG streams carry it, each packet with a head of its own (ADTS: ISO/IEC 14496-3, 1.A.2.2)."""

from __future__ import annotations

from typing import Final

_HEAD, _CHECKSUM = 7, 2
_RATES: Final = 13
"""So many sampling rates have a number; those above it are none."""


def config_of(packet: bytes) -> bytes | None:
    """The AudioSpecificConfig (1.6.2.1) that other containers want once, from the head of one packet.

    None for what is no such packet, and where the channels are told in the sound only.
    """
    if not _is_framed(packet):
        return None
    kind, rate = (packet[2] >> 6) + 1, packet[2] >> 2 & 0xF
    channels = (packet[2] & 1) << 2 | packet[3] >> 6
    if rate >= _RATES or channels == 0:
        return None
    return (kind << 11 | rate << 7 | channels << 3).to_bytes(2, "big")


def content_of(packet: bytes) -> bytes | None:
    """A packet without its head; None for what is no such packet."""
    if not _is_framed(packet):
        return None
    has_checksum = not packet[1] & 1
    return packet[_HEAD + _CHECKSUM :] if has_checksum else packet[_HEAD:]


def _is_framed(packet: bytes) -> bool:
    return len(packet) > _HEAD + _CHECKSUM and packet[0] == 0xFF and packet[1] & 0xF6 == 0xF0

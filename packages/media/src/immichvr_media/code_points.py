"""Colour profiles for pictures that name their colour space by number (nclx, CICP) instead of carrying one.

Sources: ITU-T H.273 tables 2 and 3 (code points and chromaticities); ICC.1:2022 (profile layout, para curves);
Bradford adaptation as in ICC.1 annex E.
"""

import struct

import numpy as np
import numpy.typing as npt

_UNSPECIFIED = 2
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}

Chromaticities = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
BT709: Chromaticities = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
BT2020: Chromaticities = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
DISPLAY_P3: Chromaticities = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_PRIMARIES = {1: BT709, 9: BT2020, 12: DISPLAY_P3}

# Adobe RGB (1998) 4.3.1: gamma 563/256.
_ADOBE_RGB: Chromaticities = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060))
_ADOBE_CURVE = (563 / 256, 1.0, 0.0, 0.0, 0.0)

_D65 = (0.3127, 0.3290)
_D50_XYZ = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
# (gamma, a, b, c, d) of a type 3 curve: sRGB, IEC 61966-2-1.
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile_for_code_points(primaries: int, transfer: int, notes: list[str]) -> bytes | None:
    """An ICC profile for H.273 code points, None where the picture is sRGB or near enough to it.

    HDR transfer functions have no sRGB equivalent without tone mapping: noted, and taken as they are.
    """
    if transfer in _HDR_TRANSFERS:
        notes.append(f"HDR picture ({_HDR_TRANSFERS[transfer]}) taken as it is, without tone mapping")
        return None
    if primaries in (1, _UNSPECIFIED):
        return None
    if primaries not in _PRIMARIES:
        notes.append(f"colour primaries {primaries} (H.273) taken as sRGB's")
        return None
    return rgb_profile(_PRIMARIES[primaries])


def adobe_rgb_profile() -> bytes:
    """An ICC profile for Adobe RGB (1998)."""
    return rgb_profile(_ADOBE_RGB, _ADOBE_CURVE)


def rgb_profile(primaries: Chromaticities, curve: tuple[float, float, float, float, float] = _SRGB_CURVE) -> bytes:
    """A matrix profile, ICC version 4, of an RGB space with white D65 and one curve for all channels."""
    columns = _colorants(primaries).T
    para = b"para" + struct.pack(">IHH5i", 0, 3, 0, *(_fixed(value) for value in curve))
    tags = {
        b"desc": _text("RGB by code points"),
        b"cprt": _text("No copyright"),
        b"wtpt": _xyz(_D50_XYZ),
        b"rXYZ": _xyz(columns[0]),
        b"gXYZ": _xyz(columns[1]),
        b"bXYZ": _xyz(columns[2]),
        b"rTRC": para,
        b"gTRC": para,
        b"bTRC": para,
    }
    return icc_file(tags, device=b"mntr", space=b"RGB ", connection=b"XYZ ")


def icc_file(tags: dict[bytes, bytes], *, device: bytes, space: bytes, connection: bytes) -> bytes:
    """An ICC profile from its tagged data elements."""
    table, body = struct.pack(">I", len(tags)), b""
    at = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content + b"\x00" * (-len(content) % 4)
    size = at + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"", 0x04200000, device, space, connection)
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + b"\x00" * 28
    header += struct.pack(">3i", *(_fixed(value) for value in _D50_XYZ))
    return header.ljust(128, b"\x00") + table + body


def _colorants(primaries: Chromaticities) -> npt.NDArray[np.float64]:
    """The (3, 3) matrix from linear RGB to XYZ, adapted to D50."""
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([_D65[0] / _D65[1], 1, (1 - _D65[0] - _D65[1]) / _D65[1]])
    to_xyz = xyz * np.linalg.solve(xyz, white)
    scale = (_BRADFORD @ _D50_XYZ) / (_BRADFORD @ white)
    adapted: npt.NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ (scale[:, None] * _BRADFORD) @ to_xyz
    return adapted


def _xyz(values: npt.NDArray[np.float64]) -> bytes:
    return b"XYZ " + struct.pack(">I3i", 0, *(_fixed(value) for value in values))


def _text(words: str) -> bytes:
    encoded = words.encode("utf-16-be")
    return b"mluc" + struct.pack(">III2s2sII", 0, 1, 12, b"en", b"US", len(encoded), 28) + encoded


def _fixed(value: float) -> int:
    return round(value * 65536)

"""From PQ and HLG to the range of ordinary screens: one curve, made into a table of colours once.

Both become light in cd/m² first: PQ by SMPTE ST 2084, HLG by the OETF and OOTF of BT.2100 for a screen of 1000 cd/m²
(system gamma 1.2). Light above 1000 cd/m² is clipped. The brightest channel of each colour goes through the EETF of
BT.2390 from 1000 to 203 cd/m² (the reference white of BT.2408), which leaves everything up to about 90 cd/m² as it is
and rolls the rest off; the other channels follow in proportion, so that hues stay. Then BT.2020 becomes BT.709, what
lies outside of it is clipped, and sRGB's curve makes it into values.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Hdr = Literal["pq", "hlg"]
Floats = NDArray[np.float64]

TABLE_SIDE = 33
_PEAK = 1000.0
_WHITE = 203.0
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_HLG_A, _HLG_B, _HLG_C = 0.17883277, 0.28466892, 0.55991073
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])
# BT.2087, annex 1: from BT.2020 to BT.709
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])


def to_srgb(coded: Floats, hdr: Hdr) -> Floats:
    """What PQ or HLG values of BT.2020 (…, 3), 0..1, look like on an ordinary screen: sRGB (…, 3), 0..1."""
    light = _pq_light(coded) if hdr == "pq" else _hlg_light(coded)
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    shown = light * (rolled_off(brightest) / brightest) / _WHITE
    linear = np.clip(shown @ _TO_709.T, 0.0, 1.0)
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, 1 / 2.4) - 0.055))


def rolled_off(light: Floats) -> Floats:
    """The EETF of BT.2390 from 1000 to 203 cd/m², black staying black."""
    most = float(_pq_value(np.array(_WHITE)) / _pq_value(np.array(_PEAK)))
    knee = 1.5 * most - 0.5
    value = _pq_value(np.minimum(light, _PEAK)) / _pq_value(np.array(_PEAK))
    t = np.clip((value - knee) / (1 - knee), 0.0, 1.0)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    return _pq_light(np.where(value < knee, value, spline) * _pq_value(np.array(_PEAK)))


@cache
def cube(hdr: Hdr) -> str:
    """The table as a .cube file: red changes fastest."""
    axis = np.linspace(0.0, 1.0, TABLE_SIDE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    colours = to_srgb(np.stack([red, green, blue], axis=-1).reshape(-1, 3), hdr)
    rows = "\n".join(f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in colours.tolist())
    return f"LUT_3D_SIZE {TABLE_SIDE}\n{rows}\n"


def _pq_light(value: Floats) -> Floats:
    power = np.power(np.clip(value, 0.0, 1.0), 1 / _M2)
    return np.asarray(10000.0 * np.power(np.maximum(power - _C1, 0.0) / (_C2 - _C3 * power), 1 / _M1))


def _pq_value(light: Floats) -> Floats:
    power = np.power(np.clip(light / 10000.0, 0.0, 1.0), _M1)
    return np.asarray(np.power((_C1 + _C2 * power) / (1 + _C3 * power), _M2))


def _hlg_light(value: Floats) -> Floats:
    low = value**2 / 3
    high = (np.exp((np.maximum(value, 0.5) - _HLG_C) / _HLG_A) + _HLG_B) / 12
    scene = np.where(value <= 0.5, low, high)
    luma = np.maximum(scene @ _LUMA_2020, 1e-9)
    return np.asarray(_PEAK * scene * np.power(luma, 0.2)[..., None])

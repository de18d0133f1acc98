"""PLY files of any encoding, made without the writer that is tested."""

import numpy as np

from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.compiled import F32

BASE = [*"xyz", *(f"f_dc_{i}" for i in range(3)), "opacity"]
BASE += [*(f"scale_{i}" for i in range(3)), *(f"rot_{i}" for i in range(4))]
TYPES = {"f4": "float", "f8": "double"}


def columns(cloud: GaussianCloud) -> dict[str, F32]:
    """The values of a cloud by property name, spherical harmonics channel-major."""
    values = {n: cloud.means[:, i] for i, n in enumerate("xyz")}
    values |= {f"f_dc_{i}": cloud.sh[:, 0, i] for i in range(3)}
    rest = cloud.sh[:, 1:].transpose(0, 2, 1).reshape(cloud.count, -1)
    values |= {f"f_rest_{i}": rest[:, i] for i in range(rest.shape[1])}
    values |= {f"scale_{i}": cloud.log_scales[:, i] for i in range(3)}
    values |= {f"rot_{i}": cloud.quaternions[:, i] for i in range(4)}
    return values | {"opacity": cloud.opacity_logits}


def ply(
    cloud: GaussianCloud,
    encoding: str = "binary_little_endian",
    scalar: str = "f4",
    names: list[str] | None = None,
    before: str = "",
    after: str = "",
    tail: bytes = b"",
    newline: str = "\n",
) -> bytes:
    """A PLY file, with `before` and `after` as header lines around element vertex and `tail` behind its data."""
    values = columns(cloud)
    names = names or list(values)
    rows = np.stack([values.get(n, np.zeros(cloud.count)) for n in names], axis=1).astype(scalar)
    lines = ["ply", f"format {encoding} 1.0", *before.splitlines(), f"element vertex {cloud.count}"]
    lines += [f"property {TYPES[scalar]} {n}" for n in names] + after.splitlines() + ["end_header", ""]
    if encoding == "ascii":
        body = "".join(" ".join(repr(float(v)) for v in row) + newline for row in rows).encode()
    else:
        body = rows.astype(rows.dtype.newbyteorder("<" if "little" in encoding else ">")).tobytes()
    return newline.join(lines).encode() + body + tail


def assert_same(read_cloud: GaussianCloud, cloud: GaussianCloud) -> None:
    """That all values are the same, to the last bit but for quaternions, which are made unit."""
    for name in ("means", "log_scales", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(read_cloud, name), getattr(cloud, name), name)
    np.testing.assert_allclose(read_cloud.quaternions, cloud.quaternions, atol=1e-6)

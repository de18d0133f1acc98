"""A PLY that every peer reads."""

from pathlib import Path

import numpy as np
from immichvr_splats import GaussianCloud


def write_plain_ply(cloud: GaussianCloud, path: Path) -> None:
    """SHARP's 14 columns without the elements that gaussforge and gsply refuse."""
    names = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"]
    names += [f"scale_{k}" for k in range(3)] + [f"rot_{k}" for k in range(4)]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {cloud.count}"]
    header += [f"property float {name}" for name in names] + ["end_header", ""]
    columns = (cloud.means, cloud.sh[:, 0], cloud.opacity_logits[:, None], cloud.log_scales, cloud.quaternions)
    path.write_bytes("\n".join(header).encode() + np.concatenate(columns, axis=1).tobytes())

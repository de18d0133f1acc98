"""The order in which `auto` prefers models: workers choose by it, and the gateway ranks what was made.

Crisp edges count for more than metres: lifting lives on them. From what the models' authors publish; not measured by
us.
"""

from __future__ import annotations

PREFERRED_DEPTH = (
    "depthpro",
    "da3nested-giant-large",
    "da2-large",
    "da3mono-large",
    "da3-giant",
    "da3-large",
    "da3metric-large",
    "da2-base",
    "da3-base",
    "zoedepth",
    "da2-small",
    "da3-small",
    "midas-dpt-large",
)
"""Networks that make depth of a single photo, best first."""
PREFERRED_SPLATS = ("sharp", "da3nested-giant-large", "da3-giant")
"""Networks that make Gaussians of a single photo, best first; lifting the best depth comes after them."""

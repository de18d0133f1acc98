"""The kinds of jobs that are done here, as the catalogue names them."""

from immichvr_catalog import DEPTH, SPLAT

PHOTO_JOBS = frozenset({DEPTH, SPLAT})
LIVE = "live"
RENDER = "render"

"""What the catalogue holds of it."""

from immichvr_catalog import AssetKind, JobKind, Service

ROWS = (
    Service("toy-maker"),
    AssetKind("toy", root="toys", title="Toy"),
    JobKind("play", "toy-maker", "Playing", takes=("photo", "video"), makes=("toy",)),
)

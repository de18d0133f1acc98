"""What every ImmichVR service process needs. Knows no word of photos, splats or depth."""

import os

# gRPC's core writes lines of its own making past every log; it looks when it is imported, which comes after this.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

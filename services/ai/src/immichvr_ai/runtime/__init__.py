"""Where networks run: device, precision, memory, and which of them stay loaded."""

from immichvr_ai.runtime.residency import RUNTIME, Loaded, Runtime

__all__ = ["RUNTIME", "Loaded", "Runtime"]

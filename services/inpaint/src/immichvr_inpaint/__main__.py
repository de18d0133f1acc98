"""Runs the inpaint service: python -m immichvr_inpaint."""

import asyncio

from immichvr_common.imports import service_imports

with service_imports():
    from immichvr_common.aftermath import Aftermath
    from immichvr_common.service import ServiceSpec, serve
    from immichvr_common.settings import settings_or_exit

    from immichvr_inpaint.elsewhere import end_elsewhere, named_elsewhere
    from immichvr_inpaint.kinds import SENT
    from immichvr_inpaint.service import RPC_NAMES, register
    from immichvr_inpaint.settings import CAPABILITY, InpaintSettings

if __name__ == "__main__":
    spec = ServiceSpec(
        CAPABILITY, register, RPC_NAMES, warm="immichvr_inpaint.warming:steps", starts_child=False,
        aftermath=Aftermath(SENT, end_elsewhere, named_elsewhere),
    )  # fmt: skip
    asyncio.run(serve(spec, settings_or_exit(InpaintSettings)))

"""The service elsewhere that is set up: opened to be sent to, and told where what it was sent is wanted no more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from immichvr_common.errors import InvalidRequest

from immichvr_inpaint.elsewhere.adapter import GROUP, CloudFailed, CloudTrainer
from immichvr_inpaint.elsewhere.http import HttpTrainer
from immichvr_inpaint.settings import CloudSettings, current_settings

_HTTP = "http"


def open_trainer(settings: CloudSettings, agreed: str) -> CloudTrainer:
    """The service that is set up. agreed: the address that people said yes to.

    Raises InvalidRequest where none is set up, or another than they agreed to.
    """
    if not settings.url:
        raise InvalidRequest("no service elsewhere is set up: IMMICHVR_INPAINT_CLOUD__URL names one")
    if settings.url.rstrip("/") != agreed.rstrip("/"):
        raise InvalidRequest(
            "this worker would send pictures to another address than people were told: set IMMICHVR_INPAINT_CLOUD__URL "
            "and IMMICHVR_GATEWAY_CLOUD__ADDRESS to the same one, then ask again"
        )
    if settings.adapter == _HTTP:
        return HttpTrainer(settings.url, settings.token.get_secret_value())
    known = {point.name: point for point in entry_points(group=GROUP)}
    if settings.adapter not in known:
        raise InvalidRequest(f"there is no adapter {settings.adapter!r}; there are: {', '.join([_HTTP, *known])}")
    opened: CloudTrainer = known[settings.adapter].load()(settings.url, settings.token.get_secret_value())
    return opened


def named_elsewhere(kept: bytes) -> str:
    """What a job is called there; empty where nothing is done there any more. kept: as `Sent.encode` gave it."""
    return str(json.loads(kept).get("job") or "")


def end_elsewhere(params: Mapping[str, Any], kept: bytes) -> None:
    """Ends what a job that was cancelled has sent. params: of the job. kept: as `Sent.encode` gave it.

    Raises CloudFailed, InvalidRequest.
    """
    job = named_elsewhere(kept)
    if not job:
        return
    trainer = open_trainer(current_settings().cloud, str(params.get("sendsTo", "")))
    if not hasattr(trainer, "cancel"):
        raise CloudFailed(f"this adapter cannot end the job {job} elsewhere; end it there")
    trainer.cancel(job)

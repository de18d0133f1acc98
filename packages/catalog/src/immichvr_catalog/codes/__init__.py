"""Which errors there are, under the codes that programs tell them by, in words for people: a module by topic."""

from __future__ import annotations

from immichvr_catalog.codes.access import ACCESS
from immichvr_catalog.codes.code import ErrorCode
from immichvr_catalog.codes.files import FILES
from immichvr_catalog.codes.live import LIVE
from immichvr_catalog.codes.media import PHOTOS_AND_VIDEOS, UNDECODED
from immichvr_catalog.codes.models import MODELS
from immichvr_catalog.codes.places import PLACES
from immichvr_catalog.codes.requests import REQUESTS
from immichvr_catalog.codes.work import WORK
from immichvr_catalog.table import Table

__all__ = ["ERRORS", "UNDECODED", "ErrorCode"]

ERRORS = Table("error", ErrorCode, (*PHOTOS_AND_VIDEOS, *PLACES, *FILES, *WORK, *ACCESS, *REQUESTS, *MODELS, *LIVE))
"""Every error by its code."""

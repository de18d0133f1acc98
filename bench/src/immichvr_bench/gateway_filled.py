"""A gateway that knows of a splat of each of so many photos, as after years of use: `… gateway_filled PHOTOS`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

import uvicorn
from immichvr_catalog import SPLAT
from immichvr_common.logs import configure_logs
from immichvr_common.scratch import own_folder
from immichvr_common.sources import Source
from immichvr_gateway import app as application
from immichvr_gateway.assets.index import AssetEntry, AssetIndex
from immichvr_gateway.library import Library
from immichvr_gateway.resources import Resources, open_resources
from immichvr_gateway.serving import allow_many_connections, server_config
from immichvr_gateway.settings import GatewaySettings
from immichvr_gateway.upkeep.memory import give_back_early, settle_down

from immichvr_bench.gateway_immich import photo_id

MODEL, RECIPE = "lift-da2-small", "0123456789abcdef"


def fill(index: AssetIndex, photos: int) -> None:
    """Notes a splat of each photo but the first, whose own lies in storage."""
    made_at = datetime(2026, 11, 2, tzinfo=UTC)
    for number in range(1, photos):
        source = Source.photo(photo_id(number))
        # Not where assets lie: nobody holds these against storage.
        key = f"bench/{source.id}_{MODEL}/{RECIPE}/manifest.json"
        index.put(
            AssetEntry(source=source, kind=SPLAT, model_key=MODEL, recipe=RECIPE, manifest_key=key, made_at=made_at)
        )


def main() -> None:
    """Serves until it is stopped."""
    give_back_early()
    settings = GatewaySettings()
    configure_logs(settings.log_level, settings.log_json, settings.service)
    with own_folder(settings.work_directory):

        def open_filled(settings: GatewaySettings, library: Library) -> Resources:
            here = open_resources(settings, library)
            fill(here.assets, int(sys.argv[1]))
            return here

        vars(application)["open_resources"] = open_filled  # what is known from the first moment on
        allow_many_connections()
        asyncio.run(
            uvicorn.Server(server_config(application.create_app(settings, on_up=settle_down), settings)).serve()
        )


if __name__ == "__main__":
    main()

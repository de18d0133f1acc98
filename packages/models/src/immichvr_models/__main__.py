"""Fetches weights ahead of the first job that needs them: python -m immichvr_models KEY… [--accept-licence KEY]….

Where they are kept and come from, the environment says: see `settings_from_env` and `default_root`. Whoever names a
model here wants it fetched, whatever its size; a licence that asks somebody has to be accepted by name.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from immichvr_common.logs import configure_logs, get_log

from immichvr_models.cache import Cache
from immichvr_models.errors import DownloadError, UnknownModel

log = get_log(__name__)


def fetch_all(cache: Cache, keys: Sequence[str], licences: Sequence[str]) -> None:
    """Fetches these models, one after another. Raises UnknownModel before anything is fetched, DownloadError."""
    models = [cache.registry[key] for key in keys]
    for key in licences:
        cache.accept(key, "the operator")
    for model in models:
        # Its size needs no further yes, its licence does.
        directory = cache.ensure(model, accepted=cache.is_licensed(model))
        log.info("a model is here", model=model.key, directory=str(directory))


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Fetches weights ahead of the first job that needs them.")
    parser.add_argument("keys", nargs="+", metavar="KEY")
    parser.add_argument("--accept-licence", action="append", default=[], metavar="KEY")
    given = parser.parse_args(arguments)
    configure_logs("info", True, "models")
    try:
        fetch_all(Cache.from_env(), given.keys, given.accept_licence)
    except (UnknownModel, DownloadError) as error:
        sys.exit(f"immichvr-models: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])

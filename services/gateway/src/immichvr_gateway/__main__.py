"""Runs the gateway: python -m immichvr_gateway."""

from immichvr_common.imports import service_imports


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    with service_imports():
        from immichvr_gateway.running import run
    run()


if __name__ == "__main__":
    main()

"""The `immichvr` command. Every import that takes time is made by the command that needs it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from immichvr_common.imports import many_imports

from immichvr_local.errors import plain_errors
from immichvr_local.making_commands import convert, inpaint, motion, reconstruct, scene, splat, video
from immichvr_local.models_command import models

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Photos become Gaussian splats one can look around in.",
)
app.add_typer(models, name="models")


Photos = Annotated[Path | None, typer.Option(help="A folder of photos.", show_default=False)]
Data = Annotated[
    Path | None,
    typer.Option(help="Where everything is kept.", show_default="$IMMICHVR_DATA or ~/.local/share/immichvr"),
]
Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="The gallery's port.", show_default="2284, or the next one that is free"),
]
Host = Annotated[str, typer.Option(help="The address the gallery listens on; beyond this machine it asks to sign in.")]


class Pool(StrEnum):
    """Whose jobs a worker takes."""

    cpu = "cpu"
    gpu = "gpu"


Tls = Annotated[
    bool,
    typer.Option("--tls", help="Serve the gallery over https, as headsets and cameras need it from other devices."),
]


@app.command()
def up(photos: Photos = None, data: Data = None, port: Port = None, host: Host = "127.0.0.1", tls: Tls = False) -> None:
    """Run the whole system on this machine, over a folder of photos or the Immich that IMMICH_URL names."""
    with plain_errors():
        with many_imports():
            from immichvr_local.up import up as run

        run(photos, data, host, port, tls)


@app.command()
def demo(
    photos: Photos = None,
    once: Annotated[bool, typer.Option("--once", help="End when every photo has its splat.")] = False,
    data: Data = None,
    port: Port = None,
) -> None:
    """Run the whole system over the sample photos, or a folder, and make a splat of every one."""
    with plain_errors():
        with many_imports():
            from immichvr_local.demo.run import demo as run

        raise typer.Exit(run(photos, once, data, port))


for making in (splat, scene, reconstruct, inpaint, video, motion, convert):
    app.command()(making)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what is here, what is missing, and what to do about it."""
    with plain_errors():
        from immichvr_local.doctor.run import doctor as run

        raise typer.Exit(run(as_json))


@app.command()
def worker(
    home: Annotated[str, typer.Argument(help="The name or address at which home is reached.")],
    secrets: Annotated[Path, typer.Option(help="A folder with one of each service's secrets, as home has them.")],
    service: Annotated[
        list[str] | None,
        typer.Option(help="Work for this service; may be given several times.", show_default="all with secrets"),
    ] = None,
    pool: Annotated[Pool, typer.Option(help="Whose jobs are taken.")] = Pool.gpu,
    children: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that do the work.", show_default="as the service has")
    ] = None,
    nats: Annotated[str | None, typer.Option(help="NATS's address.", show_default="tls://HOME:4222")] = None,
    s3: Annotated[str | None, typer.Option(help="S3's address.", show_default="https://HOME:8333")] = None,
    attach: Annotated[
        str | None, typer.Option(help="The gateway's door for live sessions.", show_default="https://HOME:9443")
    ] = None,
    data: Data = None,
) -> None:
    """Work on this machine for an ImmichVR elsewhere: connections go out, and nobody connects to it."""
    with plain_errors():
        from immichvr_local.stack.data import default_directory
        from immichvr_local.worker_command import Options, services_in, work_for

        options = Options(services_in(secrets, service or []), secrets, pool.value, children)
        work_for(home, {"nats": nats, "s3": s3, "attach": attach}, options, data or default_directory() / "worker")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def admin(context: typer.Context, data: Data = None) -> None:
    """For operators: verify, backup, restore, rebuild, gc, drain; `immichvr admin --help` lists them."""
    with plain_errors():
        from immichvr_local.admin_command import admin as run

        raise typer.Exit(run(context.args, data))


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of the gateway, without running anything."""
    with plain_errors():
        from immichvr_gateway.openapi import text

        typer.echo(text(), nl=False)

"""What a person sees of the stack: who is up, what died, and where everything is."""

from __future__ import annotations

from collections.abc import Iterable

from immichvr_catalog import GATEWAY
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from immichvr_local.stack.parts import METRICS_SECRET, Plan, names
from immichvr_local.stack.supervisor import Event


class StackStatus:
    """Tells of a stack on a console: a live line while it starts in a terminal, plain lines elsewhere."""

    def __init__(self, console: Console, parts: Iterable[str] | None = None) -> None:
        """parts: the names of those that start; by default all of a whole stack."""
        self._console = console
        self._waiting = list(names() if parts is None else parts)
        self._died: set[str] = set()
        self._status = Status("", console=console) if console.is_terminal else None
        self._show_waiting()

    def say(self, sentence: str) -> None:
        """One sentence on a line of its own."""
        self._console.print(sentence, markup=False)

    def tell(self, event: Event) -> None:
        """Something happened to a part."""
        name = event.part.name
        if event.kind == "died":
            self._died.add(name)
            self.say(f"{name} {event.why}; it is started again in {event.seconds:.1f} s; its log is {event.part.log}")
        elif name in self._died:
            self._died.discard(name)
            self.say(f"{name} is up again")
        elif name in self._waiting:
            self._waiting.remove(name)
            if self._status is None:
                self.say(f"{name} is ready ({event.seconds:.1f} s)")
            self._show_waiting()

    def close(self) -> None:
        """Takes the live line away."""
        if self._status is not None:
            self._status.stop()

    def _show_waiting(self) -> None:
        if self._status is None:
            return
        if not self._waiting:
            self._status.stop()
            return
        self._status.update(f"starting; waiting for {', '.join(self._waiting)}")
        self._status.start()


def addresses(plan: Plan) -> list[tuple[str, str]]:
    """Where everything is: what, and its address."""
    inner = plan.inner
    rows = [
        ("gallery", plan.gallery),
        *(("gallery, from other devices", address) for address in plan.addresses_from_elsewhere),
        *([("certificate", plan.tls.words())] if plan.tls is not None else []),
        ("API docs", f"{plan.gallery}/api/docs"),
        ("photos", str(plan.photos) if plan.photos is not None else "Immich, at IMMICH_URL"),
        ("S3", f"http://127.0.0.1:{inner['seaweedfs-s3']} (bucket immichvr)"),
        ("NATS", f"nats://127.0.0.1:{inner['nats']}"),
    ]
    rows += [
        (f"metrics of {name}", f"http://127.0.0.1:{inner[f'{name}-metrics']}/metrics")
        for name in (GATEWAY, *(worker.name for worker in plan.workers))
    ]
    rows.append(("metrics token", f"in {plan.data.secret_file(METRICS_SECRET)}"))
    if not plan.is_open:
        rows.append(("access token", f"in {plan.data.secret_file('access-token')}"))
    return [*rows, ("data", str(plan.data.root)), ("logs", str(plan.data.logs))]


def show_addresses(console: Console, plan: Plan) -> None:
    """The table of addresses: a table in a terminal, lines elsewhere."""
    rows = addresses(plan)
    if not console.is_terminal:
        for name, address in rows:
            console.print(f"{name}: {address}", markup=False)
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, address in rows:
        table.add_row(name, escape(address))
    console.print(table)

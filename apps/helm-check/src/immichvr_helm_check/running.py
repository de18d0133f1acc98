"""A rendered release as processes of this machine: each container's command and environment, in its pod's folder.

What a cluster would do is done by replacing words: mounted paths lie below the folder, names and ports of Services lead
to a free port of loopback, programs of images are those that are installed here. Where this process may, a root that is
read-only in the pod is so here: nothing but the folder can be written to, and the repository, whose compiled kernels
stand for the image's.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from immichvr_catalog import SERVICES
from immichvr_common.embedded import binary, free_ports, stop_process

from immichvr_helm_check.objects import Object, of_kind, selects
from immichvr_helm_check.ports import listening
from immichvr_helm_check.probing import answers, serves
from immichvr_helm_check.processes import Process
from immichvr_helm_check.rendering import NAMESPACE
from immichvr_helm_check.settings import settings_of

_SERVERS = {"nats-server": "NATS_SERVER", "weed": "WEED"}
"""Programs of others' images, and the variable that names another of that kind."""
_WEED_PORTS = ("master.port", "volume.port", "filer.port", "s3.port")
_PATIENCE_S = 120
_READ_ONLY = """
set -e
for place in "$FOLDER" "$REPOSITORY"; do mount --bind "$place" "$place"; done
mount -o remount,bind,ro /
cd "$PWD"
unset FOLDER REPOSITORY
exec "$@"
"""


class Failed(RuntimeError):
    """A pod did not come up, or ended; the message says which, and how its log ends."""


@dataclass
class Running:
    """A container that was started. ports: here, by the number that it has in the pod."""

    process: Process
    folder: Path
    ports: dict[int, int]
    settings: dict[str, str]
    started: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.folder / f"{self.process.container['name']}.log"


@dataclass
class Release:
    """The pods of a release on this machine. root: of their folders; repository: whose images they would run.

    A folder's name has to be short: sockets of servers lie in it.
    """

    objects: list[Object]
    processes: list[Process]
    root: Path
    repository: Path
    defaults: dict[str, str]
    running: list[Running] = field(default_factory=list)

    def address(self, service: str, port: int) -> str:
        """Where a Service's port is here, with its host."""
        return self._addresses()[f"{service}:{port}"]

    async def start(self) -> None:
        """Starts every pod, and waits until each says that it is ready, or has done what it is for. Raises Failed."""
        self.running = [self._placed(process) for process in self.processes]
        pods: dict[str, list[Running]] = {}
        for one in self.running:
            if not _is_test(one.process):
                pods.setdefault(one.process.pod.where, []).append(one)
        await asyncio.gather(*(self._pod(containers) for containers in pods.values()))

    async def test(self) -> None:
        """Runs what `helm test` would. Raises Failed."""
        for one in self.running:
            if _is_test(one.process):
                self._spawn(one)
                await self._until_done(one)

    async def stop(self) -> dict[str, int]:
        """Ends every pod as a cluster does; gives how each container of ours that was still running ended."""
        alive = [one for one in self.running if one.started is not None and one.started.poll() is None]
        await asyncio.gather(*(asyncio.to_thread(stop_process, one.started, _grace(one)) for one in alive))
        return {one.process.where: one.started.returncode for one in alive if one.process.service and one.started}

    async def _pod(self, containers: list[Running]) -> None:
        first = {container["name"] for container in containers[0].process.pod.spec.get("initContainers") or []}
        is_errand = containers[0].process.pod.owner["kind"] == "Job"
        for one in containers:
            self._spawn(one)
            if is_errand or one.process.container["name"] in first:
                await self._until_done(one)
            else:
                await self._until_ready(one)

    def folder(self, process: Process) -> Path:
        """The root of its pod."""
        wheres = list(dict.fromkeys(one.pod.where for one in self.processes))
        return self.root / str(wheres.index(process.pod.where))

    def _placed(self, process: Process) -> Running:
        folder = self.folder(process)
        ports = {port["containerPort"]: 0 for port in process.container.get("ports") or []}
        own: dict[str, str] = {}
        if process.is_the_service:
            prefix = SERVICES[process.service].env_prefix
            for setting, (_, port) in listening(settings_of(process, self.defaults)).items():
                if port:
                    ports[port] = 0
                    own[prefix + setting.upper().replace(".", "__")] = str(port)
        found = dict(zip(ports, free_ports(len(ports)), strict=True))
        return Running(process, folder, found, {name: str(found[int(port)]) for name, port in own.items()})

    def _addresses(self) -> dict[str, str]:
        """Where each port of each Service leads, by every way to write its name."""
        found: dict[str, str] = {}
        for service in of_kind(self.objects, "Service"):
            name, spec = service["metadata"]["name"], service["spec"]
            for one in self.running:
                if not selects({"matchLabels": spec.get("selector") or {"": ""}}, one.process.pod.labels):
                    continue
                named = {port.get("name"): port["containerPort"] for port in one.process.container.get("ports") or []}
                for port in spec["ports"]:
                    target = port.get("targetPort", port["port"])
                    if number := named.get(target, target if target in one.ports else None):
                        for suffix in ("", f".{NAMESPACE}", f".{NAMESPACE}.svc", f".{NAMESPACE}.svc.cluster.local"):
                            found[f"{name}{suffix}:{port['port']}"] = f"127.0.0.1:{one.ports[number]}"
        return found

    def _here(self, one: Running, text: str) -> str:
        """A text of the pod, as it has to be on this machine."""
        for name, address in sorted(self._addresses().items(), key=lambda pair: -len(pair[0])):
            text = re.sub(rf"(?<![\w.-]){re.escape(name)}\b", address, text)
        if not one.process.service:
            for port, number in one.ports.items():
                text = re.sub(rf"(?<=[:=]){port}\b", str(number), text)
        # All at once: the folder itself may lie below a path that is mounted.
        paths = "|".join(re.escape(path) for path in sorted(_mounted(one.process), key=len, reverse=True))
        return (
            re.sub(rf"(?<![\w/.-])({paths})(?![\w-])", lambda found: str(one.folder) + found[1], text)
            if paths
            else text
        )

    def _spawn(self, one: Running) -> None:
        process = one.process
        for path, text in process.files.items():
            place = one.folder / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text if process.service else self._here(one, text), "utf-8")
        for folder in process.folders:
            (one.folder / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
        given = {name: self._here(one, value) for name, value in process.environment.items()}
        environment = {**self._of_image(one), **given, **one.settings}
        command = [self._here(one, word) for word in process.command]
        directory = one.folder / str(process.container.get("workingDir", "/tmp")).lstrip("/")  # noqa: S108  # the pod's
        directory.mkdir(parents=True, exist_ok=True)
        program = self._program(command)
        if self._is_shut(process):
            environment |= {"FOLDER": str(one.folder), "REPOSITORY": str(self.repository)}
            program = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _READ_ONLY, "sh", *program]
        with one.log.open("ab") as log:
            one.started = subprocess.Popen(
                program, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment,
                cwd=directory, start_new_session=True,
            )  # fmt: skip

    def _of_image(self, one: Running) -> dict[str, str]:
        """What images set. Kernels that are compiled ahead in an image are compiled ahead in this environment."""
        temporary = str(one.folder / "tmp")
        path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        found = {"PATH": path, "HOME": temporary, "TMPDIR": temporary}
        if one.process.service:
            web = self.repository / "services/gateway/web/dist"
            found = {**self._of_dockerfile(one), **found}
            found |= {"SERVICE": one.process.service, "IMMICHVR_GATEWAY_WEB": str(web)}
        return found

    def _of_dockerfile(self, one: Running) -> dict[str, str]:
        """Its variables, but for those of kernels: in an image they lie elsewhere."""
        text = (self.repository / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
        [line] = re.findall(r"^ENV PATH=(.*)$", text, re.MULTILINE)
        pairs = (word.split("=", 1) for word in line.split() if "=" in word)
        return {name: self._here(one, value) for name, value in pairs if not name.startswith("NUMBA_")}

    def _is_shut(self, process: Process) -> bool:
        """Whether the root of the container is read-only, and can be so here."""
        wanted = (process.container.get("securityContext") or {}).get("readOnlyRootFilesystem")
        return bool(wanted and process.service and can_shut())

    def _program(self, command: list[str]) -> list[str]:
        match command:
            case ["sh", "/opt/start.sh"] | []:
                return ["sh", str(self.repository / "tools/image/start.sh")]
            case ["python", *words]:
                return [sys.executable, *words]
            case [name, *words] if name in _SERVERS:
                return [binary(name, _SERVERS[name]), *words, *(_other_ports(words) if name == "weed" else [])]
        raise Failed(f"there is no program here for {command}")

    async def _until_done(self, one: Running) -> None:
        assert one.started is not None  # noqa: S101  # spawned just before
        code = await asyncio.to_thread(one.started.wait, _PATIENCE_S)
        if code:
            raise Failed(_told(one, f"ended with {code}"))

    async def _until_ready(self, one: Running) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not await self._is_ready(one):
                    if one.started is None or one.started.poll() is not None:
                        raise Failed(_told(one, "ended"))
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise Failed(_told(one, f"was not ready within {_PATIENCE_S} s")) from error

    async def _is_ready(self, one: Running) -> bool:
        """What its readiness probe would say."""
        probe = one.process.container["readinessProbe"]
        if ask := probe.get("httpGet"):
            return await answers(
                f"{ask.get('scheme', 'HTTP').lower()}://127.0.0.1:{_port(one, ask['port'])}{ask['path']}"
            )
        if ask := probe.get("grpc"):
            return await serves(_port(one, ask["port"]), ask.get("service", ""))
        if ask := probe.get("exec"):
            # What images have for it is not here: the address is asked that stands in the command.
            return await answers(self._here(one, next(word for word in ask["command"] if "://" in word)))
        raise Failed(f"{one.process.where}: nobody knows how to ask {probe}")


@cache
def can_shut() -> bool:
    """Whether this process may give others a root of their own."""
    tried = ["unshare", "--mount", "--propagation", "private", "mount", "-o", "remount,bind,ro", "/"]
    return shutil.which("unshare") is not None and subprocess.run(tried, capture_output=True).returncode == 0


def _port(one: Running, port: int | str) -> int:
    named = {each.get("name"): each["containerPort"] for each in one.process.container.get("ports") or []}
    return one.ports[int(named.get(port, port))]


def _mounted(process: Process) -> set[str]:
    return {mount["mountPath"] for mount in process.container.get("volumeMounts") or []}


def _other_ports(words: list[str]) -> Iterator[str]:
    """SeaweedFS listens at some that its command does not speak of, all of which are one pod's alone in a cluster."""
    for name in _WEED_PORTS:
        for flag in (name, f"{name}.grpc"):
            if not any(word.startswith(f"-{flag}=") for word in words):
                yield f"-{flag}={free_ports(1)[0]}"


def _is_test(process: Process) -> bool:
    return "test" in (process.pod.owner["metadata"].get("annotations") or {}).get("helm.sh/hook", "").split(",")


def _grace(one: Running) -> float:
    """How long it may take to end. Nobody needs what servers hold, and SeaweedFS waits for itself."""
    given = float(one.process.pod.spec.get("terminationGracePeriodSeconds", 30))
    return given if one.process.service else 1


def _told(one: Running, what: str) -> str:
    lines = one.log.read_text("utf-8", "replace").splitlines()[-30:]
    return "\n".join([f"{one.process.where} {what}", *lines])

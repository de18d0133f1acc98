"""What the compose file says, started as processes: its commands, its variables, its volumes at their paths.

Each container is a file system of its own over this machine's (an overlay, entered by chroot), all of them in one
network of their own in which every service's name is this machine. Programs are those of the wheels, in place of the
images'.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from immichvr_common.embedded import binary

from .conftest import ROOT, compose, mounts

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"), reason="needs Linux and root"
    ),
    pytest.mark.timeout(300),
]
_OVERLAY = """
set -e
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --rbind /dev "$1/root/dev"
mount -t proc proc "$1/root/proc"
[ -z "$2" ] || mount -t tmpfs tmpfs "$1/root/tmp"
while read -r source target; do mount --bind "$source" "$1/root$target"; done <"$1/mounts"
user="$2" folder="$3" root="$1/root"
shift 3
exec chroot ${user:+--userspec="$user"} "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""
_ALL = """
ip link set lo up
for name in $3; do sh "$1/$name/start" >"$1/$name/log" 2>&1 & done
exec "$2" "$1/program.py"
"""
_UNTIL_WELL = """
import json, subprocess, sys, time, urllib.error, urllib.request
for _ in range(240):
    try:
        ready = json.load(urllib.request.urlopen("http://127.0.0.1:2284/api/ready", timeout=5))
        break
    except (OSError, urllib.error.HTTPError) as error:
        time.sleep(0.5)
else:
    sys.exit("the gateway is not ready")
health = subprocess.run(["sh", "-c", {health!r}], env={variables!r})
print(json.dumps(ready | {{"converter": health.returncode == 0}}))
"""


class Containers:
    """Folders in which containers of the compose file are laid out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.compose = compose(IMMICH_URL="http://127.0.0.1:9")
        (root / "overlay").write_text(_OVERLAY, "utf-8")
        (root / "hosts").write_text("127.0.0.1 localhost nats s3 immichvr\n", "utf-8")

    def lay_out(self, name: str, command: list[str], **more: str) -> dict[str, str]:
        """Makes one ready to be started with this command and more variables; all that it sees."""
        one, folder = self.compose["services"][name], self.root / name
        for each in ("upper/scratch", "upper/run/secrets", "work", "root"):
            (folder / each).mkdir(parents=True)
        (folder / "upper/run/secrets/immich-api-key").touch()
        bound = [(self.root / "hosts", "/etc/hosts")]
        for source, target, _ in mounts(one):
            (self.root / "volumes" / source).mkdir(parents=True, exist_ok=True)
            (folder / f"upper{target}").mkdir(parents=True, exist_ok=True)
            bound.append((self.root / "volumes" / source, target))
        user = ""
        if name in ("nats", "s3"):
            # Its user need not reach the checkout, and finds an empty /tmp.
            user, program = one["user"], folder / "upper/usr/local/bin/server"
            program.parent.mkdir(parents=True)
            program.touch()
            bound.append((Path(command[0]), "/usr/local/bin/server"))
            command = ["/usr/local/bin/server", *command[1:]]
        (folder / "mounts").write_text("".join(f"{source} {target}\n" for source, target in bound), "utf-8")
        variables = {key: str(value or "") for key, value in one.get("environment", {}).items()}
        variables |= {"PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin", **more}
        set_ = [f"{key}={value}" for key, value in variables.items()]
        inside = ["sh", str(self.root / "overlay"), str(folder), user, one.get("working_dir", "/"), *command]
        (folder / "start").write_text(
            f"exec {shlex.join(['unshare', '--mount', 'env', '-i', *set_, *inside])}\n", "utf-8"
        )
        return variables

    def run(self, names: Sequence[str], program: str) -> str:
        """Starts them, and beside them a program in Python; what it says."""
        (self.root / "program.py").write_text(program, "utf-8")
        done = subprocess.run(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ALL, "sh", str(self.root),
             sys.executable, " ".join(names)],
            capture_output=True, text=True, timeout=280,
        )  # fmt: skip
        logs = "\n".join(f"--- {name}\n{(self.root / name / 'log').read_text('utf-8')[-3000:]}" for name in names)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{logs}"
        return done.stdout


def test_its_parts_come_up_with_the_secrets_that_the_first_one_makes(tmp_path: Path) -> None:
    containers = Containers(tmp_path)
    of: dict[str, Any] = containers.compose["services"]
    containers.lay_out("provision", [sys.executable, *of["provision"]["command"][1:]])
    subprocess.run(["sh", str(tmp_path / "provision/start")], check=True, timeout=60)

    start = str(ROOT / "tools/image/start.sh")
    containers.lay_out("nats", [binary("nats-server", "NATS_SERVER"), *of["nats"]["command"][1:]])
    containers.lay_out("s3", [binary("weed", "WEED"), *of["s3"]["command"]])
    containers.lay_out("gateway", ["sh", start], SERVICE="gateway")
    (tmp_path / "gateway/upper/opt/web").mkdir(parents=True)
    # Containers have addresses of their own; here they share one.
    apart = {"IMMICHVR_CONVERTER_METRICS__PORT": "9091"}
    variables = containers.lay_out("converter", ["sh", start], SERVICE="converter", **apart)
    health = f"cd {ROOT}/tools/image && exec python health.py IMMICHVR_CONVERTER_"
    said = containers.run(
        ("nats", "s3", "gateway", "converter"),
        _UNTIL_WELL.format(health=health, variables=variables | {"IMMICHVR_CONVERTER_RPC__PORT": "50051"}),
    )
    ready = json.loads(said)
    parts = ("nats", "s3", "started", "tasks", "room", "converter")
    assert {name: ready[name] for name in parts} == dict.fromkeys(parts, True), ready

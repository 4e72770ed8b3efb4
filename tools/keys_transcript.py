"""Shows how keys are used, with real programs on several hosts: `sudo .venv/bin/python -m tools.keys_transcript`.

In network namespaces on a switch of their own: the owner's desk with a store, two Pis, an operator's laptop, and a
guest without keys. Keys are granted, commands given and refused, the key is changed, and in the end the store accounts
for every reading. What is typed, with the host before the `$`, and what is answered is printed. `ssh` is played: it
runs a program on another of the hosts.
"""

import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.netns.hosts import Host, Lan, missing

CHECKOUT: Final = Path(__file__).parents[1]
BIN: Final = Path(sys.executable).parent
HOSTS: Final = ("desk", "shed", "cellar", "laptop", "guest")
SETTLES_S: Final = 4.0  # a node listens for a second before it takes commands
PATIENCE_S: Final = 60.0

EVERYTHING: Final = re.compile(r" ([0-9]+) sent = \1 stored$", re.MULTILINE)
"""What `jph loss` tells when nothing was lost."""

NETWORK: Final = """\
network: {interface: eth0}
defaults: {interval: 500ms}
"""
TAGGED: Final = """\
security: {mode: require, keys: ~/keys}
nodes:
  F1: {host: shed, driver: simulated, options: {signal: sine, mean: 21, amplitude: 2, period: 1m}}
  FK: {host: shed, driver: control, options: {default: 20, min: 0, max: 100}}
  FG: {host: cellar, driver: control, options: {default: 20, min: 0, max: 100}}
  Q1: {host: desk, driver: sqlite, options: {path: ~/history.db}}
"""
# A host has its name, its home, and programs that believe to be on a computer of their own.
ENTER: Final = """\
#!/bin/sh
host=$1; shift
exec ip netns exec "$({folder}/namespace "$host")" unshare --uts env -i HOME={folder}/"$host" PATH={path} \\
    PYTHONPATH={checkout} PYTHONUNBUFFERED=1 LC_ALL=C.UTF-8 \\
    sh -c 'hostname "$0"; cd; exec sh -c "$1"' "$host" "$*"
"""


class Stage:
    """The hosts, and the folder with their homes."""

    def __init__(self, lan: Lan, folder: Path) -> None:
        self.hosts: dict[str, Host] = {name: lan.host(name) for name in HOSTS}
        self.folder = folder
        for name in HOSTS:
            (folder / name).mkdir()
            tagged = "" if name == "guest" else TAGGED
            (folder / name / "jph.yaml").write_text(NETWORK + tagged, "utf-8")
        self._enter = folder / "ssh"
        names = "\n".join(f"    {name}) echo {host.name};;" for name, host in self.hosts.items())
        self._script("namespace", f'#!/bin/sh\ncase "$1" in\n{names}\nesac\n')
        path = f"{folder}:{BIN}:/usr/sbin:/usr/bin:/sbin:/bin"
        self._script(
            "ssh", ENTER.format(folder=folder, path=path, checkout=CHECKOUT).replace("test -t 0 || exec 3<&0\n", "")
        )

    def run(self, host: str, command: str) -> str:
        """Type a command on a host; show it and what it prints, and return that."""
        print(f"\n{host}$ {command}", flush=True)
        done = subprocess.run(  # noqa: S603 - words of this module
            [self._enter, host, command],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=PATIENCE_S,
        )
        printed = re.sub(f"{re.escape(str(self.folder))}/({'|'.join(HOSTS)})(?=/)", "~", done.stdout)
        print(printed, end="", flush=True)
        return printed

    def start(self, host: str, command: str, log: str) -> None:
        """Start a program on a host that stays, and show it."""
        print(f"\n{host}$ {command} 2>{log} &", flush=True)
        self.hosts[host].start(str(self._enter), host, f"exec {command} >{log} 2>&1")

    def _script(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text, "utf-8")
        path.chmod(0o755)


def main() -> int:
    """Play it; 0 when no reading was lost while the key was changed."""
    if reason := missing():
        print(f"there can be no hosts here: {reason}", file=sys.stderr)
        return 1
    with TemporaryDirectory() as folder, Lan() as lan:
        return _play(Stage(lan, Path(folder)))


def _play(stage: Stage) -> int:
    _grant(stage)
    _command(stage)
    _refuse(stage)
    _rotate(stage)
    return 0 if EVERYTHING.search(_account(stage)) else 1


def _chapter(title: str) -> None:
    print(f"\n# {title}", flush=True)


def _grant(stage: Stage) -> None:
    _chapter("Granting")
    stage.run("desk", "jph keys init")
    stage.run("desk", "jph keys grant F1 FK | ssh shed jph keys install -")
    stage.run("desk", "jph keys grant FG | ssh cellar jph keys install -")
    stage.run("desk", "jph keys grant CK --operator --targets FK | ssh laptop jph keys install -")
    stage.run("desk", "jph keys list")
    for host in ("desk", "shed", "cellar"):
        stage.start(host, "jph-agent", "agent.log")
    time.sleep(SETTLES_S)
    stage.run("desk", "jph nodes")


def _command(stage: Stage) -> None:
    _chapter("Commanding")
    stage.run("laptop", "jph set FK 40")
    stage.run("laptop", "jph set FG 40")
    stage.run("desk", "jph set FK FG 25")


def _refuse(stage: Stage) -> None:
    _chapter("Being refused")
    stage.start("laptop", "jph watch --flag set --flag acknowledge --count 2", "watch.log")
    time.sleep(1.0)
    stage.run("guest", "jph send set FK 99 --as CK")
    time.sleep(1.0)
    stage.run("laptop", "cat watch.log")
    stage.run("shed", "tail -n 1 agent.log")
    stage.run("laptop", "jph get FK")


def _rotate(stage: Stage) -> None:
    _chapter("Changing the key")
    stage.run("desk", "jph keys rotate")
    _hand_out(stage, "shed", "cellar", "laptop")
    stage.run("desk", "jph keys rotate --use")
    _hand_out(stage, "shed")
    stage.run("desk", "jph keys list --live")
    _hand_out(stage, "cellar", "laptop")
    stage.run("desk", "jph keys list --live")
    stage.run("desk", "jph keys rotate --finish")
    stage.run("desk", "jph keys rotate --finish --now")
    _hand_out(stage, "shed", "cellar", "laptop")
    stage.run("laptop", "jph set FK 30")


GRANTS: Final = {
    "shed": ("F1 FK", "FK"),
    "cellar": ("FG", "FG"),
    "laptop": ("CK", ""),
}
"""To whom keys are handed out on each host, and the node through which its agent is told to read them."""


def _hand_out(stage: Stage, *hosts: str) -> None:
    for host in hosts:
        names, _ = GRANTS[host]
        stage.run("desk", f"jph keys grant {names} | ssh {host} jph keys install -q -")
    nodes = " ".join(["Q1", *(GRANTS[host][1] for host in hosts if GRANTS[host][1])])
    stage.run("desk", f"jph reload {nodes}")
    time.sleep(SETTLES_S)


def _account(stage: Stage) -> str:
    _chapter("Was anything lost meanwhile?")
    return stage.run("desk", "jph loss --since 1h")


if __name__ == "__main__":
    sys.exit(main())

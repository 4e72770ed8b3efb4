"""Shows on a terminal that no reading is lost: `sudo .venv/bin/python -m tools.loss_transcript`, a minute and a half.

In a network namespace of its own: the demo, three sensors that count and keep a log of what they gave, a PostgreSQL
server and its sink. A fifth of all packets is lost, and PostgreSQL is stopped for a while. In the end the database has
exactly what the sensors gave. What is typed and what is answered is printed.
"""

import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import yaml

from tests.netns import counting
from tests.netns.hosts import Namespace, missing, which
from tests.netns.shelves import postgres_shelf
from tests.storage.postgres_server import PostgresServer

CHECKOUT: Final = Path(__file__).parents[1]
BIN: Final = Path(sys.executable).parent
SENSORS: Final = ("D1", "D2", "D3")
SINK: Final = "P1"
LOSSY_S: Final = 20.0
STOPPED_S: Final = 20.0
PATIENCE_S: Final = 60.0
LOOK_EVERY_S: Final = 0.5

LOSS: Final = (
    "add table inet jph; add chain inet jph input { type filter hook input priority 0; }; "
    "add rule inet jph input meta l4proto udp numgen random mod 100 < 20 counter drop"
)
COUNT: Final = "SELECT codifier, count(*) FROM jph.readings WHERE codifier IN ('D1', 'D2', 'D3') GROUP BY 1 ORDER BY 1"


class Stage:
    """The namespace, and the folder in which everything lies that is made here."""

    def __init__(self, namespace: Namespace, folder: Path, server: PostgresServer) -> None:
        self.folder = folder
        self.server = server
        self.shelf = postgres_shelf(server)
        self._namespace = namespace
        self._environment = (f"PYTHONPATH={folder / 'packages'}:{CHECKOUT}", f"XDG_STATE_HOME={folder}", "COLUMNS=160")

    @property
    def demo(self) -> Path:
        """The configuration of the demo, once it runs."""
        return self.folder / "jph" / "demo" / "jph.yaml"

    @property
    def file(self) -> Path:
        """The configuration of the counting sensors and of the sink."""
        return self.folder / "jph.yaml"

    def start(self, *command: str) -> None:
        """Start a program beside, and say so."""
        print(f"\n$ {' '.join(command)} &", flush=True)
        log = self.folder / f"{len(list(self.folder.glob('*.log')))}.log"
        script = f'exec "$0" "$@" >{log} 2>&1'
        self._namespace.start("env", *self._environment, "sh", "-c", script, _program(command[0]), *command[1:])

    def run(self, *command: str) -> None:
        """Run a program and show what it prints, also when it fails."""
        shown = (f"'{word}'" if " " in word else word for word in command)
        print(f"\n$ {' '.join(shown)}", flush=True)
        try:
            print(
                self._namespace.run("env", *self._environment, _program(command[0]), *command[1:]), end="", flush=True
            )
        except RuntimeError as error:
            print(error, flush=True)

    def configure(self) -> None:
        """Add the counting sensors and the sink to the demo's network."""
        network = yaml.safe_load(self.demo.read_text("utf-8"))["network"]
        counts = {"driver": counting.NAME, "options": {"folder": str(self.folder)}, "interval": "100ms"}
        sink = {"driver": self.shelf.driver, "options": dict(self.shelf.options)}
        nodes = {**dict.fromkeys(SENSORS, counts), SINK: sink}
        document = {"network": network, "defaults": {"keepalive": "1s"}, "nodes": nodes}
        self.file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")

    def given(self) -> list[tuple[str, int]]:
        """Return what the sensors' own logs say."""
        return [(name, counting.count(self.folder, name)) for name in SENSORS]

    def stored(self) -> list[tuple[str, int]]:
        """Return what the database says."""
        return [(name, count) for name, count in self.server.execute(COUNT, self.shelf.options["database"])]


def main() -> int:
    """Play it; 0 when the database has what the sensors gave."""
    if reason := missing():
        print(f"there can be no network of its own here: {reason}", file=sys.stderr)
        return 1
    with closing(PostgresServer()) as server, TemporaryDirectory() as folder, closing(Namespace("stage")) as namespace:
        return _play(Stage(namespace, Path(folder), server))


def _play(stage: Stage) -> int:
    counting.install(stage.folder / "packages")
    _start(stage)
    stage.run("nft", LOSS)
    time.sleep(LOSSY_S)
    stage.run("nft", "list", "chain", "inet", "jph", "input")
    stage.run("jph", "loss", "--config", str(stage.file))
    _stop_for_a_while(stage)
    counting.stop(stage.folder)
    _wait(lambda: stage.stored() == stage.given())
    stage.run("jph", "loss", "--config", str(stage.file))
    return _compare(stage)


def _start(stage: Stage) -> None:
    stage.start("jph", "demo", "--headless")
    _wait(stage.demo.exists)
    stage.configure()
    stage.start("jph-agent", "--config", str(stage.file), *SENSORS, SINK)
    _wait(lambda: len(stage.stored()) == len(SENSORS))
    stage.run("jph", "nodes", "--config", str(stage.demo))


def _stop_for_a_while(stage: Stage) -> None:
    print("\n$ pg_ctl stop", flush=True)
    stage.server.stop()
    time.sleep(STOPPED_S)
    print("\n$ pg_ctl start", flush=True)
    stage.server.start()


def _compare(stage: Stage) -> int:
    print(f"\n$ wc -l {' '.join(f'{name}.log' for name in SENSORS)}", *_lines(stage.given()), sep="\n")
    print(f'\n$ psql -c "{COUNT}"', *_lines(stage.stored()), sep="\n")
    same = stage.given() == stage.stored()
    print("\nThe database has every reading once." if same else "\nThey are NOT the same.")
    return 0 if same else 1


def _lines(counts: list[tuple[str, int]]) -> list[str]:
    return [f"{name} {count:6}" for name, count in counts]


def _wait(condition: Callable[[], bool]) -> None:
    """Wait until something is so, or has had a minute: what comes then shows that it is not."""
    until_s = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < until_s:
        time.sleep(LOOK_EVERY_S)


def _program(name: str) -> str:
    """Return jph's own program, else the system's."""
    own = BIN / name
    return str(own) if own.exists() else which(name) or name


if __name__ == "__main__":
    sys.exit(main())

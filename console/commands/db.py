"""`jph db` and `jph db user`: the PostgreSQL database that a node of the configuration stores into."""

import getpass
import sys
from typing import TYPE_CHECKING, Annotated, cast

import typer

from agent.configuration import load_configuration
from config.durations import format_size
from config.model import Configuration
from console import words
from console.commands.options import ConfigOption, QuietOption
from console.output import stdout, tell
from console.seat import load_or_demo
from protocol.errors import JphError

if TYPE_CHECKING:
    from storage.postgres_admin import Prepared
    from storage.postgres_options import PostgresOptions

DRIVER = "postgres"
_TO_BE_MADE = "`jph db init` makes the schema, `jph db migrate` brings an older one up to date"


class NoDatabaseError(JphError):
    """The configuration names no database, or several and none was chosen."""


NodeOption = Annotated[str | None, typer.Option("--node", metavar="CODIFIER", help="The node that stores into it.")]
EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")]


def sql(*, config: ConfigOption = None, quiet: QuietOption = False) -> int:
    """Print the whole schema as SQL for psql, with the original system's views of all configured sensors."""
    from storage.postgres_admin import schema_sql  # noqa: PLC0415 - psycopg, which no other command needs

    configuration, _ = load_or_demo(config, load_configuration)
    stdout().write(schema_sql(configuration))
    if not quiet:
        sensors = words.counted(len(list(configuration.sensors())), "sensor")
        tell(f"{sensors}; psql -f runs it, and so does `jph db init`")
    return 0


def init(*, node: NodeOption = None, config: ConfigOption = None, quiet: QuietOption = False) -> int:
    """Make the schema where there is none; a second time changes nothing."""
    from storage import postgres_admin  # noqa: PLC0415 - psycopg, which no other command needs

    configuration, options = _database(config, node)
    return _told(postgres_admin.init(options, configuration), quiet=quiet)


def migrate(*, node: NodeOption = None, config: ConfigOption = None, quiet: QuietOption = False) -> int:
    """Bring the schema, and the views of the configured sensors, up to date; a second time changes nothing."""
    from storage import postgres_admin  # noqa: PLC0415 - psycopg, which no other command needs

    configuration, options = _database(config, node)
    return _told(postgres_admin.migrate(options, configuration), quiet=quiet)


def status(*, node: NodeOption = None, config: ConfigOption = None) -> int:
    """Print what the database is and what is in it; fail (exit code 1) when its schema is not this program's."""
    from storage import postgres_status  # noqa: PLC0415 - psycopg, which no other command needs

    _, options = _database(config, node)
    found = postgres_status.status(options)
    output = stdout()
    output.line(f"database    {found.database}, {format_size(found.size_bytes)}, PostgreSQL {found.server}")
    output.line(f"timescaledb {found.timescaledb or 'none'}")
    output.line(f"schema      {found.schema or 'none'}, newest {found.newest_schema}")
    for partition in found.partitions:
        output.line(f"part        {partition.name}: {partition.readings} readings, {format_size(partition.size_bytes)}")
    if found.contents is None:
        is_newer = found.schema > found.newest_schema
        tell("a newer jph made the schema: update jph on this computer" if is_newer else _TO_BE_MADE)
        return 1
    for name, count in found.contents._asdict().items():
        output.line(f"{name:11} {'none' if count is None else count}")
    return 0


def add_user(
    email: EmailArgument,
    *,
    change: Annotated[bool, typer.Option("--change", help="Change the password of a user there is.")] = False,
    node: NodeOption = None,
    config: ConfigOption = None,
) -> int:
    """Add a user, whose password is asked for, or read from standard input; only its hash is kept."""
    from storage import postgres_admin  # noqa: PLC0415 - psycopg, which no other command needs

    _, options = _database(config, node)
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    postgres_admin.add_user(options, email, password, is_change=change)
    tell(f"{email}: {'changed' if change else 'added'}")
    return 0


def list_users(*, node: NodeOption = None, config: ConfigOption = None) -> int:
    """Print the e-mail address of each user, one a line."""
    from storage import postgres_admin  # noqa: PLC0415 - psycopg, which no other command needs

    _, options = _database(config, node)
    output = stdout()
    for email in postgres_admin.users(options):
        output.line(email)
    return 0


def remove_user(
    email: EmailArgument, *, node: NodeOption = None, config: ConfigOption = None, quiet: QuietOption = False
) -> int:
    """Remove a user, who then can log in no more; fail (exit code 1) when there is none."""
    from storage import postgres_admin  # noqa: PLC0415 - psycopg, which no other command needs

    _, options = _database(config, node)
    postgres_admin.remove_user(options, email)
    if not quiet:
        tell(f"{email}: removed")
    return 0


def _database(config: str | None, codifier: str | None) -> tuple[Configuration, "PostgresOptions"]:
    configuration, origin = load_or_demo(config, load_configuration)
    nodes = [node for node in configuration.nodes.values() if node.driver == DRIVER]
    chosen = [node for node in nodes if codifier in {None, node.codifier}]
    if len(chosen) == 1:
        return configuration, cast("PostgresOptions", chosen[0].options)
    names = ", ".join(node.codifier for node in nodes)
    if not nodes:
        raise NoDatabaseError(f"{origin} has no node with `driver: {DRIVER}`", "docs/drivers.md has an example")
    trouble = f"{codifier} is no node with `driver: {DRIVER}`" if codifier else "several databases can be meant"
    raise NoDatabaseError(trouble, f"name one with --node: {names}")


def _told(prepared: "Prepared", *, quiet: bool) -> int:
    for name, reason in prepared.skipped.items():
        tell(f"no view {name}: {reason}")
    if prepared.advice:
        tell(prepared.advice)
    if not quiet:
        versions = ", ".join(map(str, prepared.versions)) or "none, it was up to date"
        tell(f"schema versions made: {versions}; views: {len(prepared.made)}")
    return 0

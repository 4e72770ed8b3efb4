"""`jph`: the commands that an operator types. What a command needs is imported when it runs (console/commands)."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, Final, TypeAlias, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from console.commands.table import COMMANDS, Row
from console.output import QUIET_HELP, OutputError, at_terminal, stdout, tell
from protocol.errors import JphError

EXIT_FAILED: Final = 1
EXIT_PIPE_CLOSED: Final = 141  # what a shell tells of a program that SIGPIPE ended


class Family(TyperGroup):
    """A group of commands. `otherwise` names the one that takes what names none of them, and nothing."""

    otherwise: str = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options of the family itself, and see which command is meant."""
        is_for_family = bool(args) and (args[0] in self.commands or args[0] in self.get_help_option_names(ctx))
        named = args if is_for_family or not self.otherwise else [self.otherwise, *args]
        return super().parse_args(ctx, named)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and end quietly when whoever reads its output has read enough (`jph watch | head -1`)."""
        try:
            code = super().invoke(ctx)
            stdout().flush()
        except BrokenPipeError:
            _write_to_nobody()
            return EXIT_PIPE_CLOSED
        except OutputError:
            _write_to_nobody()
            raise
        return code


class RowCommand(TyperCommand):
    """A row of the table: enough of a command for the help, and the command itself once it is called."""

    def __init__(self, row: Row) -> None:
        super().__init__(row.name, help=row.summary, rich_help_panel=row.panel)
        self.row = row

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        """Import the command and let it read its arguments."""
        return built(self.row).make_context(*arguments, **settings)


def main() -> None:
    """Run `jph` with the arguments of this process, and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; what went wrong is told on stderr."""
    _prepare_streams()
    try:
        return int(root().main(list(arguments), "jph", standalone_mode=False) or 0)
    except typer.TyperException as error:
        tell(_usage_error(error))
        return error.exit_code
    except JphError as error:
        tell(f"{error.message}\n{error.hint or _HINTS.get(type(error).__name__, '')}")
        return EXIT_FAILED


# By name: what makes these errors is imported by commands only.
_HINTS: Final = {"ConfigError": "nothing was done; `jph check` lists the same on standard output"}


def _prepare_streams() -> None:
    """Let any character be written whatever the locale; streams that the shell has closed lead to nobody.

    What goes to a closed stderr (`2>&-`) is lost; what goes to a closed stdout (`>&-`) fails as on a full disk.
    """
    for name, mode in (("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, mode), "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - a descriptor, as long as the process
        getattr(sys, name).reconfigure(errors="backslashreplace")


def _write_to_nobody() -> None:
    """Let the interpreter, which flushes stdout once more when it ends, not fail at that."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def root() -> TyperGroup:
    """Return `jph` with all its commands."""
    app = typer.Typer(
        cls=Family,
        invoke_without_command=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        epilog="Example: jph demo --headless   and in another shell: jph nodes, jph get, jph watch",
    )
    app.callback()(_jph)
    return _with_rows(app, COMMANDS)


def built(row: Row) -> Any:
    """Import what a row names and return it as a command."""
    examples = "\n".join(f"$ {example}" for example in row.examples)
    app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
    epilog = f"Examples:\n{examples}"
    if row.rows:
        app.callback(cls=Family, help=row.summary, epilog=epilog)(_nothing)
        family = cast(Family, _with_rows(app, row.rows))
        family.otherwise = row.otherwise
        return family
    module, _, name = row.target.partition(":")
    function = getattr(import_module(module), name)
    settings = {"ignore_unknown_options": row.negative_numbers}
    words = f"{row.summary}\n\n{_unwrapped(function.__doc__)}"
    app.command(row.name, help=words, epilog=epilog, context_settings=settings)(function)
    return get_command(app)


def _unwrapped(text: str) -> str:
    """Let each paragraph be one line, for the terminal to wrap."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _with_rows(app: typer.Typer, rows: Sequence[Row]) -> TyperGroup:
    group = cast(TyperGroup, get_command(app))
    for row in rows:
        group.add_command(RowCommand(row))
    return group


def _nothing() -> None:
    """Do nothing: a family of commands has no options of its own."""


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if wanted:
        sys.stdout.write(f"jph {_installed_version()}\n")
        raise typer.Exit


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 20 ms that only this option needs

    try:
        return version("jph")
    except PackageNotFoundError:
        return "from a directory, not installed"


VersionOption: TypeAlias = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which jph this is.")
]

QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help=QUIET_HELP)]


def _jph(context: typer.Context, *, quiet: QuietOption = False, version: VersionOption = False) -> int | None:
    """Watch and control the sensors of many Raspberry Pis over UDP multicast.

    On a terminal `jph` alone opens the console.
    """
    del version  # its callback has done all
    if quiet:
        context.default_map = _quiet(COMMANDS)
    if context.invoked_subcommand is not None:
        return None
    if at_terminal():
        return run(["console"])
    sys.stdout.write(context.get_help())
    return 0


def _quiet(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the defaults that make all commands quiet: `jph -q get` is `jph get -q`."""
    return {row.name: {"quiet": True, **_quiet(row.rows)} for row in rows}


def _usage_error(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"{error.format_message()}\nSee: {context.command_path if context else 'jph'} --help"


if __name__ == "__main__":
    main()

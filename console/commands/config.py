"""`jph config check`, `show` and `convert`; `jph check` is the first of them."""

from collections.abc import Iterable
from typing import Annotated, Final

import typer

from agent.configuration import load_configuration
from config.convert import convert as as_yaml
from config.durations import format_duration
from config.model import ConfigError, Configuration, Node, Problem, Sensor
from console import words
from console.commands.options import ConfigOption, JsonOption, QuietOption
from console.output import Column, Output, Span, stdout, tell
from console.seat import load_or_demo

COLUMNS: Final = (
    Column("codifier"),
    Column("name"),
    Column("node"),
    Column("driver"),
    Column("host"),
    Column("unit"),
    Column("interval", right=True),
    Column("timeout", right=True),
    Column("keepalive", right=True),
    Column("control"),
    Column("alarms"),
)

SourceArgument = Annotated[str | None, typer.Argument(metavar="[FILE|URL]", help="The same as --config.")]


def check(
    source: SourceArgument = None,
    *,
    json: JsonOption = False,
    config: ConfigOption = None,
    quiet: QuietOption = False,
) -> int:
    """List errors and warnings with their lines and what would be right; fail (exit code 1) when there are errors.

    Nothing else is done: neither is anything sent nor any device touched.
    """
    output = stdout()
    try:
        configuration, _ = load_or_demo(source or config, load_configuration)
    except ConfigError as error:
        show_problems(output, error.problems, json=json)
        conclusion, code = f"{words.counted(len(error.problems), 'problem')}: it cannot be used", 1
    else:
        show_problems(output, configuration.warnings, json=json)
        conclusion, code = f"{configuration.source} can be used: {contents(configuration)}", 0
    if not quiet:
        tell(conclusion)
    return code


def show(
    source: SourceArgument = None,
    *,
    json: JsonOption = False,
    config: ConfigOption = None,
    quiet: QuietOption = False,
) -> int:
    """Print one line for each sensor, with what holds for it after all defaults."""
    configuration, origin = load_or_demo(source or config, load_configuration)
    output = stdout()
    if json:
        for node, sensor in configuration.sensors():
            output.json(as_json(node, sensor))
    else:
        output.table(COLUMNS, [cells(node, sensor) for node, sensor in configuration.sensors()])
    network = configuration.network
    interface = network.interface or "of the default route"
    if not quiet:
        tell(f"{origin}; control {network.control}, data {network.data}, interface {interface}")
    return 0


def convert(source: SourceArgument = None, *, config: ConfigOption = None, quiet: QuietOption = False) -> int:
    """Print YAML that says the same. Nothing is written to any file; warnings go to stderr."""
    configuration, _ = load_or_demo(source or config, load_configuration)
    stdout().write(as_yaml(configuration))
    for warning in () if quiet else configuration.warnings:
        tell(str(warning))
    return 0


def show_problems(output: Output, problems: Iterable[Problem], *, json: bool) -> None:
    """Print problems as a compiler does, or as JSON."""
    for problem in problems:
        if json:
            output.json(problem_json(problem))
        else:
            output.line((problem.severity, "yellow" if problem.severity == "warning" else "red"), f": {problem}")


def problem_json(problem: Problem) -> dict[str, object]:
    """Return a problem under the keys of docs/cli.md, "check"."""
    return {
        "file": problem.file,
        "line": problem.line,
        "severity": problem.severity,
        "message": problem.message,
        "advice": problem.advice,
    }


def contents(configuration: Configuration) -> str:
    """Say how much is in a configuration."""
    sensors = sum(1 for _ in configuration.sensors())
    return (
        f"{words.counted(len(configuration.nodes), 'node')}, {words.counted(sensors, 'sensor')}, "
        f"{words.counted(len(configuration.warnings), 'warning')}"
    )


def as_json(node: Node, sensor: Sensor) -> dict[str, object]:
    """Return a sensor under the keys of docs/cli.md, "config show"."""
    return {
        "codifier": sensor.codifier,
        "name": sensor.name,
        "node": node.codifier,
        "driver": node.driver,
        "host": node.host,
        "unit": sensor.unit,
        "interval_s": node.interval_s,
        "timeout_s": sensor.timeout_s,
        "keepalive_s": node.keepalive_s,
        "active": node.active,
        "control": node.control,
        "warning": str(sensor.alarms.warning) if sensor.alarms and sensor.alarms.warning else None,
        "critical": str(sensor.alarms.critical) if sensor.alarms and sensor.alarms.critical else None,
    }


def cells(node: Node, sensor: Sensor) -> list[Span]:
    """Return a sensor's row of the table."""
    return [
        sensor.codifier,
        sensor.name,
        node.codifier,
        node.driver,
        node.host or words.NOTHING,
        sensor.unit,
        format_duration(node.interval_s),
        format_duration(sensor.timeout_s),
        format_duration(node.keepalive_s),
        "yes" if node.control else "no",
        _alarms(sensor),
    ]


def _alarms(sensor: Sensor) -> str:
    if sensor.alarms is None:
        return words.NOTHING
    levels = {"warning": sensor.alarms.warning, "critical": sensor.alarms.critical}
    return ", ".join(f"{name} {condition}" for name, condition in levels.items() if condition is not None)

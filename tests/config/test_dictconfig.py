import logging.config
from pathlib import Path

import pytest

from tests.config.kinds import errors, loaded

GOOD = """
logging:
  version: 1
  disable_existing_loggers: false
  formatters: {brief: {format: "%(message)s"}}
  filters: {mine: {name: agent}}
  handlers:
    stream: {class: logging.StreamHandler, formatter: brief, level: INFO, filters: [mine], stream: ext://sys.stderr}
    own: {"()": logging.NullHandler}
  loggers:
    agent: {level: DEBUG, handlers: [stream, own], propagate: no}
    agent.bus: {level: 15}
  root: {level: WARNING, handlers: [stream]}
"""


def test_the_section_is_handed_on_as_dictconfig_takes_it() -> None:
    section = loaded(GOOD).logging
    assert section is not None
    logging.config.DictConfigurator(dict(section)).config  # noqa: B018 -- it converts what it is given
    assert section["handlers"] == {
        "stream": {
            "class": "logging.StreamHandler",
            "formatter": "brief",
            "level": "INFO",
            "filters": ["mine"],
            "stream": "ext://sys.stderr",
        },
        "own": {"()": "logging.NullHandler"},
    }


def test_without_the_section_there_is_no_logging_to_configure() -> None:
    assert loaded("nodes: {}").logging is None
    assert loaded("logging:").logging is None


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("version: 1", "version: 2", "3: logging.version: '2' is none of the choices; only '1' is known"),
        ("  version: 1\n", "", "2: logging: 'version' is missing"),
        ("handlers:", "handler:", "7: logging: unknown option 'handler'; did you mean 'handlers'?"),
        ("level: DEBUG", "level: debug", "11: logging.loggers.agent.level: 'debug' is none of the choices; "),
        ("level: WARNING", "level: WARNIGN", "13: logging.root.level: 'WARNIGN' is none of the choices; "),
        ("[stream, own]", "[strem, own]", "11: logging.loggers.agent.handlers: there is no 'strem'; "),
        ("handlers: [stream]}", "handlers: [none]}", "13: logging.root.handlers: there is no 'none'; "),
        ("handlers: [stream]}", "handlers: stream}", "13: logging.root.handlers: a list is expected here, "),
        ("formatter: brief", "formatter: breif", "8: logging.handlers.stream.formatter: there is no 'breif'; "),
        ("filters: [mine]", "filters: [yours]", "8: logging.handlers.stream.filters: there is no 'yours'; "),
        ("class: ", "clas: ", "8: logging.handlers.stream: 'class' is missing; "),
        ("propagate: no", "propagate: 3", "11: logging.loggers.agent.propagate: '3' is not true or false"),
        ('{"()": logging.NullHandler}', "3", "9: logging.handlers.own: a mapping is expected here, not '3'"),
    ],
)
def test_what_dictconfig_would_refuse_is_told_with_its_line(before: str, after: str, error: str) -> None:
    assert before in GOOD
    found = errors(GOOD.replace(before, after))
    assert any(one.startswith(f"jph.yaml:{error}") for one in found), found


def test_what_is_not_there_is_told_whatever_else_is_wrong() -> None:
    found = errors("logging: {version: 2, root: {level: FOO, handlers: [x]}}")
    assert [error.partition("logging.")[2].partition(";")[0] for error in found] == [
        "version: '2' is none of the choices",
        "root.level: 'FOO' is none of the choices",
        "root.handlers: there is no 'x'",
    ]


def test_an_incremental_configuration_names_handlers_that_are_elsewhere() -> None:
    assert errors("logging: {version: 1, incremental: true, root: {handlers: [elsewhere]}}") == []


def test_checking_opens_no_file(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    loaded(f"logging: {{version: 1, handlers: {{f: {{class: logging.FileHandler, filename: {log}}}}}}}")
    assert not log.exists()

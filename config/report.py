"""Where everything that is wrong with a configuration is collected, so that it is told at once."""

import operator
from collections.abc import Iterable
from typing import Final, NoReturn

from config.model import ConfigError, Problem

MOST_PROBLEMS: Final = 200
"""Problems told of one configuration: more than anybody reads, and a bound for a file that is wrong throughout."""


class Report:
    """The problems of one configuration, in the order in which they were found."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []

    def error(self, line: int, message: str, advice: str = "") -> None:
        """Note what makes the configuration unusable."""
        if len(self.errors) < MOST_PROBLEMS:
            self.errors.append(Problem(self.file, line, message, advice))

    def warning(self, line: int, message: str, advice: str = "") -> None:
        """Note what the operator should know although the configuration can be used."""
        if len(self.warnings) < MOST_PROBLEMS:
            self.warnings.append(Problem(self.file, line, message, advice, "warning"))

    def fail(self, line: int, message: str, advice: str = "") -> NoReturn:
        """Note an error after which nothing more can be said, and raise ConfigError with all that was found."""
        self.errors.append(Problem(self.file, line, message, advice))
        raise ConfigError(_by_line(self.errors))

    def settle(self) -> tuple[Problem, ...]:
        """Return the warnings; raises ConfigError when there are errors."""
        if self.errors:
            raise ConfigError(_by_line(self.errors))
        return _by_line(self.warnings)


def _by_line(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=operator.attrgetter("line")))

"""Logging: as the configuration's `Logging` says, else to standard error in the form that fits its reader."""

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from agent.records import HarmlessRecord

log: Final = logging.getLogger("jph")

_FOR_PEOPLE: Final = "%(asctime)s %(levelname)s %(message)s"
_FOR_THE_JOURNAL: Final = "%(message)s"  # the journal has the time and the level itself
_JOURNAL_LEVELS: Final = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _JournalFormatter(logging.Formatter):
    """Puts the level in front of each line as sd-daemon(3) has it: `<4>` is a warning."""

    def format(self, record: logging.LogRecord) -> str:
        level = f"<{_JOURNAL_LEVELS.get(record.levelno, 6)}>"
        return "\n".join(level + line for line in super().format(record).splitlines())


def set_up(codifiers: str, dictionary: Mapping[str, Any] | None, *, debug: bool) -> None:
    """Set up logging. `codifiers` fills the field `%(codifier)s` of the original system's formats.

    `dictionary` is what `logging.config.dictConfig` takes. Standard error is told that it decides, so that nobody takes
    silence for health. When it cannot be used (a container without /dev/log) the default is used, and that is said. It
    can be called again, with another configuration.
    """
    _give_records_a_codifier(codifiers)
    if dictionary is None or debug:
        _set_up_default(logging.DEBUG if debug else logging.INFO)
        return
    from logging.config import dictConfig  # noqa: PLC0415 - 0.6 MiB that only configurations with `Logging` need

    logging.getLogger("jph").setLevel(logging.NOTSET)
    try:
        _check_sockets(dictionary)
        # The loggers of the program exist before its configuration is read: they are not to fall silent.
        dictConfig({**dictionary, "disable_existing_loggers": False})
    except (ValueError, OSError) as error:
        _set_up_default(logging.INFO)
        log.warning("the configuration's `Logging` cannot be used: %s; logging to standard error", _cause(error))
    else:
        _say_on_standard_error("the configuration's `logging` decides where the log goes: %s", _outlets())


def _check_sockets(dictionary: Mapping[str, Any]) -> None:
    """Raise FileNotFoundError where syslog is not there: its handler says so at every record, and with a traceback."""
    for name, handler in dictionary.get("handlers", {}).items():
        address = handler.get("address")
        if isinstance(address, str) and not Path(address).exists():
            raise FileNotFoundError(f"handler {name!r}: there is no {address}")


def _outlets() -> str:
    """Name the handlers that the records of this program reach, with the least level that each lets through."""
    logger: logging.Logger | None = log
    outlets: list[str] = []
    while logger is not None:
        outlets += map(_outlet, logger.handlers)
        logger = logger.parent if logger.propagate else None
    return ", ".join(outlets) or "nowhere"


def _outlet(handler: logging.Handler) -> str:
    least = max(log.getEffectiveLevel(), handler.level, logging.DEBUG)
    return f"{handler.name or type(handler).__name__} (from {logging.getLevelName(least)})"


def _say_on_standard_error(message: str, *arguments: object) -> None:
    record = log.makeRecord(log.name, logging.INFO, __file__, 0, message, arguments, None)
    _default_handler().handle(record)


def _set_up_default(level: int) -> None:
    logging.basicConfig(level=logging.WARNING, handlers=[_default_handler()], force=True)
    logging.getLogger("jph").setLevel(level)


def _default_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JournalFormatter(_FOR_THE_JOURNAL) if _in_journal() else logging.Formatter(_FOR_PEOPLE))
    return handler


def _in_journal() -> bool:
    """Tell whether standard error goes to the journal: the variable alone is inherited by whatever a service starts."""
    try:
        stderr = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # closed, or not a file
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}"


def _give_records_a_codifier(codifiers: str) -> None:
    def make_with_codifier(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = HarmlessRecord(*args, **kwargs)
        record.codifier = codifiers
        return record

    logging.setLogRecordFactory(make_with_codifier)


def _cause(error: BaseException) -> str:
    return f"{error}: {error.__cause__}" if error.__cause__ else str(error)

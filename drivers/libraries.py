"""Libraries that only some drivers need: imported when such a driver is built, not when its options are read."""

import sys
from importlib import import_module
from typing import Any, Final

from drivers.driver import DriverError

_FROM_DEBIAN: Final = "sudo apt-get install python3-lgpio; docs/drivers.md, `gpio`, says how jph's environment sees it"
_NOT_ON_PYPI: Final = (3, 13)  # for this Python, that of Debian 13, and later ones lgpio has no ready-made files


def how_to_install(library: str, extra: str) -> str:
    """Say what brings a library that belongs to the extra `extra` of jph."""
    return _FROM_DEBIAN if library == "lgpio" and sys.version_info >= _NOT_ON_PYPI else f'pip install "jph[{extra}]"'


def library(module: str, extra: str) -> Any:
    """Import what the extra `extra` of jph brings; raises DriverError when it is not installed or does not work."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        advice = how_to_install(missing, extra)
        if missing != module.partition(".")[0]:
            raise DriverError(f"{module} cannot be used: {error}", advice) from error
        raise DriverError(f"{module} is not installed", advice) from error
    except Exception as error:  # libraries for hardware look for it while they are imported
        raise DriverError(f"{module} cannot be used: {type(error).__name__}: {error}") from error

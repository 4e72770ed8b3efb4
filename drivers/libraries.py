"""Libraries that only some drivers need: imported when such a driver is built, not when its options are read."""

from importlib import import_module
from typing import Any

from drivers.driver import DriverError


def library(module: str, extra: str) -> Any:
    """Import what the extra `extra` of jph brings; raises DriverError when it is not installed or does not work."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise DriverError(f"{module} cannot be used: {error}", f'pip install "jph[{extra}]"') from error
        raise DriverError(f"{module} is not installed", f'pip install "jph[{extra}]"') from error
    except Exception as error:  # libraries for hardware look for it while they are imported
        raise DriverError(f"{module} cannot be used: {type(error).__name__}: {error}") from error

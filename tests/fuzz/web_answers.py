"""What web servers answer: JSON that is not quite JSON, and the accounts of mining pools."""

import json
from contextlib import suppress
from typing import Final

from drivers.text.json_paths import finder
from drivers.text.json_text import parse, repaired
from drivers.web.pool_answers import FORMATS, account_of
from tests.drivers.devices.http import Asked
from tests.drivers.devices.json import Arduino, FlowMeter
from tests.drivers.devices.pool import MiningPool
from tests.fuzz.promises import promise

ASKED: Final = Asked("GET", "/X", {})
FIND: Final = finder("field", "FlowPerSecond", "json")
METERS: Final = (FlowMeter(), FlowMeter(float("inf"), 0.0, power=False, mode=3), FlowMeter(float("nan"), 5e9))


def answers() -> list[bytes]:
    """Return pages of an Arduino and of each kind of pool."""
    pools = [MiningPool(format_).device().answer(ASKED).body for format_ in FORMATS]
    return [*(Arduino(meter).device().answer(ASKED).body for meter in METERS), *pools]


def read_any(data: bytes) -> None:
    """Read an answer: what cannot be read is a ValueError, and what is JSON is not changed by its repair."""
    with suppress(ValueError):
        document = parse(data, repair=True)
        _try_all(document)
    with suppress(ValueError, RecursionError):
        strictly = json.loads(data.decode())
        again = json.loads(repaired(data.decode()))
        promise(json.dumps(again) == json.dumps(strictly), f"its repair changed it: {again}")


def _try_all(document: object) -> None:
    for format_ in FORMATS:
        with suppress(ValueError):
            account_of(format_, document)
    FIND(document)

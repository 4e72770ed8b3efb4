"""What devices say elsewhere than on the bus: messages through an MQTT broker, and lists of thermostats from Google."""

import json
import math
from contextlib import suppress
from typing import Final

from drivers import nest, nest_api, payloads
from drivers.driver import DriverError
from tests.drivers.devices_nest import DOORBELL, thermostat
from tests.fuzz.promises import promise

WORDS: Final = payloads.Words({"ON": 1, "OFF": 0}, keeps_text=False)
MESSAGES: Final = (
    b"21.50",
    b"ON",
    b" -1e3 ",
    b"nan",
    b'{"temperature": 23.6, "contact": false, "state": "ON"}',
    b"[1, null]",
)


def said() -> list[bytes]:
    """Return messages of ESPHome and Zigbee2MQTT, and a list of Google's."""
    listing = json.dumps(
        {"devices": [thermostat(), thermostat("Attic", ThermostatEco={"mode": "MANUAL_ECO"}), DOORBELL]}
    )
    return [*MESSAGES, listing.encode()]


def read_any(data: bytes) -> None:
    """Read it as a message and as a list: it is values, or an error that can be shown."""
    with suppress(ValueError):
        _promise_value(WORDS.value(data.decode(errors="replace")))
    with suppress(ValueError):
        document = payloads.document(data)
        promise(payloads.keys_of(document).isprintable(), "its keys cannot be shown")
        for found in document.values() if isinstance(document, dict) else [document]:
            with suppress(ValueError):
                _promise_value(payloads.value_at(found, WORDS))
    with suppress(ValueError):
        _read_list(nest_api.listed(data))


def _read_list(devices: tuple[nest_api.Device, ...]) -> None:
    for device in devices:
        for value in nest.measured(device).values():
            _promise_value(value)
    try:
        nest.chosen(devices, None, "")
    except DriverError as error:
        promise(str(error).isprintable(), "the error cannot be shown")


def _promise_value(value: object) -> None:
    sound = value is None or isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))
    promise(sound, f"{value!r} is no reading")

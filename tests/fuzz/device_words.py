"""What is said elsewhere than on the bus: messages through an MQTT broker, lists of Google's, Open-Meteo's weather."""

import json
import math
from contextlib import suppress
from typing import Final

from drivers import nest
from drivers.driver import DriverError
from drivers.text import payloads
from drivers.text.json_paths import there
from drivers.web import nest_api, open_meteo
from tests.drivers.devices.nest import DOORBELL, thermostat
from tests.drivers.devices.weather import weather
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
    """Return messages of ESPHome and Zigbee2MQTT, a list of Google's, and the weather."""
    listing = json.dumps(
        {"devices": [thermostat(), thermostat("Attic", ThermostatEco={"mode": "MANUAL_ECO"}), DOORBELL]}
    )
    return [*MESSAGES, listing.encode(), weather(1_795_983_300_000).body]


def read_any(data: bytes) -> None:
    """Read it as a message, as a list and as the weather: it is values, or an error that can be shown."""
    with suppress(ValueError):
        _promise_value(WORDS.value(data.decode(errors="replace")))
    with suppress(ValueError):
        document = payloads.document(data)
        promise(there(document, "a.b").isprintable(), "its keys cannot be shown")
        for found in document.values() if isinstance(document, dict) else [document]:
            with suppress(ValueError):
                _promise_value(payloads.value_at(found, WORDS))
    with suppress(ValueError):
        _read_list(nest_api.listed(data))
    with suppress(ValueError):
        found = open_meteo.weather_in(data)
        promise(found.time_ms > 0, f"{found.time_ms} is no time")
        for value in (found.temperature, found.humidity):
            _promise_value(value)


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

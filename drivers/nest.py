"""Nest thermostats, through Google's Smart Device Management API, and the weather outside.

The API is asked in drivers/web/nest_api.py.

Traits (developers.google.com/nest/device-access/traits), all below sdm.devices.traits; temperatures are always in °C:

    Connectivity                    status               ONLINE, OFFLINE
    Temperature                     ambientTemperatureCelsius
    Humidity                        ambientHumidityPercent
    ThermostatMode                  mode                 HEAT, COOL, HEATCOOL, OFF
    ThermostatEco                   mode                 MANUAL_ECO, OFF
                                    heatCelsius, coolCelsius
    ThermostatHvac                  status               HEATING, COOLING, OFF
    ThermostatTemperatureSetpoint   heatCelsius, coolCelsius, those of the mode, neither in OFF and in eco

A trait or field that is missing is not known now, which is no reading and no error.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from config.durations import Seconds
from drivers.ages import dated
from drivers.driver import OWN_CHANNEL, DriverError, DriverOptions, Measurements, Place
from drivers.web.answers import Patience
from drivers.web.nest_account import SHORTEST_INTERVAL_S, TIME_FOR_MORE_S, account
from drivers.web.nest_api import THERMOSTAT, Device
from drivers.web.nest_credentials import DEFAULT_FILE, advice
from drivers.web.nest_weather import OUTSIDE, Outside
from protocol.printable import visible
from protocol.readings import Value

CHANNELS: Final = (
    *(OWN_CHANNEL, "temperature", "humidity", "target", "heat", "cool"),
    *("hvac", "mode", "online"),
)

PATIENCE: Final = Patience(connect_s=2.0, read_s=3.0, whole_s=3.0)  # a read has 5 s, for a token and the list

_MOST_NAMED: Final = 10  # thermostats in a message


class NestOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose thermostats, which of them, and how often Google is asked."""

    credentials: Annotated[
        str, Meta(description="the file that `jph nest authorize` wrote; begins with `/` or `~/`")
    ] = DEFAULT_FILE
    device: Annotated[
        str | None, Meta(description="the name, the room or the id of one thermostat, when there are several")
    ] = None
    every: Annotated[Seconds, Meta(description="how often Google is asked, for all nodes together; at least 15 s")] = (
        60.0
    )
    outside: Annotated[
        bool,
        Meta(description="also the weather outside, from Open-Meteo, where `credentials` say where the house stands"),
    ] = False

    def __post_init__(self) -> None:
        if not self.credentials.startswith(("/", "~/")):
            raise ValueError(f"`credentials` is {self.credentials!r}: begin it with / or ~/")
        if self.every < SHORTEST_INTERVAL_S:
            raise ValueError(f"`every` is {self.every:g} s: Google allows no less than {SHORTEST_INTERVAL_S:g} s")
        if self.device is not None and not self.device.strip():
            raise ValueError("`device` is empty: name a thermostat, or leave it out when there is only one")

    def channels(self) -> frozenset[str]:
        """Return all channels, whether this thermostat has them or not: that is not known before it is asked."""
        return frozenset((*CHANNELS, *OUTSIDE) if self.outside else CHANNELS)

    def units(self) -> Mapping[str, str]:
        """Return degrees and percent for what is no state."""
        return {channel: unit for channel, unit in _UNITS.items() if channel in self.channels()}


_UNITS: Final[Mapping[str, str]] = {
    **dict.fromkeys((OWN_CHANNEL, "temperature", "target", "heat", "cool"), "°C"),
    "humidity": "%",
    **dict(zip(OUTSIDE, ("°C", "%"), strict=True)),
}


class Nest:
    """Gives what Google says of one thermostat, each time that Google was asked."""

    Options: ClassVar[type[msgspec.Struct]] = NestOptions

    def __init__(self, options: NestOptions, place: Place, wall_s: Callable[[], float] = time.time) -> None:
        from drivers.web.http import HttpClient  # noqa: PLC0415 - 6 MiB that only who asks web servers needs

        self._options = options
        self._place = place
        self._wall_s = wall_s
        self._path = place.locate(options.credentials)
        self._account = account(self._path, place.monotonic)
        self._client = HttpClient(PATIENCE)
        self._seen = 0
        self._outside = Outside(self._account.weather, self._client, place, self._path) if options.outside else None

    def read(self) -> Measurements:
        """Return what was not given before, empty when that is nothing; raises DriverError.

        What is wrong with the weather is an error of its channels.
        """
        began_s = self._place.monotonic()
        found = self._thermostat()
        credentials = self._account.credentials
        if self._outside is None or credentials is None:
            return found
        is_late = self._place.monotonic() - began_s > TIME_FOR_MORE_S
        return {**found, **self._outside.read(credentials, is_late=is_late)}

    def _thermostat(self) -> Measurements:
        """Return what a listing says that was not given before."""
        listing = self._account.news(self._client, self._seen, self._options.every)
        if listing is None:
            return {}
        device = chosen(listing.devices, self._options.device, advice(self._path))
        self._seen = listing.number  # a listing without this thermostat stays an error until there is another one
        return dated(measured(device), self._place.monotonic() - listing.came_s, self._wall_s)

    def close(self) -> None:
        """End the request that is under way."""
        self._client.close()


def thermostats(devices: Sequence[Device]) -> list[Device]:
    """Return the thermostats among all devices: cameras and doorbells are listed, too."""
    return [device for device in devices if device.type == THERMOSTAT]


def chosen(devices: Sequence[Device], name: str | None, consent: str) -> Device:
    """Return the thermostat that `name` means; raises DriverError, which lists what there is."""
    found = thermostats(devices)
    if not found:
        raise DriverError("Google lists no thermostat", f"consent to one: {consent}")
    meant = found if name is None else [device for device in found if _is_called(device, name)]
    if len(meant) == 1:
        return meant[0]
    if name is None:
        raise DriverError(f"there are {len(found)} thermostats", f"name one with `device`: {_named(found)}")
    trouble = f"{len(meant)} thermostats are called {name!r}" if meant else f"no thermostat is called {name!r}"
    raise DriverError(trouble, f"there are: {_named(found)}")


def measured(device: Device) -> dict[str, Value]:
    """Return what a thermostat says, by channel. What it said before it lost its connection is not said again."""
    online = _one_of(device, "Connectivity", "status", _ONLINE)
    if online == 0:
        return {"online": 0}
    setpoints = _setpoints(device)
    found = {
        "online": online,
        OWN_CHANNEL: _one_of(device, "ThermostatEco", "mode", _ECO),
        "temperature": _number(device.trait("Temperature"), "ambientTemperatureCelsius"),
        "humidity": _number(device.trait("Humidity"), "ambientHumidityPercent"),
        "mode": _mode(device),
        "hvac": _one_of(device, "ThermostatHvac", "status", _HVAC),
        "target": next(iter(setpoints.values())) if len(setpoints) == 1 else None,
        **setpoints,
    }
    return {channel: value for channel, value in found.items() if value is not None}


_ONLINE: Final = {"ONLINE": 1, "OFFLINE": 0}
_ECO: Final = {"MANUAL_ECO": 1, "OFF": 0}
_HVAC: Final = {"HEATING": 1, "COOLING": -1, "OFF": 0}
_MODES: Final = frozenset({"HEAT", "COOL", "HEATCOOL", "OFF"})
_HEATS: Final = frozenset({"HEAT", "HEATCOOL"})
_COOLS: Final = frozenset({"COOL", "HEATCOOL"})


def _setpoints(device: Device) -> dict[str, int | float]:
    """Return what it heats and cools to now: in eco those of eco, of which the mode says which hold."""
    mode = _mode(device)
    is_eco = device.trait("ThermostatEco").get("mode") == "MANUAL_ECO"
    trait = device.trait("ThermostatEco" if is_eco else "ThermostatTemperatureSetpoint")
    found = {
        "heat": _number(trait, "heatCelsius") if mode in _HEATS else None,
        "cool": _number(trait, "coolCelsius") if mode in _COOLS else None,
    }
    return {channel: value for channel, value in found.items() if value is not None}


def _mode(device: Device) -> str | None:
    mode = device.trait("ThermostatMode").get("mode")
    return mode if isinstance(mode, str) and mode in _MODES else None


def _one_of(device: Device, trait: str, field: str, numbers: Mapping[str, int]) -> int | None:
    said = device.trait(trait).get(field)
    return numbers.get(said) if isinstance(said, str) else None


def _number(fields: Mapping[str, Any], name: str) -> int | float | None:
    value = fields.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _NO_QUANTITY
    return value if is_number else None


_NO_QUANTITY: Final = 1000  # neither degrees nor percent


def _is_called(device: Device, name: str) -> bool:
    return name.strip().casefold() in {each.casefold() for each in device.names}


def _named(devices: Sequence[Device]) -> str:
    names = [visible(device.names[0][:80]) for device in devices[:_MOST_NAMED]]
    more = f" and {len(devices) - _MOST_NAMED} more" if len(devices) > _MOST_NAMED else ""
    return ", ".join(names) + more

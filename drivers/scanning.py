"""What is attached to this computer: what is there of each kind, which driver reads it, and what else has to be known.

Nothing is changed and no device is read. Addresses of I2C buses are asked, as i2cdetect does.
"""

import errno
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from drivers import hwmon, iio, w1
from drivers.driver import OWN_CHANNEL, DriverError
from drivers.hardware import i2c
from drivers.hardware.dht_backends import device_tree_pin
from drivers.hardware.gpio_chips import gpio_chips
from drivers.hardware.sysfs import chips, entries, text_or_none
from drivers.hardware.system_sources import POWER_CHIP


class Channel(NamedTuple):
    """A value that a finding has: the driver's channel, what is measured, and its unit."""

    channel: str
    name: str
    unit: str


class Finding(NamedTuple):
    """Something that a driver reads with these options; the first channel is that of the node itself."""

    driver: str
    options: Mapping[str, object]
    channels: tuple[Channel, ...]


class Hint(NamedTuple):
    """Something that is there, and what has to be known or done before a driver can read it.

    `finding` is how a driver reads it if it is what it seems to be.
    """

    what: str
    advice: tuple[str, ...] = ()
    finding: Finding | None = None


class Unseen(NamedTuple):
    """What could not be looked at, and what to do about it."""

    what: str
    advice: str


Seen: TypeAlias = Finding | Hint | Unseen


def scan(root: Path = Path("/")) -> Iterator[Seen]:
    """Look at everything; what cannot be looked at keeps nothing else from being found."""
    for look in LOOKS:
        try:
            yield from look(root)
        except DriverError as error:
            yield Unseen(error.message, error.hint)


def thermometers(root: Path) -> Iterator[Seen]:
    """Find thermometers on 1-Wire buses: one node for each bus, since those of one measure at the same time."""
    if not (root / "sys/bus/w1").is_dir():
        yield Unseen("there is no 1-Wire bus", "write dtoverlay=w1-gpio,gpiopin=4 into config.txt, and restart")
        return
    found = sorted(w1.found(root), key=lambda one: (one.bus, one.id))
    if not found:
        yield Unseen("no thermometer answers on the 1-Wire bus", "see its wires, and its resistor to 3.3 V")
    for _, group in groupby(found, key=lambda one: one.bus):
        first, *others = group
        named = {OWN_CHANNEL: first, **{other.id: other for other in others}}
        options = {"ids": {channel: one.id for channel, one in named.items()}} if others else {"id": first.id}
        channels = (Channel(channel, f"{one.chip} {one.id}", "°C") for channel, one in named.items())
        yield Finding("w1", options, tuple(channels))


def chips_of_hwmon(root: Path) -> Iterator[Seen]:
    """Find chips that the kernel monitors; thermometers of 1-Wire are among them, and have a driver of their own."""
    thermometers = {one.id for one in w1.found(root)}
    monitored = [chip for chip in hwmon.found(root) if chip.inputs and chip.parent not in thermometers]
    alike = Counter(chip.name for chip in monitored)
    for chip in monitored:
        which = {"chip": chip.name} | ({"parent": chip.parent} if alike[chip.name] > 1 else {})
        sources = {one.name: (_called(chip.name, one.label or one.name), one.unit) for one in chip.inputs}
        yield _of_sources("hwmon", which, sources)


def devices_of_iio(root: Path) -> Iterator[Seen]:
    """Find devices of the kernel's Industrial I/O; a DHT has a driver of its own."""
    devices = [device for device in iio.found(root) if not _is_dht(device.name)]
    alike = Counter(device.name for device in devices)
    for device in devices:
        which = {"device": device.name} | ({"parent": device.parent} if alike[device.name] > 1 else {})
        sources = {one.name: (_called(device.name, one.name), one.unit) for one in device.channels}
        found = _of_sources("iio", which, sources)
        yield _corrected(found) if device.name.startswith(_SAYS_VOLTS) else found


_SAYS_VOLTS: Final = "mcp342"
"""How the names of converters begin whose driver says volts, where the interface wants millivolts."""


def _corrected(finding: Finding) -> Finding:
    multipliers = dict.fromkeys((channel.channel for channel in finding.channels), 1000)
    return finding._replace(options={**finding.options, "multipliers": multipliers})


def sensors_of_dht(root: Path) -> Iterator[Seen]:
    """Find DHT sensors that the kernel reads; others do not show before they are asked."""
    for device in chips(root / iio.CLASS.removeprefix("/")):
        if not _is_dht(device.name):
            continue
        pin = device_tree_pin(device)
        if pin is None:
            yield Hint(f"{device.name}: a DHT sensor", ("driver dht; `pin` is the gpiopin of its overlay",))
        else:
            channels = (Channel(OWN_CHANNEL, "temperature", "°C"), Channel("humidity", "humidity", "%"))
            yield Finding("dht", {"pin": pin}, channels)


def _is_dht(name: str) -> bool:
    return name.partition("@")[0] == "dht11"


def thermal_zones(root: Path) -> Iterator[Seen]:
    """Find temperatures of the processor where they are no chip of hwmon: on a Raspberry Pi they are."""
    monitored = {chip.name.replace("_", "-") for chip in hwmon.found(root)}
    zones = root / "sys/class/thermal"
    for zone in entries(zones) if zones.is_dir() else ():
        kind = text_or_none(zone / "type")
        if zone.name.startswith("thermal_zone") and kind.replace("_", "-") not in monitored:
            options = {"path": f"/sys/class/thermal/{zone.name}/temp", "scale": 0.001}
            yield Finding("pipe", options, (Channel(OWN_CHANNEL, kind or zone.name, "°C"),))


def power_supply(root: Path) -> Iterator[Seen]:
    """Find a Raspberry Pi that watches its power supply; what was since the start only its firmware's program tells."""
    watched = chips(root / "sys/class/hwmon")
    if not any(chip.name == POWER_CHIP for chip in watched):
        return
    more = ("under_voltage_seen", "throttling") if (root / _VCGENCMD).exists() else ()
    options = {"value": "under_voltage"} | ({"measure": [*more]} if more else {})
    names = (Channel(one, _POWER_NAMES[one], "") for one in more)
    yield Finding("system", options, (Channel(OWN_CHANNEL, _POWER_NAMES["under_voltage"], ""), *names))


_VCGENCMD: Final = "usr/bin/vcgencmd"
_POWER_NAMES: Final = {
    "under_voltage": "under-voltage",
    "under_voltage_seen": "under-voltage since the start",
    "throttling": "processor throttled",
}


def addresses_of_i2c(root: Path) -> Iterator[Seen]:
    """Find who answers on I2C buses; an address alone does not say which chip it is."""
    buses = i2c.buses(root)
    if not buses:
        yield Unseen("there is no I2C bus", "switch I2C on: dtparam=i2c_arm=on in config.txt, i2c-dev in /etc/modules")
    for bus in buses:
        try:
            answers = i2c.scan(bus, root)
        except DriverError as error:
            yield Unseen(error.message, error.hint)
        else:
            yield from _answers(bus, answers)


def _answers(bus: int, found: Collection[i2c.Found]) -> Iterator[Seen]:
    if len(found) > MOST_CHIPS:
        yield Unseen(f"{i2c.device(bus)}: {len(found)} addresses answer", "no chips do that: its data line is held low")
        return
    yield from (_answering(bus, one) for one in found)
    if {one.address for one in found if one.kernel_driver is None}.issuperset(ADC_PI):
        what = f"{i2c.device(bus)}: 0x68 and 0x69 answer, as the converters of an ADC Pi do; if it is one:"
        yield Hint(what, (), _adc_pi(bus))


MOST_CHIPS: Final = 40
"""On a bus; all 112 addresses seem to answer when nobody lets go of the data line."""

ADC_PI: Final = (0x68, 0x69)
"""The addresses of an ADC Pi whose jumpers are as it is sold."""


def _adc_pi(bus: int) -> Finding:
    """Return how all pins of an ADC Pi are read, in volts."""
    others = {f"pin{pin}": {"pin": pin} for pin in range(2, 9)}
    channels = (Channel(OWN_CHANNEL, "pin 1", "V"), *(Channel(name, f"pin {name[3:]}", "V") for name in others))
    return Finding("adcpi", {"bus": bus, "pin": 1, "channels": others}, channels)


def lines_of_gpio(root: Path) -> Iterator[Seen]:
    """Find chips whose lines are pins of the header."""
    for chip in gpio_chips(root):
        if chip.trouble:
            advice = "add the user to the group gpio" if chip.trouble == os.strerror(errno.EACCES) else ""
            yield Unseen(f"{chip.device}: {chip.trouble}", advice)
        else:
            what = f"{chip.device}: {chip.label}, {chip.lines} lines"
            yield Hint(what, ("the drivers gpio, dht and fan use its pins: what is wired to them only you know",))


def serial_adapters(root: Path) -> Iterator[Seen]:
    """Find serial devices on USB."""
    directory = root / "dev/serial/by-id"
    for adapter in entries(directory) if directory.is_dir() else ():
        what, *advice = next(words for name, *words in _ADAPTERS if name.search(adapter.name))
        yield Hint(f"/dev/serial/by-id/{adapter.name}: {what}", tuple(advice))


_OF_ZWAVE: Final = (
    "Z-Wave JS has to have it: zwave-server, or Z-Wave JS UI with its websocket server switched on; then",
    "jph drivers try zwave url=ws://127.0.0.1:3000",
)
_OF_ZIGBEE: Final = ("Zigbee2MQTT has to have it: the driver mqtt reads what it publishes",)

# What udev calls the adapters: maker, product and serial number as their USB descriptors say, and the interface. One
# chip with both radios (Nortek HUSBZB-1) has Z-Wave on its first interface. 0658:0200 is Sigma Designs, of all sticks
# of the series 500; those of the series 700 are mostly a plain CP2102N, which is in many other things as well.
_ADAPTERS: Final = (
    (re.compile("0658_0200|HubZ.*-if00|z-?wave|ZWA-", re.IGNORECASE), "a Z-Wave stick", *_OF_ZWAVE),
    (re.compile("HubZ.*-if01|zigbee|conbee|skyconnect|ZBT-", re.IGNORECASE), "a Zigbee stick", *_OF_ZIGBEE),
    (re.compile(""), "a serial device", "if it is a Z-Wave stick:", *_OF_ZWAVE),
)

LOOKS: Final[tuple[Callable[[Path], Iterator[Seen]], ...]] = (
    thermometers,
    chips_of_hwmon,
    devices_of_iio,
    sensors_of_dht,
    thermal_zones,
    power_supply,
    addresses_of_i2c,
    lines_of_gpio,
    serial_adapters,
)


def _of_sources(driver: str, which: Mapping[str, object], sources: Mapping[str, tuple[str, str]]) -> Finding:
    """Describe a device of several values, by source with its name and unit.

    The node's own is a temperature, when there is one.
    """
    first, *others = sorted(sources, key=lambda source: not source.startswith("temp"))
    named = {OWN_CHANNEL: first, **{other: other for other in others}}
    options = {**which, "sources": named} if others else {**which, "source": first}
    return Finding(driver, options, tuple(Channel(channel, *sources[source]) for channel, source in named.items()))


def _called(device: str, value: str) -> str:
    return f"{device} {value}"


# The overlay i2c-sensor of the Raspberry Pi's kernel (arch/arm/boot/dts/overlays/README): its parameter for a chip, and
# whether it takes the address. What it makes of the chip is found as a device of iio or hwmon.
_OVERLAYS: Final = {
    "BH1750": ("bh1750", True),
    "BME280": ("bme280", True),
    "BME680": ("bme680", True),
    "BMP180": ("bmp180", False),
    "BMP280": ("bmp280", True),
    "CCS811": ("ccs811", True),
    "LM75": ("lm75", True),
    "MCP9808": ("jc42", True),
    "SGP30": ("sgp30", False),
    "SHT3x": ("sht3x", True),
    "SHT4x": ("sht4x", True),
    "SPS30": ("sps30", False),
    "TMP102": ("tmp102", True),
}
_OF_ADC_PI: Final = "MCP3424"


def _answering(bus: int, found: i2c.Found) -> Hint:
    what = f"{i2c.device(bus)}: 0x{found.address:02x}"
    if found.kernel_driver is not None:
        return Hint(f"{what} belongs to the kernel's driver {found.kernel_driver}")
    chips = i2c.chips_at(found.address)
    advice = tuple(f"{chip.name} ({chip.what}){_way(bus, chip.name, found.address)}" for chip in chips)
    return Hint(f"{what} answers" + ("; it may be:" if advice else ", and is no address of a common sensor"), advice)


def _way(bus: int, chip: str, address: int) -> str:
    """Say how a chip can be read."""
    if chip in _OVERLAYS:
        parameter, takes_address = _OVERLAYS[chip]
        return f": dtoverlay=i2c-sensor,{parameter}" + (f",addr=0x{address:02x}" if takes_address else "")
    if chip == _OF_ADC_PI:
        return f": driver adcpi, options {{bus: {bus}, addresses: [0x{address:02x}], pin: 1}}"
    return ""

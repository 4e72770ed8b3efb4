"""What a thermometer on a 1-Wire bus says: the scratchpad of a DS18B20 and its relatives, with its checksum."""

import re
from decimal import Decimal
from typing import Final

from drivers.hardware.sysfs import SysfsError
from drivers.text.decimals import parse, scaled

# The file w1_slave of the kernel's driver w1_therm (Documentation/w1/slaves/w1_therm.rst):
#
#   6a 01 4b 46 7f ff 0c 10 b8 : crc=b8 YES
#   6a 01 4b 46 7f ff 0c 10 b8 t=22625
#
# Both lines have the scratchpad: temperature (low byte first, sixteenths of a degree), alarms TH and TL,
# configuration, three reserved bytes, CRC. When it says NO, the second line has the bytes of the last good read.
# When the conversion failed, the file is empty. t is in thousandths of a degree.
FAMILIES: Final = {"10": "DS18S20", "22": "DS1822", "28": "DS18B20", "3b": "DS1825", "42": "DS28EA00"}
"""The family codes with which the names of thermometers begin, and the chips that have them."""

POWER_ON: Final = Decimal(85)
"""What the scratchpad holds after power-on, until the first conversion."""

TOO_LITTLE_POWER: Final = Decimal(127)
"""From here on, though no chip measures more than 125 °C, the power broke down during the conversion: 127.94."""

_BYTES: Final = r"((?:[0-9a-f]{2} ){9})"
_W1_SLAVE: Final = re.compile(rf"{_BYTES}: crc=[0-9a-f]{{2}} (YES|NO)\n{_BYTES}t=(-?\d+)", re.ASCII)
_POLYNOMIAL: Final = 0x8C  # x^8 + x^5 + x^4 + 1, the lowest bit first
_WIRING: Final = "look at the cable, and at the pull-up resistor between data and 3.3 V"


def temperature(text: str) -> Decimal:
    """Return the temperature in °C that w1_slave says; raises SysfsError, which passes, when it says none."""
    if not text:
        raise _bad("it is empty: the conversion failed")
    match = _W1_SLAVE.fullmatch(text)
    if match is None:
        raise _bad("it is not the text of w1_therm")
    first, verdict, second, thousandths = match.groups()
    scratchpad = bytes.fromhex(first)
    if verdict == "NO" or crc8(scratchpad[:8]) != scratchpad[8] or first != second:
        raise _bad("the checksum is wrong")
    if not any(scratchpad):  # its checksum is right
        raise _bad("all bytes are 0: the data line is short-circuited to ground")
    return scaled(parse(thousandths), Decimal("0.001"), Decimal(0))


def crc8(data: bytes) -> int:
    """Return the checksum of 1-Wire devices."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
    return crc


def _bad(what: str) -> SysfsError:
    return SysfsError(what, _WIRING, passing=True)

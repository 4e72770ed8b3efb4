"""Shows how an owner looks at what is attached to a Raspberry Pi: `sudo .venv/bin/python -m tools.drivers_transcript`.

In a namespace whose /sys is a folder with the files of a Pi: two thermometers on a 1-Wire bus, a BME280, and the
processor's own sensor. What is typed and what is answered is printed; docs/drivers.md has it.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.drivers.devices import attached
from tests.netns.hosts import missing

BIN: Final = Path(sys.executable).parent
HOST: Final = "pi-green"
PATIENCE_S: Final = 60.0

COMMANDS: Final = (
    "jph drivers scan --quiet",
    "jph drivers try w1 ids.value=28-0316a2795dff ids.return=28-0416b2895eff",
    "jph drivers try w1 id=28-0316a2795dfe",
    "jph drivers try iio device=bme280 source=temp",
)

# What two thermometers said, of 23.187 and of 20.687 °C, each with its checksum.
SCRATCHPADS: Final = {
    "28-0316a2795dff": ("73 01 4b 46 7f ff 0d 10 41", 23187),
    "28-0416b2895eff": ("4b 01 4b 46 7f ff 05 10 e1", 20687),
}

# The bind lets the programs see the Pi's files, and nothing of them beyond the namespace.
ENTER: Final = 'mount --bind "$1" /sys && hostname "$2" && cd && exec sh -c "$3"'


def run(pi: Path, command: str) -> str:
    """Return what a command prints on the Pi."""
    environment = {"HOME": str(pi), "PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(  # noqa: S603 - words of this module
        ["unshare", "--mount", "--uts", "sh", "-c", ENTER, "sh", pi / "sys", HOST, command],  # noqa: S607 - PATH's
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    return done.stdout


def attach(pi: Path) -> None:
    """Make the files of a Pi with its sensors."""
    attached.attach_thermometers(pi, 1, *SCRATCHPADS)
    for name, (scratchpad, millidegrees) in SCRATCHPADS.items():
        text = f"{scratchpad} : crc={scratchpad[-2:]} YES\n{scratchpad} t={millidegrees}\n"
        attached.write(pi / f"sys/devices/w1_bus_master1/{name}/w1_slave", text)
    attached.attach_hwmon(pi, 0, "cpu_thermal", "virtual0", {"temp1_input": "48312"})
    attached.attach_iio(pi, 0, "bme280", "1-0076", {"in_temp_input": "21500", "in_pressure_input": "101.3"})


def transcript() -> Iterator[str]:
    """Yield what is typed and what is answered."""
    with TemporaryDirectory() as folder:
        attach(Path(folder))
        for command in COMMANDS:
            yield f"$ {command}\n{run(Path(folder), command)}"


def main() -> int:
    """Print it all."""
    if reason := missing():
        print(f"there can be no Pi here: {reason}", file=sys.stderr)
        return 1
    for part in transcript():
        print(part, end="", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

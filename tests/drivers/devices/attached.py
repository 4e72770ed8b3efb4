"""A computer with devices attached, as files below a root: what `drivers.scanning` looks at."""

from pathlib import Path

# The GPIO controller, the pin 21, no flags.
DHT_PIN_21 = bytes([0, 0, 0, 7, 0, 0, 0, 21, 0, 0, 0, 0])


def attach_everything(root: Path) -> None:
    """Attach something of each kind that /sys tells of."""
    attach_thermometers(root, 1, "28-0316a2795dff", "28-0416b2895eff")
    attach_thermometers(root, 2, "10-000802824e58")
    attach_hwmon(root, 0, "cpu_thermal", "virtual0", {"temp1_input": "48312"})
    for number, parent in ((1, "1-0048"), (2, "1-0049")):
        attach_hwmon(root, number, "lm75", parent, {"temp1_input": "21500", "temp1_label": "rack"})
    attach_hwmon(root, 3, "rpi_volt", "firmware", {"in0_lcrit_alarm": "0"})
    attach_iio(root, 0, "bme280", "1-0076", {"in_temp_input": "21500", "in_pressure_input": "101.3"})
    attach_dht(root, 1, "dht11@15", DHT_PIN_21)
    attach_zone(root, 0, "cpu-thermal")
    attach_zone(root, 1, "gpu")
    write(root / "dev/serial/by-id/usb-0658_0200-if00", "")


def attach_thermometers(root: Path, bus: int, *ids: str) -> None:
    for id_ in ids:
        write(root / f"sys/devices/w1_bus_master{bus}/{id_}/w1_slave", "")
        devices = root / "sys/bus/w1/devices"
        devices.mkdir(parents=True, exist_ok=True)
        (devices / id_).symlink_to(root / f"sys/devices/w1_bus_master{bus}/{id_}")


def attach_hwmon(root: Path, number: int, name: str, parent: str, files: dict[str, str]) -> None:
    directory = root / f"sys/devices/{parent}/hwmon/hwmon{number}"
    for file, text in {"name": name, **files}.items():
        write(directory / file, f"{text}\n")
    (directory / "device").symlink_to("../..")
    link(root / f"sys/class/hwmon/hwmon{number}", directory)


def attach_iio(root: Path, number: int, name: str, parent: str, files: dict[str, str]) -> None:
    directory = root / f"sys/devices/{parent}/iio:device{number}"
    for file, text in {"name": name, **files}.items():
        write(directory / file, f"{text}\n")
    link(root / f"sys/bus/iio/devices/iio:device{number}", directory)


def attach_dht(root: Path, number: int, name: str, gpios: bytes | None) -> None:
    attach_iio(root, number, name, name, {"in_temp_input": "21500", "in_humidityrelative_input": "45000"})
    if gpios is not None:
        tree = root / f"sys/devices/{name}/iio:device{number}/of_node"
        tree.mkdir()
        (tree / "gpios").write_bytes(gpios)


def attach_zone(root: Path, number: int, kind: str) -> None:
    write(root / f"sys/class/thermal/thermal_zone{number}/type", f"{kind}\n")
    write(root / f"sys/class/thermal/thermal_zone{number}/temp", "48312\n")


def link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")

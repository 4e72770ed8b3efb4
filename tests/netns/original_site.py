"""The house of the original system's configuration, on one host: a device behind every driver that it names.

192.168.0.8    the Arduino with its two flow meters
/dev/i2c-1     the two converters of the ADC Pi
/sys           the processor's temperature, and two DHT22 as the kernel shows them
dwarfpool.com  the mining pool
127.0.0.1      Google and the weather, the real Z-Wave JS server, PostgreSQL, Redis
GPIO           gpiozero's own pins without hardware
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from config.loading import load
from drivers import registry
from storage import postgres_admin
from tests.drivers.devices import i2c_dev
from tests.drivers.devices.http import served
from tests.drivers.devices.i2c import EmulatedBus, Mcp3424
from tests.drivers.devices.json import Arduino
from tests.drivers.devices.nest import Google
from tests.drivers.devices.pool import MiningPool
from tests.drivers.devices.sysfs import put_iio
from tests.drivers.devices.weather import OpenMeteo
from tests.netns.hosts import Namespace
from tests.storage.postgres_server import ACCESS, SETTINGS, PostgresServer
from tests.storage.redis_server import running
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import mounted as mounted_sys
from tests.zwave.network import RealNetwork

CHECKOUT: Final = Path(__file__).parents[2]
CONFIGURATION: Final = CHECKOUT / "tests/config/original.json"
SCRIPTS: Final = Path(__file__).with_name("pytemplates")

ARDUINO: Final = "192.168.0.8"
POOL: Final = ("127.0.0.2", 80)
AIR: Final = {21: ("21500", "40200"), 20: ("25100", "38700")}  # pin: m°C, m%
VOLTS: Final = (2.5, 2.8, 3.1, 3.5)
"""At the pins of each converter."""
PASSWORD: Final = "open sesame"  # noqa: S105 - of a database in a directory of this test


class OriginalSite:
    """The devices and servers of the house, and programs that run there. `stack` ends them."""

    def __init__(self, path: Path, stack: ExitStack, monotonic: Callable[[], float]) -> None:
        self.path = path
        self._monotonic = monotonic
        self._stack = stack
        self.home = path / "home"
        self.work = path / "work"
        for directory in (self.home, self.work, path / "root", path / "zwave"):
            directory.mkdir()
        (self.work / "pytemplates").mkdir()
        for script in SCRIPTS.iterdir():
            shutil.copy(script, self.work / "pytemplates" / f"{script.stem}.py")
        shutil.copy(CONFIGURATION, self.work / "config.json")
        self.namespace = Namespace("house")
        stack.callback(self.namespace.close)
        self.namespace.run("ip", "address", "add", f"{ARDUINO}/32", "dev", "lo")
        (path / "hosts").write_text(f"127.0.0.1 localhost\n{POOL[0]} dwarfpool.com\n", "ascii")
        self._put_sys()
        environment = {**os.environ, **self._put_i2c(), **_PINS, "HOME": str(self.home), "JPH_KEYS": str(path)}
        environment |= {"PYTHONPATH": str(CHECKOUT), "XDG_STATE_HOME": str(path / "state")}
        self._surroundings: dict[str, Any] = {"cwd": self.work, "env": environment, "stdin": subprocess.DEVNULL}
        with self.namespace.entered():  # sockets that are opened now belong there
            self._serve()

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a program of ours there; its output goes to a file that `said` reads."""
        with (self.path / f"{arguments[0]}.log").open("w") as log:
            process = subprocess.Popen(
                [*self._entering(), sys.executable, "-P", "-m", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                **self._surroundings,
            )
        self._stack.callback(_end, process)
        return process

    def said(self, program: str) -> str:
        """Return what a program that was started has said so far."""
        return (self.path / f"{program}.log").read_text(errors="replace")

    def run(self, *arguments: str) -> str:
        """Run a program of ours there to its end, and return what it printed."""
        command = [*self._entering(), sys.executable, "-P", "-m", *arguments]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, **self._surroundings)
        assert ended.returncode == 0, ended.stderr
        printed: str = ended.stdout
        return printed

    def _entering(self) -> Sequence[str]:
        """Return what leads a program there: its /sys and its names are those of the house as well."""
        script = f"mount --bind {self.path}/root/sys /sys && mount --bind {self.path}/hosts /etc/hosts"
        return ("ip", "netns", "exec", self.namespace.name, "sh", "-c", f'{script} && exec "$@"', "sh")

    def _put_sys(self) -> None:
        files = self._stack.enter_context(mounted_sys(self.path / "root"))
        files.put("/sys/class/thermal/thermal_zone0/temp", "48312\n")
        for number, (pin, (celsius, percent)) in enumerate(AIR.items()):
            name = f"dht11@{pin:x}"
            texts = {"in_temp_input": celsius, "in_humidityrelative_input": percent}
            put_iio(files, number, name, texts, f"platform/{name}")

    def _put_i2c(self) -> dict[str, str]:
        """Put the converters, both with the same at their pins."""
        directory = self.path / "dev"
        chips = {address: Mcp3424(self._monotonic, *(volts / 2.471 for volts in VOLTS)) for address in (0x68, 0x69)}
        self._stack.enter_context(i2c_dev.mounted({1: EmulatedBus(chips)}, directory))
        return i2c_dev.environment(directory, self.path)

    def _serve(self) -> None:
        enter = self._stack.enter_context
        enter(served(Arduino().device(), address=(ARDUINO, 80)))
        enter(served(MiningPool("dwarfpool").device(), address=POOL))
        google = enter(Google(self._monotonic).serving())
        weather = enter(OpenMeteo(ManualClock(wall_ms=time.time() * 1000)).serving())
        google.write(self.home / ".nestpassword", **weather.house())
        enter(RealNetwork(self.path / "zwave", port=3000))
        enter(running("--port", "6379", "--bind", "127.0.0.1"))
        postgres = PostgresServer(
            {**SETTINGS, "listen_addresses": "'127.0.0.1'"}, f"host all all 127.0.0.1/32 scram-sha-256\n{ACCESS}"
        )
        self._stack.callback(postgres.close)
        self._make_database(postgres)

    def _make_database(self, postgres: PostgresServer) -> None:
        postgres.execute(f"CREATE ROLE jphadmin LOGIN PASSWORD '{PASSWORD}'")
        postgres.execute("CREATE DATABASE sensors OWNER jphadmin")
        password = self.home / ".sqlpassword"
        password.write_text(f"{PASSWORD}\n")
        password.chmod(0o600)
        postgres_admin.init(postgres.options("sensors", user="jphadmin"), load(str(CONFIGURATION), registry.options_of))


_PINS: Final = {"GPIOZERO_PIN_FACTORY": "mock", "GPIOZERO_MOCK_PIN_CLASS": "mockpwmpin"}


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

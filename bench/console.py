"""The console under load: 1,000 sensors at 1 Hz on a pty of 200x50 cells. Prints JSON lines.

    python -m bench.console --seconds 30

Three processes: the console, a feeder that sends the readings evenly over the second, and this one, which is the
terminal: it reads all that is sent, presses keys, and waits for the position in the heading to change.
"""

import argparse
import fcntl
import json
import os
import pty
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from config.model import Configuration, Group, Network, Node, Sensor
from console.app import run_console
from protocol.frames import ControlFrame, Flag, encode, reading_frame
from protocol.readings import Reading

PER_NODE: Final = 10  # sensors of a node: its own and nine proxies
WARM_UP_S: Final = 5.0
KEY_EVERY_S: Final = 0.5
KEY_PATIENCE_S: Final = 5.0
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
ENVIRONMENT: Final = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}


def configuration(sensors: int, port: int) -> Configuration:
    """Describe a network of so many sensors."""
    names = _codifiers(sensors + 1)
    operator = Node(sensor=Sensor(codifier=next(names), name="Operator"), driver="console")
    nodes = [operator]
    codifiers = list(names)
    for first in range(0, len(codifiers), PER_NODE):
        own, *proxies = (_sensor(codifier) for codifier in codifiers[first : first + PER_NODE])
        nodes.append(Node(sensor=own, driver="simulated", host=f"pi{first // PER_NODE}", proxies=tuple(proxies)))
    group = f"239.192.78.{1 + port % 250}"
    network = Network(control=Group(group, port), data=Group(group, port + 1), interface="lo", ttl=1)
    return Configuration(network=network, nodes={node.codifier: node for node in nodes}, source="bench/thousand.yaml")


def _codifiers(count: int) -> Iterator[str]:
    characters = [chr(code) for code in range(0x21, 0x7F) if chr(code) != "@"]
    names = (first + second for first in characters for second in characters)
    return (next(names) for _ in range(count))


def _sensor(codifier: str) -> Sensor:
    return Sensor(codifier=codifier, name=f"temperature of rack {codifier}", unit="°C", timeout_s=5.0)


def operator_of(described: Configuration) -> str:
    """Return who the console is."""
    return next(iter(described.nodes))


def show(sensors: int, port: int) -> int:
    """Be the console."""
    described = configuration(sensors, port)
    return run_console(described, operator_of(described))


def feed(sensors: int, port: int) -> None:
    """Send a reading of every sensor once a second, evenly, until somebody ends this process."""
    described = configuration(sensors, port)
    network = described.network
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    publishing = [sensor for node, sensor in described.sensors() if node.driver != "console"]
    values = {sensor.codifier: 20.0 + random.random() * 60 for sensor in publishing}
    for node in described.nodes.values():
        if node.driver != "console":
            now_ms = int(time.time() * 1000)
            frame = ControlFrame(1, now_ms, Flag.NEW, node.codifier, "@@", float(now_ms), active=True)
            sender.sendto(encode(frame), (network.control.address, network.control.port))
    begin_s, sent = time.monotonic(), 0
    while True:
        codifier = publishing[sent % len(publishing)].codifier
        values[codifier] += random.uniform(-0.3, 0.3)
        reading = Reading(codifier, int(time.time() * 1000), 1 + sent // len(publishing), round(values[codifier], 2))
        sender.sendto(encode(reading_frame(reading)), (network.data.address, network.data.port))
        sent += 1
        time.sleep(max(0.0, begin_s + sent / len(publishing) - time.monotonic()))


class Terminal:
    """The other end of the console's pty."""

    def __init__(self, command: list[str], width: int, height: int) -> None:
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.environ.update(ENVIRONMENT)
            os.execv(command[0], command)  # noqa: S606 - this program itself
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)
        self.read_bytes = 0
        self._recent = b""

    def read_until(self, deadline_s: float, wanted: re.Pattern[bytes] | None = None) -> bool:
        """Read what comes until a moment, or until it has the wanted text; tell whether that came."""
        self._recent = b""
        while (rest_s := deadline_s - time.monotonic()) > 0:
            if not select.select([self._master], [], [], rest_s)[0]:
                break
            data = os.read(self._master, 65536)
            self.read_bytes += len(data)
            self._recent = (self._recent + data)[-100_000:]
            if wanted is not None and wanted.search(self._recent):
                return True
        return False

    def press(self, key: bytes) -> None:
        """Type."""
        os.write(self._master, key)

    def cpu_s(self) -> float:
        """Return the processor time that the console has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def memory_mib(self, name: str) -> float:
        """Return a figure of /proc/PID/status in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index] # the kernel has it

    def close(self) -> int:
        """Leave the console and return its exit code."""
        self.press(b"q")
        self.read_until(time.monotonic() + KEY_PATIENCE_S, re.compile(rb"\x1b\[\?1049l"))
        _, status = os.waitpid(self.pid, 0)
        os.close(self._master)
        return os.waitstatus_to_exitcode(status)


def measure(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Run the console under load and yield what was measured."""
    width, height = map(int, arguments.size.split("x"))
    settings = ["--sensors", str(arguments.sensors), "--port", str(arguments.port)]
    this = [sys.executable, "-m", "bench.console", *settings]
    begin_s = time.monotonic()
    terminal = Terminal([*this, "--part", "console"], width, height)
    terminal.read_until(begin_s + 30, re.compile(rb"1/\d+ "))
    start_s = time.monotonic() - begin_s
    feeder = subprocess.Popen([*this, "--part", "feeder"])
    try:
        terminal.read_until(time.monotonic() + WARM_UP_S)
        yield {"measure": "start to first frame", "seconds": round(start_s, 2)}
        yield {"load": f"{arguments.sensors} sensors at 1 Hz, {arguments.size}", **_quiet(terminal, arguments.seconds)}
        yield {"load": f"{arguments.sensors} sensors at 1 Hz, {arguments.size}", **_keys(terminal, arguments.seconds)}
        yield {
            "measure": "memory",
            "rss_mib": round(terminal.memory_mib("VmRSS"), 1),
            "peak_mib": round(terminal.memory_mib("VmHWM"), 1),
        }
    finally:
        feeder.terminate()
        feeder.wait()
        yield {"measure": "exit", "code": terminal.close()}


def _quiet(terminal: Terminal, seconds: float) -> dict[str, object]:
    """Let the console run without keys."""
    cpu_s, read, begin_s = terminal.cpu_s(), terminal.read_bytes, time.monotonic()
    terminal.read_until(begin_s + seconds)
    elapsed_s = time.monotonic() - begin_s
    return {
        "measure": "console at rest",
        "cpu_percent": round(100 * (terminal.cpu_s() - cpu_s) / elapsed_s, 1),
        "kb_per_s": round((terminal.read_bytes - read) / elapsed_s / 1000, 1),
    }


def _keys(terminal: Terminal, seconds: float) -> dict[str, object]:
    """Move the cursor down and up, and wait for the position in the heading to follow."""
    delays_ms: list[float] = []
    lost = 0
    end_s = time.monotonic() + seconds
    position = 1
    while time.monotonic() < end_s:
        terminal.read_until(time.monotonic() + KEY_EVERY_S * random.uniform(0.5, 1.5))
        down = position < 20
        position += 1 if down else -19
        begin_s = time.monotonic()
        terminal.press(b"\x1b[B" if down else b"\x1b[H")
        if terminal.read_until(begin_s + KEY_PATIENCE_S, re.compile(rb"(?<!\d)%d/\d" % position)):
            delays_ms.append((time.monotonic() - begin_s) * 1000)
        else:
            lost += 1
    delays_ms.sort()
    return {
        "measure": "key to paint",
        "keys": len(delays_ms),
        "unanswered": lost,
        "p50_ms": round(delays_ms[len(delays_ms) // 2], 1),
        "p99_ms": round(delays_ms[min(len(delays_ms) - 1, int(len(delays_ms) * 0.99))], 1),
        "max_ms": round(delays_ms[-1], 1),
    }


def main() -> int:
    """Run one of the three parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--sensors", type=int, default=1000)
    parser.add_argument("--size", default="200x50")
    parser.add_argument("--port", type=int, default=24_300)
    parser.add_argument("--part", choices=("console", "feeder"))
    arguments = parser.parse_args()
    if arguments.part == "console":
        return show(arguments.sensors, arguments.port)
    if arguments.part == "feeder":
        feed(arguments.sensors, arguments.port)
    for figures in measure(arguments):
        sys.stdout.write(json.dumps(figures) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A broker, which is mosquitto itself, and devices that publish there as ESPHome and Zigbee2MQTT do."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

LOOPBACK: Final = "127.0.0.1"
PATIENCE_S: Final = 10.0
BROKEN: Final = "{"
"""What a device publishes that fails: neither a number nor JSON."""

_PLACES: Final = "/usr/sbin:/usr/local/sbin"  # Debian has it where not every user's PATH looks


def mosquitto() -> str:
    """Return where mosquitto is; skips the test when it is not installed."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path=_PLACES)
    if found is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    return found


class MqttBroker:
    """mosquitto on a port of loopback that stays the same when it is started again; it keeps nothing on the disk.

    `settings` are lines of mosquitto.conf, without any everybody may do everything. With `ca` devices use TLS, and
    these authorities.
    """

    def __init__(self, directory: Path, *settings: str, ca: str | None = None) -> None:
        self.port = _free_port()
        self._ca = ca
        self._configuration = directory / "mosquitto.conf"
        rules = settings or ("allow_anonymous true",)
        lines = [f"listener {self.port} {LOOPBACK}", "persistence false", "log_type none", "user root", *rules]
        self._configuration.write_text("\n".join([*lines, ""]))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen([mosquitto(), "-c", str(self._configuration)], stderr=subprocess.DEVNULL)
        until_s = time.monotonic() + PATIENCE_S
        while not _listens(self.port):
            assert self._process.poll() is None, "mosquitto ended"
            assert time.monotonic() < until_s, "mosquitto does not listen"

    def stop(self) -> None:
        """Stop it; a second time does nothing."""
        process, self._process = self._process, None
        while process is not None and process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):  # it listens a moment before it heeds signals: that one was lost
                process.wait(1)

    def device(self, fails: Callable[[], bool] = lambda: False, **login: str) -> "MqttDevice":
        """Connect a device."""
        return MqttDevice(self.port, fails, self._ca, **login)


class MqttDevice:
    """Publishes. When `fails` says so, what it publishes is broken. A device that dies says `will` on that topic."""

    def __init__(self, port: int, fails: Callable[[], bool], ca: str | None, **login: str) -> None:
        self._fails = fails
        self._client: Any = paho.Client(CallbackAPIVersion.VERSION2)
        if ca is not None:
            self._client.tls_set(ca)
        if login:
            self._client.username_pw_set(**login)
        self._client.connect(LOOPBACK, port)
        self._client.loop_start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        client, self._client = self._client, None  # its last file is closed when nobody has it
        client.disconnect()
        client.loop_stop()

    def publish(self, topic: str, *payloads: str | bytes, retain: bool = False) -> None:
        """Publish one payload after the other, and wait until the broker has each."""
        for payload in payloads:
            said = BROKEN if self._fails() else payload
            self._client.publish(topic, said, qos=1, retain=retain).wait_for_publish(PATIENCE_S)


def certificate(directory: Path, name: str) -> Sequence[str]:
    """Make cert.pem and key.pem for a name, signed by itself; returns the lines of mosquitto.conf that use them."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    files = {"-keyout": directory / "key.pem", "-out": directory / "cert.pem"}
    words = [str(word) for pair in files.items() for word in pair]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-x509", "-days", "2"]
    call = [program, "req", *kind, *words, "-subj", "/CN=broker", "-addext", f"subjectAltName={name}"]
    subprocess.run(call, check=True, capture_output=True)
    cert, key = files["-out"], files["-keyout"]
    return (f"certfile {cert}", f"keyfile {key}", "allow_anonymous true")


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port

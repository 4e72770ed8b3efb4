"""The original system's library: its ten functions and three call-backs, over today's bus (README, "The library").

The names are those that programs written for it use; the linter's naming rules give way to them.
"""

# ruff: noqa: N802, N803, FBT001, FBT002

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from agent.clock import SystemClock
from agent.configuration import load_configuration
from agent.node import AlreadyRunningError, UnknownNodeError
from agent.participant import Heard
from agent.presence import GaveWay
from agent.publisher import Publisher
from agent.records import log_lines
from config.model import Configuration
from config.original_form import original_form
from protocol import frames
from protocol.codifiers import EVERYBODY
from protocol.commands import Code
from protocol.errors import JphError
from protocol.frames import HEADER_BYTES, ControlFrame, DataFrame, Flag
from protocol.readings import Value

log: Final = logging.getLogger("jph.original")

T = TypeVar("T")
DataCallback = Callable[..., object]
"""Called with ("Data=", flag, source, to, timestamp, sequence, length, sender, value, None)."""
CtrlCallback = Callable[..., object]
"""Called with ("Ctrl=", flag, source, to, timestamp, sequence, length, sender, number, isActive)."""
TimeCallback = Callable[[int], object]
"""Called with the time in ms, every SensorInterval while the codifier is active."""

CATCHING_UP: Final = 4  # turns of the loop after each reading: up to 256 datagrams of each bus

_CONTROL_PAYLOAD_BYTES: Final = 9
_DATA_PAYLOAD_BYTES: Final = {Flag.NUMBERING: 4, Flag.INTEGER: 4, Flag.FLOAT: 4}
_VALUE_FLAGS: Final = frozenset({Flag.SET, Flag.STEP})  # whose number may be zero; elsewhere zero is none


def timeNow() -> int:
    """Return the time in milliseconds since 1970-01-01 UTC."""
    return int(SystemClock().now().wall_ms)


class Channel:
    """All communication of one codifier: what `jph.jph()` returns.

    `configURL` defaults to JPH_CONFIG and then to where a configuration is found, `Codifier` to JPH_SENSOR.
    Raises ConfigError, and UnknownNodeError for a codifier that the configuration does not have.

    The codifier joins the bus with the first `sendData`, `sendCtrl` or `run`, and leaves it with `close`, or when the
    program ends. It answers while `run` runs, and otherwise with each `sendData`: pings, commands, and requests for
    readings that got lost. `close` waits for those of the last ones, 0.6 s when nobody lacks any.
    """

    def __init__(self, configURL: str = "", Codifier: str = "") -> None:
        self.Codifier = Codifier or os.environ.get("JPH_SENSOR", "")
        self._source = configURL or None
        self._configuration = self._load()
        self._runner = asyncio.Runner()
        self._member: _Member | None = None
        self._turning = threading.RLock()  # held by whoever lets the loop run

    def getConfig(self) -> Mapping[str, Any]:
        """Return the whole configuration in the original's form."""
        return original_form(self._configuration)

    def getAllSensors(self) -> list[Mapping[str, Any]]:
        """Return the entries of all codifiers."""
        return list(self.getConfig()["Sensors"])

    def getSensor(self, Codifier: str) -> Mapping[str, Any] | None:
        """Return the entry of one codifier, or None."""
        return next((entry for entry in self.getAllSensors() if entry.get("Codifier") == Codifier), None)

    def getMySensor(self) -> Mapping[str, Any] | None:
        """Return the entry of this codifier."""
        return self.getSensor(self.Codifier)

    def getMySensorElement(self, elem: str) -> Any:
        """Return one element of this codifier's `Sensor` section, or None."""
        return ((self.getMySensor() or {}).get("Sensor") or {}).get(elem)

    def sendData(self, data: Value, timestamp: int = 0, Codifier: str = "", sequence_packet: bool = False) -> None:
        """Send a value of this codifier, or of the proxy `Codifier`, measured at `timestamp` (ms) or now.

        With `sequence_packet` nothing is measured: the next reading has the sequence `data` plus one.
        """
        codifier = Codifier or self.Codifier
        if sequence_packet:
            self._joined().number_on_from(codifier, int(data))
        else:
            self._joined().publish(codifier, data, timestamp or None)
        self._catch_up()

    def sendCtrl(self, flag: str, timestamp: int = 0, to: str = "", timeComponent: float | None = None) -> None:
        """Send a control frame to a codifier, or to everybody.

        `timeComponent` is its number, such as the value of `A` and `E`; without it, when the configuration was read.
        """
        del timestamp  # a command is stamped with the moment at which it is sent
        member = self._joined()
        is_given = timeComponent is not None and (timeComponent != 0 or flag in _VALUE_FLAGS)
        member.send(Flag(flag), to or EVERYBODY, float(timeComponent or 0) if is_given else member.config_time_ms)

    def run(
        self,
        dataCallback: DataCallback | None = None,
        timeCallback: TimeCallback | None = None,
        ctrlCallback: CtrlCallback | None = None,
    ) -> None:
        """Live on the bus and call back, until interrupted; returns when another instance of the codifier answers.

        What a call-back raises ends it and is raised.
        """
        member = self._joined()
        member.data_callback = dataCallback
        member.ctrl_callback = ctrlCallback
        with self._turning:
            self._do(member.live(timeCallback))

    def close(self) -> None:
        """Leave the bus; closing twice is harmless."""
        atexit.unregister(self.close)
        member, self._member = self._member, None
        if member is not None:
            self._do(member.__aexit__())
        self._runner.close()

    def _joined(self) -> "_Member":
        if self._member is None:
            member = _Member(self._configuration, self.Codifier, self._read_again)
            atexit.register(self.close)
            self._member = self._do(member.__aenter__())
        return self._member

    def _catch_up(self) -> None:
        """Take what arrived while nothing ran; `run` does so all the time, maybe in another thread."""
        if not _is_in_a_loop() and self._turning.acquire(blocking=False):
            try:
                self._do(_let_turn(CATCHING_UP))
            finally:
                self._turning.release()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def _load(self) -> Configuration:
        configuration = load_configuration(self._source)
        if configuration.owner(self.Codifier) is None:
            raise UnknownNodeError(
                f"{configuration.source} has no codifier {self.Codifier!r}", "name one, or set JPH_SENSOR"
            )
        return configuration

    def _read_again(self) -> Configuration:
        self._configuration = self._load()
        return self._configuration


class _Member(Publisher):
    """The participant behind a channel."""

    def __init__(self, configuration: Configuration, codifier: str, read_again: Callable[[], Configuration]) -> None:
        super().__init__(configuration, codifier, takeover=False)
        self._read_again = read_again
        self.data_callback: DataCallback | None = None
        self.ctrl_callback: CtrlCallback | None = None
        self.heard.append(self._call_back)
        self._ended: asyncio.Future[None] | None = None
        self._incumbent: GaveWay | None = None

    @property
    def config_time_ms(self) -> float:
        """When the configuration was read, in ms since 1970-01-01 UTC."""
        return self._presence.life.config_time_ms

    def publish(self, codifier: str, value: Value, timestamp_ms: int | None) -> None:
        """Send a reading, unless halted; raises AlreadyRunningError after another instance answered."""
        if self._incumbent is not None:
            raise AlreadyRunningError(str(self._incumbent), "stop it first")
        if self._presence.active:
            self._presence.publish(codifier, value, None, timestamp_ms)

    def number_on_from(self, codifier: str, sequence: int) -> None:
        """Let the numbering of a sensor continue after a sequence."""
        self._presence.number_on_from(codifier, sequence)

    async def live(self, callback: TimeCallback | None) -> None:
        """Call back every interval until another instance answers; raises what a call-back raises."""
        self._ended = asyncio.get_running_loop().create_future()
        if self._incumbent is not None:
            return
        due_s = self.clock.now().monotonic_s
        while not self._ended.done():
            due_s = max(due_s + self._interval_s(), self.clock.now().monotonic_s)
            await asyncio.wait([self._ended], timeout=due_s - self.clock.now().monotonic_s)
            if callback is not None and self._presence.active and not self._ended.done():
                callback(timeNow())
        self._ended.result()

    async def carry_out(self, command: ControlFrame) -> Code:
        """Halt, start and read again; `A` and `E` are the program's own affair, in its control call-back."""
        if command.flag in {Flag.START, Flag.HALT}:
            self._presence.set_active(active=command.flag is Flag.START)
            return Code.TAKEN
        if command.flag is Flag.RELOAD:
            return self._reload()
        return Code.NOT_A_CONTROL_SENSOR if self.ctrl_callback is None else Code.TAKEN

    def give_way(self, other: GaveWay) -> None:
        """Stop: the original's programs do so too."""
        log.error("%s: this one stops", other)
        self._incumbent = other
        self._end()

    def _interval_s(self) -> float:
        node = self.configuration.owner(self.codifier)
        return node.interval_s if node else self.configuration.defaults.interval_s

    def _reload(self) -> Code:
        try:
            self.configuration = self._read_again()
        except JphError as error:
            log_lines(log, logging.ERROR, f"the configuration was not taken, the old one is kept:\n{error}")
            return Code.BAD_CONFIGURATION
        return Code.TAKEN

    def _call_back(self, heard: Heard) -> None:
        if not self._presence.active or self._ended is None or self._ended.done():
            return
        frame = heard.frame
        callback = self.data_callback if isinstance(frame, DataFrame) else self.ctrl_callback
        if callback is None:
            return
        try:
            callback(*_told(heard))
        except Exception as error:  # noqa: BLE001 - `run` raises it
            self._end(error)

    def _end(self, error: Exception | None = None) -> None:
        if self._ended is None or self._ended.done():
            return
        if error is None:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(error)


def _is_in_a_loop() -> bool:
    """Tell whether a loop runs in this thread, as in a call-back."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _let_turn(times: int) -> None:
    """Let the loop do what is to be done now, and read what has arrived."""
    for _ in range(times):
        await asyncio.sleep(0)


def _told(heard: Heard) -> tuple[object, ...]:
    """Return what a call-back is told of a frame."""
    frame = heard.frame
    head = (str(frame.flag), frame.source, frame.destination, frame.timestamp_ms, frame.sequence)
    if isinstance(frame, DataFrame):
        return ("Data=", *head, _payload_bytes(frame), heard.sender, frame.value, None)
    return ("Ctrl=", *head, _CONTROL_PAYLOAD_BYTES, heard.sender, frame.number, frame.active)


def _payload_bytes(frame: DataFrame) -> int:
    return _DATA_PAYLOAD_BYTES.get(frame.flag) or len(frames.encode(frame)) - HEADER_BYTES

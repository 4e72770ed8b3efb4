"""The console on a real pseudo terminal: started, stalled, cut off, and ended."""

import asyncio
import re
import signal

import pytest

from agent.bus import Bus as BusSockets
from agent.clock import SystemClock
from agent.sockets import Datagram
from config.model import Network
from protocol.frames import Bus, ControlFrame, Flag, decode_control, encode, reading_frame
from protocol.instants import Instant
from protocol.readings import Reading
from tests.console.screen.pty_program import PATIENCE_S, PtyProgram, console_command

LOTS = 20  # with a ping each: one address is answered 25 in a second
LOT = 150
FILLING_KEYS = "y" * 35
"""Each copies a value to the clipboard, which is written at once: more writes than Textual queues (30)."""


def colours(drawn: str) -> set[int]:
    """Return the codes of colours that were sent: 30 to 37 and 40 to 47 of the old sixteen, and all others."""
    codes = {int(code) for codes in re.findall(r"\x1b\[([\d;]*)m", drawn) for code in codes.split(";") if code}
    return {code for code in codes if code >= 30} - {39, 49}


class Sensor:
    """Is C1: sends readings in lots, waits for the console's answers to pings, and for pings of the console's."""

    def __init__(self, network: Network) -> None:
        self._pongs: asyncio.Queue[float] = asyncio.Queue()
        self._pinged = asyncio.Event()
        self._sent = 0
        self._pings = 0
        self.bus = BusSockets(network, SystemClock(), [Bus.CONTROL], self._receive)

    async def send_lot(self) -> None:
        """Send readings, then ask the console for a sign of life and wait for it."""
        for _ in range(LOT):
            self._sent += 1
            self.bus.send(Bus.DATA, encode(reading_frame(Reading("C1", 1_700_000_000_000, self._sent, 21.5))))
        self._pings += 1
        ping = ControlFrame(self._pings, 1_700_000_000_000, Flag.PING, "C1", "CC", float(self._pings), active=True)
        self.bus.send(Bus.CONTROL, encode(ping))
        async with asyncio.timeout(PATIENCE_S):
            while await self._pongs.get() != self._pings:
                pass

    async def press_ping(self, console: PtyProgram) -> None:
        """Press the key that pings this sensor, and wait for the ping: the screen has answered all keys before it."""
        self._pinged.clear()
        console.press("p")
        async with asyncio.timeout(PATIENCE_S):
            await self._pinged.wait()

    def _receive(self, _bus: Bus, datagrams: list[Datagram], _now: Instant) -> None:
        for datagram, _ in datagrams:
            frame = decode_control(datagram)
            if frame.flag is Flag.PONG and frame.source == "CC":
                self._pongs.put_nowait(frame.number)
            if frame.flag is Flag.PING and frame.destination == "C1":
                self._pinged.set()


async def fill(console: PtyProgram, sensor: Sensor) -> None:
    """Leave no room in the terminal, which nobody reads any more, and see that the bus goes on."""
    console.read_until("1/7")
    await sensor.send_lot()
    console.read_until(f"{LOT} heard")
    console.stall()
    console.press(FILLING_KEYS)
    await sensor.press_ping(console)


async def test_a_terminal_that_is_not_read_stops_neither_the_bus_nor_the_screen(network: Network) -> None:
    """While nobody reads the terminal all readings are heard, pings and keys answered; then the screen goes on."""
    sensor = Sensor(network)
    with PtyProgram(console_command(network)) as console:
        async with sensor.bus:
            await fill(console, sensor)
            for _ in range(LOTS):
                await sensor.send_lot()
            await sensor.press_ping(console)
            console.go_on()
            console.read_until(f"{(LOTS + 1) * LOT:,} heard · 0 missing")
        console.press("q")
        assert console.exit_code() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_console_also_while_the_terminal_is_not_read(
    network: Network, number: signal.Signals
) -> None:
    sensor = Sensor(network)
    with PtyProgram(console_command(network)) as console:
        async with sensor.bus:
            await fill(console, sensor)
        console.send(number)
        assert console.wait() == 128 + number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_console_in_order(network: Network, number: signal.Signals) -> None:
    with PtyProgram(console_command(network)) as console:
        console.read_until("1/7")
        console.send(number)
        assert console.exit_code() == 128 + number
        assert b"\x1b[?1049l" in console.drawn  # the screen from before is back


def test_a_connection_that_is_cut_ends_the_console(network: Network) -> None:
    with PtyProgram(console_command(network)) as console:
        console.read_until("1/7")
        console.hang_up()
        assert console.wait() in {128 + signal.SIGHUP, -signal.SIGHUP}


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "ctrl+c"])
def test_the_operator_can_leave(network: Network, key: str) -> None:
    with PtyProgram(console_command(network)) as console:
        console.read_until("1/7")
        console.press(key)
        assert console.exit_code() == 0


def test_without_colours_none_is_sent(network: Network) -> None:
    with PtyProgram(console_command(network), environment={"NO_COLOR": "1"}) as console:
        drawn = console.read_until("1/7")
    assert colours(drawn) == set()


def test_a_linux_console_gets_no_24_bit_colours_and_no_braille(network: Network) -> None:
    with PtyProgram(console_command(network), environment={"TERM": "linux", "COLORTERM": ""}) as console:
        drawn = console.read_until("1/7")
    assert not any("\u2800" <= character <= "\u28ff" for character in drawn)
    assert colours(drawn) <= set(range(30, 38)) | set(range(40, 48))


@pytest.mark.parametrize(
    ("keys", "drawn"), [("aH", "sends no more readings"), ("\x10", "earch for commands"), ("?", "Everywhere")]
)
def test_a_terminal_without_unicode_gets_plain_characters(network: Network, keys: str, drawn: str) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"}
    with PtyProgram(console_command(network), environment=plain) as console:
        console.read_until("1/7")
        console.press(keys)
        console.read_until(drawn)
    assert console.drawn.isascii()


def test_a_terminal_that_is_too_small_is_told_and_helped_by_a_larger_one(network: Network) -> None:
    with PtyProgram(console_command(network), size=(40, 10)) as console:
        console.read_until("needs 60x15")
        console.resize(80, 24)
        console.read_until("1/7")


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_can_show_no_screen_is_refused(network: Network, term: str) -> None:
    with PtyProgram(console_command(network), environment={"TERM": term}) as console:
        assert console.exit_code() == 1
    assert b"cannot show a screen" in console.drawn
    assert b"jph watch" in console.drawn

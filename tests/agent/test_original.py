"""The original's ten functions and three call-backs, on real loopback groups and in real time."""

import json
import math
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import jph
from config.keyfile import NETWORK_NAME
from config.keystore import KeyStore
from config.model import Network
from config.rotation import begin_network
from protocol.commands import Code, pack_pair
from protocol.frames import Bus, ControlFrame, DataFrame, Flag, decode, encode
from protocol.gate import Gate, Mode
from tests.agent.peer import NOON_MS, Peer
from tests.agent.peer import peer as peer  # noqa: PLC0414 - a fixture
from tests.protocol.holders import NETWORK_KEY, owner, ring

ORIGINAL = {
    "Multicast": {
        "Control-Channel": {"Address": "226.0.0.221", "Port": 7001},
        "Data-Channel": {"Address": "226.0.0.222", "Port": 7002},
    },
    "Logging": {"version": 1},
    "Sensors": [
        {
            "Codifier": "C1",
            "ShortName": "kastpi",
            "Name": "kastpi CPU temperature",
            "Symbol": "C",
            "KeepAliveInterval": 60,
            "SensorInterval": 5,
            "TimeoutWarning": 20,
            "Active": True,
            "DataType": "float",
            "Type": "TempLinux",
            "Sensor": {"Pipe": "/sys/class/thermal/thermal_zone0/temp"},
        },
        {"Codifier": "CC", "ShortName": "Control", "Type": "ControlProgram"},
    ],
}


class Enough(Exception):  # noqa: N818 - the end of a program that would run for ever
    """Raised by a call-back when it has seen what the test wants to see."""


@pytest.fixture
def original(tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(ORIGINAL))
    return str(path)


@pytest.fixture
def configuration(tmp_path: Path, network: Network) -> str:
    """Give a configuration for the network of the test, with short intervals because they really pass."""
    path = tmp_path / "jph.yaml"
    path.write_text(
        dedent(f"""
            network: {{control: {network.control}, data: {network.data}, interface: lo, ttl: 1}}
            nodes:
              C1: {{name: kastpi, driver: control, options: {{default: 0}}, unit: °C, interval: 10ms}}
              F1:
                driver: pipe
                options: {{path: /proc/loadavg, fields: {{value: 1, humidity: 2}}}}
                proxies: {{F2: {{name: humidity, channel: humidity}}}}
              CC: {{driver: console}}
        """)
    )
    return str(path)


@pytest.fixture
def channel(configuration: str) -> Iterator[jph.Channel]:
    channel = jph.jph(configuration, "C1")
    yield channel
    channel.close()


def until_enough(channel: jph.Channel, **callbacks: Callable[..., object]) -> None:
    with pytest.raises(Enough):
        channel.run(**callbacks)


def test_time_now_is_in_milliseconds() -> None:
    assert isinstance(jph.timeNow(), int)
    assert jph.timeNow() > 1_700_000_000_000


def test_the_original_s_configuration_is_given_as_it_is(original: str) -> None:
    channel = jph.jph(original, "C1")
    assert channel.getConfig() == ORIGINAL
    assert channel.getAllSensors() == ORIGINAL["Sensors"]
    assert channel.getSensor("CC") == {"Codifier": "CC", "ShortName": "Control", "Type": "ControlProgram"}
    assert channel.getSensor("ZZ") is None
    assert channel.getMySensor() == channel.getSensor("C1")
    assert channel.getMySensorElement("Pipe") == "/sys/class/thermal/thermal_zone0/temp"
    assert channel.getMySensorElement("Pin") is None
    channel.close()


def test_any_other_is_given_in_the_original_s_form(configuration: str, network: Network) -> None:
    channel = jph.jph(configuration, "F2")
    assert channel.getConfig()["Multicast"]["Data-Channel"] == {
        "Address": network.data.address,
        "Port": network.data.port,
    }
    assert [entry["Codifier"] for entry in channel.getAllSensors()] == ["C1", "F1", "F2", "CC"]
    mine = channel.getMySensor() or {}
    assert (mine["Type"], mine["ShortName"], mine["Sensor"]) == ("Proxy", "humidity", {"Codifier": "F1"})
    owner = channel.getSensor("C1") or {}
    assert (owner["SensorInterval"], owner["Symbol"], owner["Active"]) == (0.01, "°C", True)
    assert repr(owner["KeepAliveInterval"]) == "60"
    channel.close()


def test_the_environment_says_who_and_where(original: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPH_CONFIG", original)
    monkeypatch.setenv("JPH_SENSOR", "C1")
    channel = jph.jph()
    assert (channel.Codifier, (channel.getMySensor() or {})["ShortName"]) == ("C1", "kastpi")
    channel.close()


def test_a_codifier_that_nobody_configured_is_refused(original: str) -> None:
    with pytest.raises(jph.UnknownNodeError, match="has no codifier 'ZZ'; name one, or set JPH_SENSOR"):
        jph.jph(original, "ZZ")


def test_a_configuration_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(jph.ConfigError, match="nowhere"):
        jph.jph(str(tmp_path / "nowhere.json"), "C1")


def test_data_is_announced_and_numbered(channel: jph.Channel, peer: Peer) -> None:
    for value in (21.5, 7, "open"):
        channel.sendData(value)
    assert peer.hears_control("N", "C1").active
    frames = [peer.hears_data("C1") for _ in range(4)]
    assert [frame.flag for frame in frames] == ["n", "f", "i", "s"]
    assert [frame.value for frame in frames[1:]] == [21.5, 7, "open"]
    assert [frame.sequence - frames[0].sequence for frame in frames] == [0, 1, 2, 3]


def test_data_has_the_time_at_which_it_was_measured(channel: jph.Channel, peer: Peer) -> None:
    channel.sendData(21.5, NOON_MS)
    assert [peer.hears_data("C1").timestamp_ms for _ in range(2)] == [NOON_MS, NOON_MS]


def test_data_of_a_proxy_goes_under_its_own_codifier(configuration: str, peer: Peer) -> None:
    channel = jph.jph(configuration, "F1")
    channel.sendData(48, Codifier="F2")
    assert [peer.hears_data("F2").flag for _ in range(2)] == ["n", "i"]
    channel.close()


def test_the_numbering_can_be_set(channel: jph.Channel, peer: Peer) -> None:
    channel.sendData(1_000, sequence_packet=True)
    channel.sendData(21.5)
    frames = [peer.hears_data("C1") for _ in range(3)]
    assert [(frame.flag, frame.sequence) for frame in frames] == [("n", 1_000), ("n", 1_000), ("f", 1_001)]


def test_a_control_frame_carries_its_number(channel: jph.Channel, peer: Peer) -> None:
    channel.sendCtrl("A", to="FK", timeComponent=55.5)
    frame = peer.hears_control("A", "C1")
    assert (frame.destination, frame.number) == ("FK", 55.5)


def test_zero_is_a_number_too(channel: jph.Channel, peer: Peer) -> None:
    channel.sendCtrl("A", 0, "FK", 0)
    assert peer.hears_control("A", "C1").number == 0.0


def test_without_a_number_it_is_when_the_configuration_was_read(channel: jph.Channel, peer: Peer) -> None:
    channel.sendCtrl("S", to="FK")
    channel.sendCtrl("I", 0, "", 0)
    announced = peer.hears_control("N", "C1")
    assert peer.hears_control("S", "C1").number == announced.number
    alive = peer.hears_control("I", "C1")
    assert (alive.number, alive.destination) == (announced.number, "@@")


def test_a_flag_that_does_not_exist_is_refused(channel: jph.Channel) -> None:
    with pytest.raises(ValueError, match="'X' is not a valid Flag"):
        channel.sendCtrl("X")


def test_the_time_call_back_comes_every_interval_with_the_time(channel: jph.Channel) -> None:
    times: list[int] = []

    def tick(now: int) -> None:
        times.append(now)
        if len(times) == 5:
            raise Enough

    before = jph.timeNow()
    until_enough(channel, timeCallback=tick)
    assert before < times[0]
    assert times == sorted(times)
    assert times[-1] - before >= 5 * 10 - 1


def test_the_data_call_back_is_told_all_of_a_frame(channel: jph.Channel, peer: Peer) -> None:
    told: list[tuple[Any, ...]] = []
    frames = [
        DataFrame(6, NOON_MS, Flag.NUMBERING, "FX", "@@", 6),
        DataFrame(7, NOON_MS, Flag.FLOAT, "FX", "@@", 21.5),
        DataFrame(8, NOON_MS, Flag.TEXT, "FX", "@@", "18 °C"),
        DataFrame(9, NOON_MS, Flag.JSON, "FX", "@@", 21.5, {"voltage": 3.2}),
    ]

    def note(*arguments: object) -> None:
        told.append(arguments)
        if len(told) == len(frames):
            raise Enough

    def tick(_: int) -> None:
        while frames_left:
            peer.say(frames_left.pop(0))

    frames_left = list(frames)
    until_enough(channel, dataCallback=note, timeCallback=tick)
    head = ("@@", NOON_MS)
    assert told == [
        ("Data=", "n", "FX", *head, 6, 4, peer.address, 6, None),
        ("Data=", "f", "FX", *head, 7, 4, peer.address, 21.5, None),
        ("Data=", "s", "FX", *head, 8, 10, peer.address, "18 °C", None),
        ("Data=", "j", "FX", *head, 9, 35, peer.address, 21.5, None),
    ]


def test_not_a_number_is_told_as_it_is(channel: jph.Channel, peer: Peer) -> None:
    recorded = bytes.fromhex("d0070000000000009e704602a20100006658584040000000040000000000c0ff")

    def note(*arguments: Any) -> None:
        assert math.isnan(arguments[8])
        raise Enough

    until_enough(channel, dataCallback=note, timeCallback=lambda _: peer.send(Bus.DATA, recorded))


def test_the_control_call_back_is_told_all_of_a_frame(channel: jph.Channel, peer: Peer) -> None:
    said: list[Any] = []

    def tick(_: int) -> None:
        if not said:
            said.append(peer.control(Flag.SET, "FK", 55.5))

    def note(*arguments: object) -> None:
        if arguments[2] == "CC":
            said.append(arguments)
            raise Enough

    until_enough(channel, ctrlCallback=note, timeCallback=tick)
    frame, told = said
    assert told == ("Ctrl=", "A", "CC", "FK", NOON_MS, frame.sequence, 9, peer.address, 55.5, True)


def test_a_halted_program_is_told_nothing_until_it_is_started(channel: jph.Channel, peer: Peer) -> None:
    told: list[tuple[str, bool]] = []

    def note(_kind: str, flag: str, source: str, *rest: Any) -> None:
        told.append((f"{source} {flag}", rest[-1]))
        if flag == "I" and len(told) > 3:
            raise Enough
        if flag == "I":
            peer.control(Flag.HALT, "C1")  # the probe is over: now commands are taken
        elif flag == "H":
            peer.control(Flag.START, "C1")

    until_enough(channel, ctrlCallback=note)
    assert told[-4:] == [("C1 I", True), ("CC H", True), ("C1 K", True), ("C1 I", True)]
    assert [peer.hears_control("KI", "C1").active for _ in range(5)] == [True, False, False, True, True]


def test_it_answers_pings_and_commands_while_it_runs(channel: jph.Channel, peer: Peer) -> None:
    def note(_kind: str, flag: str, source: str, *_: object) -> None:
        if (source, flag) == ("C1", "I"):
            peer.control(Flag.PING, "C1", 123.25)
            peer.control(Flag.SET, "C1", 55.5)
        if (source, flag) == ("C1", "K"):
            raise Enough

    until_enough(channel, ctrlCallback=note)
    assert peer.hears_control("T", "C1").number == 123.25
    assert peer.hears_control("K", "C1").number % 2**32 == 102.0


def test_without_a_control_call_back_nothing_can_be_set(channel: jph.Channel, peer: Peer) -> None:
    commands: list[ControlFrame] = []
    answers: list[float] = []

    def tick(_: int) -> None:
        if not commands and peer.has_heard("I", "C1"):
            commands.append(peer.control(Flag.SET, "C1", 55.5))
        if answer := peer.has_heard("K", "C1"):
            answers.append(answer.number)
            raise Enough

    until_enough(channel, timeCallback=tick)
    assert answers == [pack_pair(commands[0].sequence, Code.NOT_A_CONTROL_SENSOR)]


@pytest.mark.parametrize(
    ("text", "code"), [("", Code.TAKEN), ("nodes: [", Code.BAD_CONFIGURATION)], ids=["good", "bad"]
)
def test_it_reads_its_configuration_again(
    channel: jph.Channel, peer: Peer, configuration: str, text: str, code: Code
) -> None:
    answers: list[float] = []
    former = channel.getConfig()

    def tick(_: int) -> None:
        if not answers and peer.has_heard("I", "C1"):
            Path(configuration).write_text(text or Path(configuration).read_text().replace("kastpi", "cellar"))
            answers.append(pack_pair(peer.control(Flag.RELOAD, "C1").sequence, code))
        elif answers and (answer := peer.has_heard("K", "C1")):
            answers.append(answer.number)
            raise Enough

    until_enough(channel, timeCallback=tick)
    assert answers[0] == answers[1]
    assert (channel.getConfig() == former) == (code is not Code.TAKEN)


def test_it_ends_when_another_instance_was_there_first(channel: jph.Channel, peer: Peer) -> None:
    channel.sendData(21.5)
    peer.control(Flag.ALIVE, "@@", 1.0, source="C1")
    channel.run(timeCallback=lambda _: None)
    with pytest.raises(jph.AlreadyRunningError, match="C1 is already running at 127"):
        channel.sendData(22.0)


def test_to_close_says_farewell_and_a_second_time_nothing(configuration: str, peer: Peer) -> None:
    channel = jph.jph(configuration, "C1")
    channel.sendData(21.5)
    channel.close()
    channel.close()
    assert [peer.hears_data("C1").flag for _ in range(3)] == ["n", "f", "n"]


def test_what_got_lost_is_sent_again_with_the_next_reading(channel: jph.Channel, peer: Peer) -> None:
    channel.sendData(21.5)
    lost = [peer.hears_data("C1") for _ in range(2)][-1]
    peer.control(Flag.REPEAT, "C1", pack_pair(lost.sequence, 1))
    channel.sendData(22.0)
    assert peer.is_answered() == encode(lost)


def test_the_last_reading_is_sent_again_before_the_end(channel: jph.Channel, peer: Peer) -> None:
    channel.sendData(21.5)
    lost = [peer.hears_data("C1") for _ in range(2)][-1]
    peer.control(Flag.REPEAT, "C1", pack_pair(lost.sequence, 1))
    channel.close()
    assert peer.is_answered() == encode(lost)


def test_what_is_not_kept_is_refused_also_of_a_proxy(configuration: str, peer: Peer) -> None:
    channel = jph.jph(configuration, "F1")
    channel.sendData(48, Codifier="F2")
    lost = [peer.hears_data("F2") for _ in range(2)][-1]
    request = peer.control(Flag.REPEAT, "F2", pack_pair(lost.sequence - 9, 10))
    channel.close()
    refusal, answer = decode(Bus.CONTROL, peer.is_answered()), peer.is_answered()
    assert isinstance(refusal, ControlFrame)
    assert (refusal.flag, refusal.source, refusal.sequence) == (Flag.UNAVAILABLE, "F2", request.sequence)
    assert refusal.number == pack_pair(lost.sequence - 9, 9)
    assert answer == encode(lost)


def test_readings_are_kept_while_several_threads_send(channel: jph.Channel, peer: Peer) -> None:
    channel.sendData(0)
    first = [peer.hears_data("C1") for _ in range(2)][-1].sequence
    threads = [threading.Thread(target=channel.sendData, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {peer.hears_data("C1").sequence - first for _ in threads} == set(range(1, 21))


@pytest.mark.parametrize("end", ["pass", "raise SystemExit(0)", "channel.run(timeCallback=lambda _: sys.exit())"])
def test_a_program_that_just_ends_leaves_the_bus_in_order(configuration: str, peer: Peer, end: str) -> None:
    program = f"import sys, jph; channel = jph.jph({configuration!r}, 'C1'); channel.sendData(21.5); {end}"
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [peer.hears_data("C1").flag for _ in range(3)] == ["n", "f", "n"]


def test_its_programs_have_keys_too(
    tmp_path: Path, network: Network, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they say is tagged; of what they hear the genuine is handed on and the forged is not."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    KeyStore(tmp_path).write(NETWORK_NAME, begin_network(NETWORK_KEY, 0))
    path = tmp_path / "jph.yaml"
    path.write_text(
        f"network: {{control: {network.control}, data: {network.data}, interface: lo, ttl: 1}}\n"
        f"security: {{mode: require, keys: {tmp_path}}}\n"
        "nodes:\n"
        "  C1: {driver: control, options: {default: 0}, interval: 10ms}\n"
        "  FK: {driver: control, options: {default: 0}}\n"
    )
    owners = Gate(Mode.REQUIRE, ring(owner()))
    channel = jph.jph(str(path), "C1")
    channel.sendData(21.5)
    assert [peer.hears_data("C1").tag[0] for _ in "nf"] == [1, 1]
    forged = DataFrame(7, NOON_MS, Flag.FLOAT, "FK", "@@", 99.0)
    genuine = forged._replace(value=30.0)
    heard: list[object] = []

    def hear(_what: str, _flag: str, source: str, *more: object) -> None:
        if source == "FK":
            heard.append(more[-2])
            raise Enough

    peer.say(forged)
    peer.send(Bus.DATA, owners.seal(Bus.DATA, encode(genuine)))
    until_enough(channel, dataCallback=hear)
    channel.close()
    assert heard == [30.0]

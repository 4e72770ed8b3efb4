"""`jph drivers`: what there is, what one takes, and what one reads."""

import os
import re
import shlex
import signal
from contextlib import closing
from pathlib import Path

import pytest

from drivers.registry import DRIVERS
from storage.registry import STORES
from tests.console.calling import CHECKOUT, Shell
from tests.console.conftest import RED
from tests.drivers.devices.zwave import ZwaveServer, node, sensor

BROKEN = """\
[jph.drivers]
sundial = sundial:Sundial
loud = loud:Loud
pipe = loud:Loud
"""

LOUD = f"""
'''Shouts.'''
import logging
from drivers.driver import DriverError, DriverOptions, Measured

class LoudOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fails: bool = False
    said: str = {RED!r}
    def inputs(self):
        return frozenset({{"A4", "A5"}})

class Loud:
    Options = LoudOptions
    def __init__(self, options, place):
        print("a library that likes to talk")
        logging.getLogger("jph.driver").warning("it is loud: %s", options.said)
        self.options = options
        self.place = place
    def read(self):
        if self.options.fails:
            raise DriverError(self.options.said)
        measured = Measured(self.options.said * 100, {{"unit": self.options.said}}, 1785234000123)
        return {{self.options.said: measured, "other": DriverError(self.options.said)}}
    def close(self): pass
"""


@pytest.fixture
def packages(shell: Shell) -> Path:
    """Give a directory of packages that bring drivers: `loud`, and `sundial`, which lacks something."""
    directory = shell.home / "packages"
    metadata = directory / "noise-1.0.dist-info"
    metadata.mkdir(parents=True)
    (directory / "loud.py").write_text(LOUD, "utf-8")
    (directory / "sundial.py").write_text("import the_library_of_the_sun", "ascii")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: noise\nVersion: 1.0\n", "ascii")
    (metadata / "entry_points.txt").write_text(BROKEN, "ascii")
    shell.environment["PYTHONPATH"] += f":{directory}"
    return directory


@pytest.mark.parametrize("command", [[], ["show"]])
def test_all_drivers_and_stores_are_listed_with_their_options(shell: Shell, command: list[str]) -> None:
    ended = shell.jph("drivers", *command)
    assert (ended.code, ended.err) == (0, "")
    heading, *rows = ended.out.splitlines()
    assert heading.split() == ["driver", "library", "what", "it", "reads", "options"]
    assert [row.split()[0] for row in rows] == [*sorted(DRIVERS), *STORES]
    [pipe] = [row for row in rows if row.startswith("pipe ")]
    assert "Numbers out of text" in pipe
    assert pipe.endswith("path, command, timeout, field, pattern, fields, patterns, scale, offset")


@pytest.mark.usefixtures("packages")
def test_a_driver_that_cannot_be_loaded_is_listed_among_the_others(shell: Shell) -> None:
    drivers = {each["driver"]: each for each in shell.jph("drivers", "--json").documents if each["package"]}
    assert "the_library_of_the_sun" in drivers["sundial"]["problem"]
    assert "is used instead" in drivers["pipe"]["problem"]
    assert drivers["loud"]["problem"] is None
    assert drivers["loud"]["package"] == "noise"
    [row] = [row for row in shell.jph("drivers").out.splitlines() if row.startswith("sundial ")]
    assert "broken" in row


@pytest.mark.parametrize("name", [*DRIVERS, *STORES])
def test_each_is_explained_with_all_its_options(shell: Shell, name: str) -> None:
    [described] = shell.jph("drivers", name, "--json").documents
    ended = shell.jph("drivers", name)
    assert ended.code == 0
    assert ended.out.startswith(f"{name}: {described['summary']}\n")
    for option in described["options"]:
        assert f"\n  {option['name']}: {option['type']}" in ended.out
        assert f"\n      {option['meaning']}\n" in ended.out


@pytest.mark.parametrize("name", STORES)
def test_nobody_is_told_to_try_a_store(shell: Shell, name: str) -> None:
    assert "drivers try" not in shell.jph("drivers", name).out


def test_defaults_are_told_as_a_configuration_says_them(shell: Shell) -> None:
    assert "  timeout: duration, by default 4.5s\n" in shell.jph("drivers", "pipe").out
    assert "  default: number, must be given\n" in shell.jph("drivers", "control").out


def test_a_name_that_is_no_driver_is_told_with_those_that_are(shell: Shell) -> None:
    ended = shell.jph("drivers", "crystal-ball")
    assert (ended.code, ended.out) == (1, "")
    known = ", ".join([*sorted(DRIVERS), *STORES])
    assert ended.err == f"jph: there is no driver and no store 'crystal-ball'\njph: known are {known}\n"


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(
    ("command", "meant"),
    [(["pip"], "pipe"), (["show", "postgre"], "postgres"), (["lound"], "loud"), (["try", "simulate"], "simulated")],
)
def test_a_name_that_is_nearly_one_says_which(shell: Shell, command: list[str], meant: str) -> None:
    ended = shell.jph("drivers", *command)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.endswith(f"\njph: did you mean {meant!r}?\n")


@pytest.mark.parametrize("typed", ["jph drivers si", "jph drivers show si", "jph drivers try si"])
def test_the_shell_completes_the_names_of_drivers(shell: Shell, typed: str) -> None:
    ended = shell.jph(_JPH_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(typed.count(" ")))
    assert ended.out.split() == ["simulated", "simulated-fan"]


def test_a_driver_is_tried_with_its_values_and_its_time(shell: Shell) -> None:
    (shell.home / "source").write_text("21.5 61\n", "ascii")
    ended = shell.jph("drivers", "try", "pipe", f"path={shell.home}/source", "fields.value=1", "fields.humidity=2")
    assert (ended.code, ended.out) == (0, "value     21.5\nhumidity  61\n")
    assert ended.err.startswith("jph: read 1, ")
    assert ended.err.endswith(" ms: 2 values\n")


def test_values_are_shown_with_the_units_that_the_driver_knows(shell: Shell) -> None:
    called = ["drivers", "try", "simulated-fan", "default=40"]
    assert re.fullmatch(r"value +40 %", shell.jph(*called).out.splitlines()[0])
    assert {one["channel"]: one["unit"] for one in shell.jph(*called, "--json").documents} == {
        "value": "%",
        "rotations": "rpm",
    }
    assert shell.jph("drivers", "try", "control", "default=5", "--json").documents[0]["unit"] is None


def test_channels_are_listed_with_the_units_that_they_have_whatever_the_options_say(shell: Shell) -> None:
    assert "value (°C)" in shell.jph("drivers", "dht").out
    [described] = shell.jph("drivers", "show", "dht", "--json").documents
    assert described["units"] == {"value": "°C", "humidity": "%", "success": "%"}


def test_each_read_is_told_by_itself(shell: Shell) -> None:
    options = ["signal=walk", "start=1", "step=1", "min=0", "max=9"]
    ended = shell.jph("drivers", "try", "simulated", *options, "--count", "3", "--interval", "1ms", "--json", "-q")
    assert [(one["read"], one["channel"], one["error"]) for one in ended.documents] == [
        (number, "value", None) for number in (1, 2, 3)
    ]
    assert ended.documents[0]["value"] == 1


def test_a_read_that_fails_says_why_and_fails_the_command(shell: Shell) -> None:
    called = ["drivers", "try", "pipe", "path=/nonexistent"]
    ended = shell.jph(*called)
    assert (ended.code, ended.out) == (1, "")
    assert "No such file or directory; see whether the path is right" in ended.err
    [failed] = shell.jph(*called, "--json").documents
    assert failed["error"].startswith("/nonexistent: No such file")
    assert (failed["channel"], failed["value"]) == (None, None)


def test_a_read_that_hangs_is_given_up(shell: Shell) -> None:
    called = ["drivers", "try", "pipe", "command=sleep 3600", "timeout=1h", "--timeout", "100ms", "--count", "5"]
    ended = shell.jph(*called)
    assert ended.code == 1
    assert "no answer within 0.1 s" in ended.err
    assert ended.err.count("read ") == 1


def test_options_are_checked_before_anything_is_read(shell: Shell) -> None:
    ended = shell.jph("drivers", "try", "pipe", "pth=/x", "field=first")
    assert (ended.code, ended.out) == (1, "")
    assert "options: unknown option 'pth'; did you mean 'path'?" in ended.err
    assert "options.field: " in ended.err


@pytest.mark.parametrize("name", STORES)
def test_a_store_has_nothing_to_read(shell: Shell, name: str) -> None:
    ended = shell.jph("drivers", "try", name)
    assert ended.code == 1
    assert f"{name} is a store" in ended.err


@pytest.mark.usefixtures("packages")
def test_what_a_device_says_is_shown_escaped_and_shortened(shell: Shell) -> None:
    for options in ([], ["fails=true"], ["--json"]):
        ended = shell.jph("drivers", "try", "loud", *options)
        assert ended.code == 1
        assert all(line.isprintable() for line in (ended.out + ended.err).splitlines())
    assert max(map(len, shell.jph("drivers", "try", "loud").out.splitlines())) < 1000


@pytest.mark.usefixtures("packages")
def test_a_channel_that_fails_is_told_beside_those_that_do_not(shell: Shell) -> None:
    ended = shell.jph("drivers", "try", "loud", "said=broken")
    assert (ended.code, ended.out.splitlines()[1]) == (1, "other   -  broken")
    good, failed = shell.jph("drivers", "try", "loud", "said=broken", "--json").documents
    assert (good["value"], good["attributes"], good["error"]) == ("broken" * 100, {"unit": "broken"}, None)
    assert (good["timestamp_ms"], failed["timestamp_ms"]) == (1785234000123, None)
    assert (failed["channel"], failed["value"], failed["error"]) == ("other", None, "broken")


@pytest.mark.usefixtures("packages")
def test_one_that_uses_other_sensors_is_told_to_hear_none(shell: Shell) -> None:
    assert "it uses the readings of A4, A5: none is heard here" in shell.jph("drivers", "try", "loud").err


def test_what_a_z_wave_network_has_is_listed_when_nothing_is_named(shell: Shell) -> None:
    with closing(ZwaveServer()) as server:
        server.nodes.append(node(9, sensor(f"Air {RED}\n", 1, "°C", None)))
        called = ["drivers", "try", "zwave", f"url={server.url}"]
        ended = shell.jph(*called)
        documents = shell.jph(*called, "--json").documents
    assert (ended.code, ended.err) == (0, "jph: nothing was named to be read; to be had: 10 values\n")
    assert ended.out.splitlines()[0].split() == ["2-49-0-Power", "150.3", "W", "Power"]
    assert all(line.isprintable() for line in ended.out.splitlines())
    assert len(ended.out.splitlines()) == len(documents) == 10
    assert documents[0] == {
        "read": 0,
        "channel": "2-49-0-Power",
        "value": 150.3,
        "attributes": {"label": "Power"},
        "timestamp_ms": None,
        "error": None,
        "unit": "W",
        "elapsed_s": 0,
    }


def test_a_z_wave_server_that_is_not_there_fails_the_listing(shell: Shell) -> None:
    ended = shell.jph("drivers", "try", "zwave", "url=ws://127.0.0.1:9")
    assert (ended.code, ended.out) == (1, "")
    assert "see whether Z-Wave JS runs" in ended.err


def test_who_gives_nothing_at_first_is_told_to_be_read_more_often(shell: Shell) -> None:
    called = ["drivers", "try", "system"]
    assert "nothing new; what counts or speaks by itself needs more time: --count 5" in shell.jph(*called).err
    assert "--count 5" not in shell.jph(*called, "--count", "2", "--interval", "1ms").err


@pytest.mark.usefixtures("packages")
def test_what_a_library_prints_is_no_data(shell: Shell) -> None:
    ended = shell.jph("drivers", "try", "loud", "said=x", "--json")
    assert len(ended.documents) == len(ended.out.splitlines()) == 2
    assert "a library that likes to talk" in ended.err
    assert "jph: it is loud: x\n" in ended.err


def test_a_script_that_may_use_everything_is_told_to_hear_nobody(shell: Shell) -> None:
    (shell.home / "script.py").write_text("channel.sendData(1)\n", "ascii")
    ended = shell.jph("drivers", "try", "python", f"file={shell.home}/script.py")
    assert "it uses the readings of others: none is heard here" in ended.err


def test_one_without_readings_is_told_to_have_none(shell: Shell) -> None:
    ended = shell.jph("drivers", "try", "console")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.endswith(" ms: no readings\n")


def test_an_interrupted_trial_lets_go_and_says_nothing_more(shell: Shell) -> None:
    began = shell.home / "began"
    os.mkfifo(began)
    command = f"sh -c 'echo $$ > {began}; exec sleep 3600'"
    called = ["drivers", "try", "pipe", f"command={command}", "timeout=1h", "--timeout", "1h"]
    with shell.start(*called) as trial:
        process_id = int(began.read_text("ascii"))
        trial.send_signal(signal.SIGINT)
        out, err = trial.communicate(timeout=30)
    assert (trial.returncode, out, err) == (130, "", "")
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


def test_an_actuator_is_told_to_be_left_safe(shell: Shell) -> None:
    ended = shell.jph("drivers", "try", "simulated-fan")
    assert ended.out.splitlines()[0].split() == ["value", "25", "%"]
    assert "it is left at its safe value" in ended.err


def test_what_agents_remember_is_left_alone(shell: Shell) -> None:
    shell.jph("drivers", "try", "control", "default=5", "--codifier", "FK")
    assert not (shell.home / "state").exists()


def test_the_transcript_of_the_page_is_true(shell: Shell) -> None:
    page = (CHECKOUT / "docs" / "drivers.md").read_text("utf-8")
    (transcript,) = re.findall(r"## Trying a driver\n.*?```console\n(.*?)```", page, re.DOTALL)
    for called, shown in re.findall(r"^\$ jph (.*)\n((?:[^$].*\n)+)", transcript, re.MULTILINE):
        ended = shell.jph(*shlex.split(called))
        assert _without_figures(ended.out + ended.err) == _without_figures(shown)


def _without_figures(text: str) -> str:
    """Leave out what differs from one computer and moment to the next."""
    return re.sub(r"(\d+\.\d+ ms|(?<=  )\d+(\.\d+)?$)", "#", text, flags=re.MULTILINE)

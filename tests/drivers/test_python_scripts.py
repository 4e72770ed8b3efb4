"""Scripts of the original system: what they are given, what they send, and how they end."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
import pytest

from drivers.calculations import placeholders
from drivers.driver import DriverError
from drivers.python import Python, PythonOptions
from tests.drivers.devices.python import Sensors, place_on
from tests.support.driven_time import ManualClock

Script = Callable[..., Python]

MIXED = """
    n = jph.timeNow()
    times = [{{ X2|DTimestamp }}, {{ A4|DTimestamp }}, {{ A5|DTimestamp }}]
    oldest = min(times)
    if (oldest != None):
        if (n - oldest < 20000):
            try:
                mixed = ({{ X2 }} * {{ A4 }} + {{ Y2 }} * {{ A5 }}) / ({{ X2 }} + {{ Y2 }})
            except ZeroDivisionError:
                channel.logger.warning("no flow at all")
                raise
            else:
                channel.sendData(data=mixed, Codifier="PB")
                channel.sendData(data={{ A5 }} - {{ A4 }}, Codifier="PC")
        else:
            channel.logger.warning("too old by %d ms" % (n - oldest))
    else:
        channel.logger.warning("nothing to mix yet")
"""

FAN = """
    fj = {{ FJ|config|Sensor }}['Default']
    if ({{ FJ }} != None):
        fj = {{ FJ }}
    warmest = max([{{ A4 }}, {{ A5 }} ])
    boost = 100 if {{ A6 }} > 30 else 0
    if int(float("0{{ FI }}")) == 1:
        terror = warmest - float(fj)
        dc = {{ FK }} + 1/6 * 5 * terror
        n3 = max(dc, boost, 20)
        channel.sendCtrl(to="FK", flag="A", timeComponent=round(n3, 1))
        channel.sendData(data=log( n3 / 100 ), Codifier="FM")
        channel.sendData(data="20", Codifier="FQ")
    if ({{ FL }} != None):
        channel.sendData(data={{ FL }} + 1, Codifier="FN")
"""


@pytest.fixture
def sensors(clock: ManualClock) -> Sensors:
    clock.step_wall(time.time() - clock.now().wall_ms / 1000)  # the process of a script has no other clock
    return Sensors(clock)


@pytest.fixture
def script(sensors: Sensors, clock: ManualClock, tmp_path: Path) -> Iterator[Script]:
    """Give a way to have a driver run a script; `write` replaces it."""
    made: list[Python] = []

    def script(text: str, **options: Any) -> Python:
        write(tmp_path, text)
        given = {"file": "/fan.py", "timeout": 30.0, **options}
        made.append(Python(msgspec.convert(given, PythonOptions), place_on(sensors, tmp_path, clock)))
        return made[-1]

    yield script
    for driver in made:
        driver.close()


def write(path: Path, text: str) -> None:
    (path / "fan.py").write_text(dedent(text).lstrip("\n"))


def words(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


# The two shapes of the original's scripts


def test_two_flows_are_mixed(script: Script, sensors: Sensors) -> None:
    for codifier, value in {"X2": 3, "A4": 40.0, "Y2": 1, "A5": 60.0}.items():
        sensors.hear(codifier, value)
    assert script(MIXED).read().keys() == {"value"}
    assert sensors.sent == [("PB", 45.0), ("PC", 20.0)]  # (3*40 + 1*60) / 4


def test_a_value_has_the_digits_of_its_four_bytes_and_is_sent_as_four_bytes(script: Script, sensors: Sensors) -> None:
    sensors.hear("A4", 48.312)
    script(
        """
        channel.sendData("%r" % {{ A4 }}, Codifier="PB")
        channel.sendData({{ A4 }}, Codifier="PC")
        channel.sendData(1/3, Codifier="PD")
        channel.sendData(1e39, Codifier="PE")
        """
    ).read()
    # The float of four bytes next to a third is 0.3333333432674408, for which 0.33333334 is enough.
    assert sensors.sent == [("PB", "48.3120002746582"), ("PC", 48.312), ("PD", 0.33333334), ("PE", 1e39)]


def test_nothing_is_mixed_before_all_were_heard(
    script: Script, sensors: Sensors, caplog: pytest.LogCaptureFixture
) -> None:
    sensors.hear("A4", 40.0)
    script(MIXED).read()
    assert (sensors.sent, words(caplog)) == ([], [("WARNING", "PA: fan.py: nothing to mix yet")])


def test_nothing_is_mixed_of_what_is_old(
    script: Script, sensors: Sensors, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    clock.step_wall(-30)
    for codifier in ("X2", "A4", "Y2", "A5"):
        sensors.hear(codifier, 1.0)
    script(MIXED).read()
    assert sensors.sent == []
    assert words(caplog)[0][1].startswith("PA: fan.py: too old by 3")


def test_an_error_that_is_raised_again_is_the_drivers(
    script: Script, sensors: Sensors, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for codifier in ("X2", "A4", "Y2", "A5"):
        sensors.hear(codifier, 0)
    with pytest.raises(DriverError) as failure:
        script(MIXED).read()
    assert str(failure.value) == f"{tmp_path}/fan.py line 7: ZeroDivisionError: division by zero"
    assert words(caplog) == [("WARNING", "PA: fan.py: no flow at all")]


def test_a_fan_is_controlled(script: Script, sensors: Sensors) -> None:
    sensors.entries = [{"Codifier": "FJ", "Sensor": {"Default": "35"}}]
    for codifier, value in {"FI": 1, "FK": 40.0, "A4": 38.0, "A5": 41.0}.items():
        sensors.hear(codifier, value)
    script(FAN).read()
    # 41 - 35 = 6 too warm; 40 + 1/6 * 5 * 6 = 45; log(0.45) = -0.798507696217772
    (set_to, ratio, text) = sensors.sent
    assert set_to == ("A", "FK", 45.0)
    assert ratio == ("FM", pytest.approx(-0.798507696217772, abs=2**-25))
    assert text == ("FQ", "20")


def test_a_target_that_was_set_takes_the_place_of_the_default(script: Script, sensors: Sensors) -> None:
    sensors.entries = [{"Codifier": "FJ", "Sensor": {"Default": "35"}}]
    for codifier, value in {"FI": 1, "FK": 40.0, "A4": 38.0, "FJ": 32, "A6": 50.0, "FL": 7}.items():
        sensors.hear(codifier, value)
    script(FAN).read()
    assert sensors.sent[0] == ("A", "FK", 100.0)  # A6 is above 30
    assert sensors.sent[-1] == ("FN", 8)


def test_a_switch_that_was_never_heard_is_an_error_as_it_was(script: Script, sensors: Sensors) -> None:
    sensors.entries = [{"Codifier": "FJ", "Sensor": {"Default": "35"}}]
    sensors.hear("A4", 50.0)
    with pytest.raises(DriverError, match="line 6: ValueError: could not convert string to float: '0None'"):
        script(FAN).read()
    assert sensors.sent == []


# What a script finds


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{{ A4|IsActive }}", 1),
        ("{{ A4|redis|PRequest }} + 0", 5.5),
        ("{{ FQ }} + 1", 21),
        ("'{{ FQ }}'", "20"),
        ("'{{ T1 }}'", "it's \"so\\"),
        ("{{ T1 }}", "it's \"so\\"),
        ("{{ ZZ }} == None", 1),
        ("{{ A4|Nothing }} is None", 1),
        ("{{ A4|file|Value }} is None", 1),
        ("{{ FJ|config|SensorInterval }} * 2", 10),
        ("'{{ FJ|config|Name }}'", "target"),
        ("{{ ZZ|config|Sensor }} is None", 1),
        ("len({{ FJ|config|Sensor }}['Proxy'])", 1),
        ("math.pi > 3 and json.loads('[1]')[0] and os.sep == '/' and random.random() < 1", 1),
        ("struct.calcsize('<I') + (sys.version_info[0] > 2) + (time.time() > 0)", 6),
        ("channel.getSensor('FJ')['Name']", "target"),
        ("channel.getMySensor()['Name']", "fan control"),
        ("channel.getMySensorElement('Filename')", "fan.py"),
        ("len(channel.getAllSensors()) + len(channel.getConfig())", 3),
        ("__import__('jph').timeNow() > 0", 1),
    ],
)
def test_what_a_script_finds(script: Script, sensors: Sensors, expression: str, value: object) -> None:
    sensors.entries = [
        {"Codifier": "FJ", "Name": "target", "SensorInterval": 5, "Sensor": {"Default": "35", "Proxy": [1]}},
        {"Codifier": "PA", "Name": "fan control", "Sensor": {"Filename": "fan.py"}},
    ]
    sensors.hear("A4", 21.5, IsActive="True", PRequest="5.5")
    sensors.hear("FQ", "20")
    sensors.hear("T1", "it's \"so\\")
    script(f"channel.sendData({expression}, Codifier='PB')").read()
    assert sensors.sent == [("PB", value)]


def test_every_run_has_fresh_names_but_for_global_ones(script: Script, sensors: Sensors) -> None:
    driver = script(
        """
        global runs
        try:
            runs = runs + 1
        except NameError:
            runs = 1
        fresh = 'left' in dir()
        left = 1
        channel.sendData(runs, Codifier='PB')
        channel.sendData(fresh, Codifier='PC')
        """
    )
    for _ in range(2):
        driver.read()
    assert sensors.sent == [("PB", 1), ("PC", 0), ("PB", 2), ("PC", 0)]


def test_a_global_name_of_a_function_is_kept_too(script: Script, sensors: Sensors) -> None:
    driver = script(
        """
        def count():
            global runs
            try:
                runs += 1
            except NameError:
                runs = 1
            return runs
        channel.sendData(count())
        """
    )
    for _ in range(2):
        driver.read()
    assert sensors.sent == [("PA", 1), ("PA", 2)]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfif 1:\r\n\tchannel.sendData('\xc2\xb0C')\r\n",
        "channel.sendData('°C')".encode(),
        "# -*- coding: iso-8859-15 -*-\nchannel.sendData('°C')".encode("iso-8859-15"),
        "channel.sendData('°C')".encode("latin-1"),
    ],
)
def test_a_script_is_text_in_the_encoding_that_it_says(
    script: Script, sensors: Sensors, tmp_path: Path, data: bytes
) -> None:
    driver = script("")
    (tmp_path / "fan.py").write_bytes(data)
    driver.read()
    assert sensors.sent == [("PA", "°C")]


def test_what_is_odd_but_works_is_not_complained_of(
    script: Script, sensors: Sensors, caplog: pytest.LogCaptureFixture
) -> None:
    sensors.hear("T1", "text")
    script("x = {{ T1 }}\nchannel.sendData(1if x is 'text' else 2)").read()
    assert ([value for _, value in sensors.sent], words(caplog)) in (([1], []), ([2], []))


def test_the_script_is_read_anew_for_each_run(script: Script, sensors: Sensors, tmp_path: Path) -> None:
    driver = script("channel.sendData(1)")
    driver.read()
    write(tmp_path, "channel.sendData(2)")
    driver.read()
    assert sensors.sent == [("PA", 1), ("PA", 2)]


def test_functions_and_comprehensions_find_the_names_of_the_script(script: Script, sensors: Sensors) -> None:
    script("k = 2\ndef twice(n):\n    return [m * k for m in n]\nchannel.sendData(sum(twice([1, 2])))").read()
    assert sensors.sent == [("PA", 6)]


# What a script sends


def test_a_command_without_a_target_is_for_everybody_and_a_time_is_sent_along(script: Script, sensors: Sensors) -> None:
    script("channel.sendCtrl('P', timeComponent=7)\nchannel.sendData(1, 1795000000000)").read()
    assert sensors.sent == [("P", "@@", 7.0), ("PA", 1, 1795000000000)]


def test_a_command_that_sets_names_the_value(script: Script, sensors: Sensors) -> None:
    with pytest.raises(DriverError, match="line 1: ValueError: A needs a timeComponent"):
        script('channel.sendCtrl("A", to="FK", timeComponent={{ FK }})').read()
    assert sensors.sent == []


@pytest.mark.parametrize("value", ["None", "float('nan')", "[1]", "1j"])
def test_what_cannot_be_sent_is_an_error_in_the_script(script: Script, sensors: Sensors, value: str) -> None:
    script(f"try:\n    channel.sendData({value})\nexcept (TypeError, ValueError):\n    channel.sendData(0)").read()
    assert sensors.sent == [("PA", 0)]


def test_what_the_network_refuses_is_an_error_in_the_script(script: Script, sensors: Sensors) -> None:
    sensors.fails = lambda: True
    with pytest.raises(DriverError, match="line 1: ChannelError: the node is ending"):
        script("channel.sendData(1)").read()


def test_programs_that_it_starts_do_not_read_what_is_for_it(script: Script, sensors: Sensors) -> None:
    driver = script("text = os.popen('cat; echo read').read()\nchannel.sendData(text)\nchannel.sendData(2)")
    for _ in range(2):
        driver.read()
    assert sensors.sent == [("PA", "read\n"), ("PA", 2)] * 2


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("import subprocess\nx = subprocess.check_output(['echo', 'on']).strip() == 'on'", 1),
        ("from subprocess import *\nx = Popen(['cat'], stdin=PIPE, stdout=PIPE).communicate('5')[0]", "5"),
        ("import string\nx = string.atof('2.5') + string.atoi('5')", 7.5),
        ("from string import join, zfill\nx = join(['1', zfill(2, 2)], '-')", "1-02"),
        ("from itertools import izip, imap\nx = sum(a + b for a, b in izip([1], imap(abs, [-2])))", 3),
        (
            "import urllib, urllib2, os\nx = urllib.urlencode({'a': 'b c'}) + str(os.getcwdu() == os.getcwd())",
            "a=b+cTrue",
        ),
        ("reload(sys)\nsys.setdefaultencoding('utf-8')\nimport exceptions\nx = sys.maxint > 5", 1),
        ("try: raise IOError(5, 'no')\nexcept StandardError, (x, _): pass", 5),
    ],
)
def test_modules_have_what_they_had(script: Script, sensors: Sensors, program: str, value: object) -> None:
    script(f"{program}\nchannel.sendData(x)").read()
    assert sensors.sent == [("PA", value)]


@pytest.mark.parametrize("comparison", ["b'on' == 'on'", "'on' != b'on'", "b'on' in ['on']"])
def test_text_and_bytes_are_not_silently_different(script: Script, sensors: Sensors, comparison: str) -> None:
    with pytest.raises(DriverError, match=r"fan\.py line 1: BytesWarning: Comparison between bytes and string"):
        script(f"channel.sendData({comparison})").read()
    assert sensors.sent == []


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("print 'a'", "SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?"),
        ("exec 'x = 1'", "SyntaxError: Missing parentheses in call to 'exec'. Did you mean exec(...)?"),
        ("print >>sys.stderr, 'a'", "; write `print(x, file=f)`"),
        ("raise ValueError, 'a', None", "; write `raise X, text` without what comes after it"),
        ("x = [n for n in 1, 2]", "; put what comes after `in` into parentheses"),
        ("x = lambda ((a, b), c): a", "; give the inner tuple a name, and take it apart in the body"),
        ("async = 5", "; give what has a name of Python's own another one"),
        ("x = b'a' == 'a'", '; write text.encode("utf-8") for bytes, data.decode("utf-8") for text'),
        ("x = 'a' + b'a'", '; write text.encode("utf-8") for bytes, data.decode("utf-8") for text'),
        ("import hashlib; hashlib.md5('a')", '; write text.encode("utf-8") for bytes, data.decode("utf-8") for text'),
        ("x = ord(struct.pack('<H', 5)[0])", "; an item of bytes is a number: leave `ord` out"),
        ("import heapq; heapq.heapify([1, None])", "; leave out what is None or of another kind"),
        ("x = {1: 2} < {1: 3}", "; compare what is in them"),
        ("try: int('a')\nexcept ValueError, e: e[0]", "; an error has `args`: write `e.args[0]`"),
        ("execfile('a.py')", "; write `exec(open(file).read())`"),
        ("x = sys.exc_type", "; write `sys.exc_info()`"),
        ("x = (lambda: 1).func_name", "; write `__name__`, `__code__` or `__defaults__`"),
        ("import operator; operator.div(1, 2)", "; write `operator.truediv` or `operator.floordiv`"),
    ],
)
def test_what_is_no_python_any_more_is_named_with_what_to_write(
    script: Script, tmp_path: Path, program: str, words: str
) -> None:
    with pytest.raises(DriverError) as failure:
        script(f"y = 1\n{program}").read()
    assert str(failure.value).startswith((f"{tmp_path}/fan.py line 2: ", f"{tmp_path}/fan.py line 3: "))
    assert words in str(failure.value)


def test_a_generator_that_ends_itself_is_told_how(script: Script) -> None:
    with pytest.raises(DriverError, match="write `return` in the place of `raise StopIteration`"):
        script("def g():\n    yield 1\n    raise StopIteration\nlist(g())").read()


def test_what_was_sent_before_an_error_stands(script: Script, sensors: Sensors) -> None:
    with pytest.raises(DriverError, match="line 2: NameError"):
        script("channel.sendData(1)\nnobody\n").read()
    assert sensors.sent == [("PA", 1)]


def test_its_own_value_is_how_long_it_took_in_ms(script: Script, sensors: Sensors, clock: ManualClock) -> None:
    publish = sensors.publish

    def publish_slowly(codifier: str, value: Any, timestamp_ms: int | None = None) -> None:
        clock.pass_time(0.25)
        publish(codifier, value, timestamp_ms)

    sensors.publish = publish_slowly  # type: ignore[method-assign] # the network of this test takes its time
    assert script("channel.sendData(1)").read() == {"value": 250}


# How it ends


def test_a_missing_file_is_named_with_its_whole_path(script: Script, tmp_path: Path) -> None:
    driver = script("")
    (tmp_path / "fan.py").unlink()
    with pytest.raises(DriverError, match=f"^{tmp_path}/fan.py: No such file or directory; see whether `file`"):
        driver.read()


def test_a_relative_path_is_one_of_the_working_directory(
    sensors: Sensors, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = place_on(sensors, Path("/"), clock)
    driver = Python(PythonOptions(file="scripts/fan.py"), place)
    with pytest.raises(DriverError, match=f"^{tmp_path}/scripts/fan.py: No such file"):
        driver.read()


@pytest.mark.parametrize("text", ["while True: pass", "time.sleep(1e9)", "os.kill(os.getpid(), 19)"])
def test_a_script_that_does_not_end_is_ended(script: Script, sensors: Sensors, tmp_path: Path, text: str) -> None:
    driver = script(f"channel.sendData(os.getpid())\n{text}", timeout=0.5)
    with pytest.raises(DriverError, match=r"fan.py did not end within 0.5 s; let it do less, or raise `timeout`"):
        driver.read()
    ((_, process),) = sensors.sent
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(process)), 0)
    write(tmp_path, "channel.sendData(2)")
    driver.read()
    assert sensors.sent[1:] == [("PA", 2)]


def test_exit_ends_the_run_alone(script: Script, sensors: Sensors) -> None:
    driver = script("channel.sendData(os.getpid())\nsys.exit(3)\nchannel.sendData(0)")
    assert driver.read().keys() == {"value"}
    driver.read()
    first, second = sensors.sent
    assert first == second


def test_a_process_that_ended_is_begun_anew(script: Script, sensors: Sensors, tmp_path: Path) -> None:
    driver = script("os._exit(0)")
    with pytest.raises(DriverError, match="the process of the script ended"):
        driver.read()
    write(tmp_path, "channel.sendData(1)")
    driver.read()
    assert sensors.sent == [("PA", 1)]


def test_a_script_that_is_no_program_is_named_with_its_line(script: Script, tmp_path: Path) -> None:
    with pytest.raises(DriverError, match=f"^{tmp_path}/fan.py line 2: SyntaxError: "):
        script("x = {{ A4 }}\nif x\n").read()


def test_closing_ends_a_script_that_runs(script: Script, sensors: Sensors) -> None:
    begun, ended = threading.Event(), threading.Event()
    publish = sensors.publish

    def noted(codifier: str, value: Any, timestamp_ms: int | None = None) -> None:
        publish(codifier, value, timestamp_ms)
        begun.set()

    sensors.publish = noted  # type: ignore[method-assign] # the test waits for it
    driver = script("channel.sendData(1)\nwhile True: pass")

    def read() -> None:
        with pytest.raises(DriverError, match="the process of the script ended"):
            driver.read()
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(20)
    driver.close()
    thread.join()
    assert ended.is_set()
    with pytest.raises(DriverError, match="not run any more"):
        driver.read()


def test_what_it_prints_is_in_the_log(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "jph.driver")
    script("print('a', 1/3)\nprint('b', end='')\nchannel.logger.error('%s!', 'c')\nsys.stderr.write('d\\n')").read()
    assert words(caplog) == [
        ("INFO", "PA: fan.py: a 0.333333333333"),
        ("ERROR", "PA: fan.py: c!"),
        ("INFO", "PA: fan.py: bd"),
    ]


def test_what_it_logs_has_the_text_of_its_numbers(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    script("channel.logger.warn('%s %d', 1/3, 2.9)\nchannel.logger.error(1/3)\nchannel.logger.error('100%')").read()
    assert words(caplog) == [
        ("WARNING", "PA: fan.py: 0.333333333333 2"),
        ("ERROR", "PA: fan.py: 0.333333333333"),
        ("ERROR", "PA: fan.py: 100%"),
    ]


def test_a_log_entry_that_does_not_fit_together_stops_nothing(
    script: Script, sensors: Sensors, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "jph.driver")
    script("channel.logger.warning('%d', None)\nchannel.sendData(1)").read()
    assert sensors.sent == [("PA", 1)]
    assert any("TypeError: %d format" in text for _, text in words(caplog))


def test_what_it_prints_is_bounded(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "jph.driver")
    script("for n in range(10000): print('x' * 10000)").read()
    assert len(words(caplog)) == 50
    assert max(len(text) for _, text in words(caplog)) < 600


def test_text_that_would_change_the_program_is_not_run(
    script: Script, sensors: Sensors, monkeypatch: pytest.MonkeyPatch
) -> None:
    unquoted = {placeholders._Where.PROGRAM: lambda value, _: str(value)}
    monkeypatch.setattr(placeholders, "_PUT", {**placeholders._PUT, **unquoted})  # as if a mistake were made there
    sensors.hear("T1", "channel.sendData(666)")
    with pytest.raises(DriverError, match="what was put in would change what the script does"):
        script("x = {{ T1 }}").read()
    assert sensors.sent == []


ORPHAN = """
import os, sys, time
from pathlib import Path
from drivers.driver import NoNetwork, Place
from drivers.python import Python, PythonOptions

class Killed(NoNetwork):
    def publish(self, codifier, value, timestamp_ms=None):
        print(value, flush=True)
        os._exit(0)

place = Place("PA", Path("/"), time.monotonic, network=Killed())
Python(PythonOptions(file=sys.argv[1], timeout=600.0), place).read()
"""


def test_a_script_ends_with_its_agent(tmp_path: Path) -> None:
    write(
        tmp_path,
        "import threading\nthreading.Thread(target=lambda: channel.sendData(os.getpid())).start()\nwhile 1: pass",
    )
    run = subprocess.run(
        [sys.executable, "-c", ORPHAN, str(tmp_path / "fan.py")], capture_output=True, text=True, check=True
    )
    process = Path("/proc") / run.stdout.strip()
    while process.exists() and "\nState:\tZ" not in (process / "status").read_text():
        os.sched_yield()

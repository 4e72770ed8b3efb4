import errno

from drivers.fans.pwm import ATTEMPTS, PwmOptions, PwmOutput
from tests.drivers.devices.fan import break_sys, with_hwmon, with_pwm, with_pwm_and_header
from tests.drivers.devices.gpio import plug_in, unplug
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong

HWMON = {"hwmon": {"chip": "emc2305"}}
GPIO = {"gpio": {"pin": 25}}
POINTS = [[30, 20], [60, 100]]
CURVE = {"input": "A4", "points": POINTS}
OWN = frozenset({"value", "state"})

CASES = [
    Case({"pwm": {"chip": "fe20c000.pwm"}}, fail=break_sys, set_up=with_pwm),
    Case({**HWMON, "tach": {"hwmon": "emc2305"}}, fail=break_sys, set_up=with_hwmon),
    Case({"gpio": {"pin": 25, "frequency": 10_000, "low": 24}, "clamp": True}, fail=unplug, set_up=plug_in),
    Case({"pwm": {}, "tach": {"gpio": 24}}, fail=break_sys, set_up=with_pwm_and_header, gives=OWN),
    Case({**HWMON, "curve": CURVE, "lease": 60}, fail=break_sys, set_up=with_hwmon),
]


def pwm_with_errors(errors: Errors) -> Case:
    def set_up(bench: Bench) -> dict[str, str]:
        with_pwm(bench)
        chip = bench.made["chip"]
        chip.export(0)
        PwmOutput(PwmOptions(), bench.place).drive(100)
        chip.fails = lambda path: errno.EIO if "/pwm0/" in path and errors() else 0
        return {}

    return Case({"pwm": {}, "kick_start": False}, set_up=set_up)


def hwmon_with_errors(errors: Errors) -> Case:
    def set_up(bench: Bench) -> dict[str, str]:
        with_hwmon(bench)
        bench.made["chip"].mode = 1
        bench.made["sysfs"].trouble = lambda path: errno.EIO if "/pwm1" in path and errors() else 0
        return {}

    return Case({**HWMON, "kick_start": False}, set_up=set_up)


# A hardware PWM: period, polarity, duty cycle, enable. A chip of hwmon: its mode, and then its output.
SOAKS = [
    Soak(pwm_with_errors, interval_s=3, attempts=ATTEMPTS, pause_s=0.05, waits_s=(0, 0, 0, 0), left=True),
    Soak(hwmon_with_errors, waits_s=(0, 0), left=True),
]

WRONG = [
    Wrong({}, "`pwm`, `hwmon` or `gpio` must say where the fan is, one of them"),
    Wrong({**HWMON, **GPIO}, "`pwm`, `hwmon` or `gpio` must say where the fan is, one of them"),
    Wrong({"gpio": {"pin": 25, "frequency": 25_000}}, "`frequency` is 25000 Hz: a program makes at most 10000 Hz"),
    Wrong({"gpio": {"pin": 25, "low": 25}}, "`low` is 25: that is the pin of the fan"),
    Wrong({"gpio": {"pin": 90}}, "options.gpio.pin"),
    Wrong({"pwm": {"frequency": 0}}, "options.pwm.frequency"),
    Wrong({"pwm": {"channel": -1}}, "options.pwm.channel"),
    Wrong({"hwmon": {}}, "'chip' is missing"),
    Wrong({**GPIO, "max": 200}, "`max`"),
    Wrong({**GPIO, "safe": 120}, "`safe` 120 is out of range 0..100"),
    Wrong({**GPIO, "safe": 20, "stop_below": 25}, "`safe` is 20: below `stop_below` 25"),
    Wrong({**GPIO, "stop_below": 101}, "options.stop_below"),
    Wrong({**GPIO, "stall_after": "soon"}, "options.stall_after"),
    Wrong({**GPIO, "tach": {}}, "`gpio` or `hwmon` must say where rotations are counted, one of them"),
    Wrong({**GPIO, "tach": {"gpio": 25}}, "`tach.gpio` is 25: that pin is driven"),
    Wrong({**GPIO, "tach": {"gpio": 24, "pulses": 0}}, "options.tach.pulses"),
    Wrong({**GPIO, "curve": CURVE}, "`curve` needs a `lease`"),
    Wrong({**GPIO, "lease": 60, "curve": {**CURVE, "input": "hot"}}, "`input` is 'hot': a codifier, or a file"),
    Wrong({**GPIO, "lease": 60, "curve": {**CURVE, "points": [[30, 20]]}}, "`points` are fewer than two"),
    Wrong(
        {**GPIO, "lease": 60, "curve": {**CURVE, "points": [[60, 20], [30, 100]]}}, "`points` must have rising inputs"
    ),
    Wrong({**GPIO, "lease": 60, "curve": {**CURVE, "points": [[30, 20], [60, 101]]}}, "options.curve.points"),
    Wrong({**GPIO, "lease": 60, "curve": {**CURVE, "hysteresis": -1}}, "options.curve.hysteresis"),
    Wrong({**GPIO, "colour": "red"}, "'colour'"),
]

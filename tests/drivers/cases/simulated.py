from drivers.plant.incidents import SILENCE
from tests.drivers.trying import Bench, Case, Wrong


def wait_for_silence(bench: Bench) -> None:
    bench.clock.pass_time(SILENCE.first_s + 1)


CASES = [
    Case({"signal": "constant", "value": 1}),
    Case({"signal": "sine", "mean": 1, "amplitude": 1, "period": 60}),
    Case({"signal": "walk", "start": 1, "step": 1, "min": 0, "max": 2}),
    Case({"signal": "plant", "part": "manifold", "plant": "conformance"}),
    Case({"signal": "plant", "part": "air", "plant": "conformance"}, fail=wait_for_silence),
]

NOT_SOAKED = "A signal is calculated. A plant is silent when its own clock says so, as test_simulated.py claims."

WRONG = [
    Wrong({}, "'signal'"),
    Wrong({"signal": "square"}, "options.signal"),
    Wrong({"signal": "sine", "mean": 1}, "`amplitude`"),
    Wrong({"signal": "constant", "value": 1, "period": 5}, "`period`"),
]

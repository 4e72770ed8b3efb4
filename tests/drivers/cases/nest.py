from collections.abc import Mapping

from drivers.web.nest_account import EARLY_S, SHORTEST_INTERVAL_S
from tests.drivers.devices.nest import Google, thermostat
from tests.drivers.devices.weather import OpenMeteo
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong


def serve(bench: Bench) -> Mapping[str, str]:
    """Run Google; its credentials are not there yet."""
    bench.made["google"] = bench.stack.enter_context(Google(bench.clock.monotonic).serving())
    return {}


def write_credentials(bench: Bench) -> None:
    """Write the credentials."""
    google: Google = bench.made["google"]
    google.write(bench.path)


def consent(bench: Bench) -> None:
    """Write the credentials, and let the next read ask Google again."""
    write_credentials(bench)
    bench.clock.pass_time(60)


def serve_weather(bench: Bench) -> Mapping[str, str]:
    """Run Google and Open-Meteo."""
    bench.made["weather"] = bench.stack.enter_context(OpenMeteo(bench.clock).serving())
    return serve(bench)


def consent_and_say_where(bench: Bench) -> None:
    """Write credentials that say where the house stands, and let the next read ask Google again."""
    google: Google = bench.made["google"]
    google.write(bench.path, **bench.made["weather"].house())
    bench.clock.pass_time(60)


def ask_again(bench: Bench) -> None:
    """Take the consent back, and let the next read ask Google."""
    bench.made["google"].revoke()
    bench.clock.pass_time(60)


def consent_to_two(bench: Bench) -> None:
    """Have two thermostats."""
    bench.made["google"].devices.append(thermostat("Attic", ThermostatHvac={}, Humidity={}))
    consent(bench)


GIVEN = frozenset({"value", "temperature", "humidity", "target", "heat", "hvac", "mode", "online"})
OUTSIDE = frozenset({"outside_temperature", "outside_humidity"})

CASES = [
    Case({"credentials": "/source"}, consent, ask_again, serve, GIVEN),
    Case({"credentials": "/source", "device": "hall", "every": 15, "outside": True}, consent, ask_again, serve, GIVEN),
    Case({"credentials": "/source", "outside": True}, consent_and_say_where, ask_again, serve_weather, GIVEN | OUTSIDE),
    Case({"credentials": "/source", "device": "Attic"}, consent_to_two, ask_again, serve, GIVEN - {"humidity", "hvac"}),
]


def with_errors(errors: Errors) -> Case:
    """Let lists fail as planned."""

    def serve_badly(bench: Bench) -> Mapping[str, str]:
        bench.made["google"] = bench.stack.enter_context(Google(bench.clock.monotonic, fails=errors).serving())
        return {}

    return Case({"credentials": "/source", "every": 15}, write_credentials, set_up=serve_badly)


SOAKS = [Soak(with_errors, least_s=SHORTEST_INTERVAL_S - EARLY_S)]

WRONG = [
    Wrong({"credentials": "nest.json"}, "`credentials` is 'nest.json'"),
    Wrong({"every": 5}, "`every` is 5 s: Google allows no less than 15 s"),
    Wrong({"every": "often"}, "options.every"),
    Wrong({"device": " "}, "`device` is empty"),
    Wrong({"outside": "maybe"}, "options.outside"),
    Wrong({"colour": "red"}, "'colour'"),
]

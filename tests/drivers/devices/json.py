"""The Arduino of the original system: two flow meters, in JSON as its `print` writes it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.drivers.devices.http import Asked, Reply, WebDevice, never


@dataclass
class FlowMeter:
    """A cooling loop: rotations and litres a second, whether its computer is on, and 1 runs, 3 stalled."""

    rotations: float = 21.5
    litres: float = 0.12
    power: bool = True
    mode: int = 1

    def page(self) -> bytes:
        """Return the page: floats with two places, and a comma behind each member, the last one included."""
        members = {
            "FlowPerSecond": printed(self.rotations),
            "LitersPerSecond": printed(self.litres),
            "Power": "true" if self.power else "false",
            "Mode": str(self.mode),
        }
        return ("{" + "".join(f'"{name}":{value},' for name, value in members.items()) + "}").encode()


def printed(number: float) -> str:
    """Write a float as the Arduino's `Print` does: two places, `nan`, `inf`, and `ovf` beyond 32 bits."""
    if number != number:  # noqa: PLR0124 - that is what NaN is
        return "nan"
    if number in (float("inf"), float("-inf")):
        return "inf"
    return "ovf" if abs(number) > 4294967040.0 else f"{number:.2f}"


@dataclass
class Arduino:
    """The pages /X and /Y, each of a loop. `fails` tells for each request whether it goes wrong."""

    mad: FlowMeter = field(default_factory=FlowMeter)
    aqua: FlowMeter = field(default_factory=FlowMeter)
    fails: Callable[[], bool] = never

    def device(self) -> WebDevice:
        """Return what is served."""
        return WebDevice(self._answer, self.fails)

    def _answer(self, asked: Asked) -> Reply:
        loop = {"/X": self.mad, "/Y": self.aqua}.get(asked.path)
        return Reply(loop.page()) if loop is not None else Reply(status=404)

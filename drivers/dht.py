"""Temperature and humidity of a DHT11, DHT21 (AM2301) or DHT22 (AM2302) on one pin."""

from collections import deque
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

import msgspec

from config.durations import Seconds
from drivers.driver import OWN_CHANNEL, DriverError, DriverOptions, Measurements, Place
from drivers.hardware.dht_backends import BACKENDS, Backend, Climate, TransactionError
from drivers.hardware.dht_judgement import Judgement, check
from drivers.text.decimals import to_number

PAUSE_S: Final = 2.1  # from one transaction to the next: the sensor needs 2 s, and so long the kernel keeps an answer
TRANSACTION_S: Final = 1.1  # the kernel waits for 1 s for a sensor that does not answer
RETRIES: Final = 4
COUNTED: Final = 100  # transactions, of which the success rate is told

BackendName: TypeAlias = Literal["auto", "iio", "circuitpython", "adafruit"]
Model: TypeAlias = Literal["dht11", "dht21", "dht22"]


class DhtOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sensor, where, and how it is asked."""

    pin: Annotated[
        int, msgspec.Meta(description="the GPIO to which DATA is connected, not the pin of the header", ge=0, le=53)
    ]
    backend: Annotated[
        BackendName,
        msgspec.Meta(
            description="how it is asked: by the kernel (`iio`), `circuitpython` or `adafruit`; "
            "`auto` takes the first of them that is there"
        ),
    ] = "auto"
    model: Annotated[
        Model,
        msgspec.Meta(description="`dht11`, `dht21` (AM2301) or `dht22` (AM2302); the kernel finds it out by itself"),
    ] = "dht22"
    patience: Annotated[
        Seconds,
        msgspec.Meta(
            description="how long a reading that failed is tried again, at most four times; "
            "less than the interval of the node"
        ),
    ] = 4.5

    def channels(self) -> frozenset[str]:
        """Return temperature, humidity, and how many transactions succeed."""
        return frozenset({OWN_CHANNEL, "humidity", "success"})

    def units(self) -> Mapping[str, str]:
        """Return the units of all three."""
        return {OWN_CHANNEL: "°C", "humidity": "%", "success": "%"}

    def devices(self) -> frozenset[str]:
        """Return what the libraries open; the kernel's files need nothing."""
        return frozenset().union(*_DEVICES.values()) if self.backend == "auto" else _DEVICES[self.backend]


_DEVICES: Final[dict[str, frozenset[str]]] = {
    "iio": frozenset(),
    "circuitpython": frozenset({"/dev/gpiochip0", "/dev/gpiochip4"}),
    "adafruit": frozenset({"/dev/gpiomem"}),
}


class Dht:
    """Asks a sensor with enough time in between, as long as it needs to and may."""

    Options: ClassVar[type[msgspec.Struct]] = DhtOptions

    def __init__(self, options: DhtOptions, place: Place) -> None:
        self._options = options
        self._place = place
        self._backend: Backend | None = None
        self._judgement = Judgement()
        self._outcomes: deque[bool] = deque(maxlen=COUNTED)
        self._free_s = place.monotonic()  # when the sensor may be asked again
        self._closed = False

    def read(self) -> Measurements:
        """Return the temperature in °C, the humidity and the success rate in %; raises DriverError."""
        until_s = self._place.monotonic() + self._options.patience
        for _ in range(RETRIES):
            try:
                return self._measure()
            except TransactionError:
                if self._closed or self._free_s + TRANSACTION_S > until_s:
                    raise
        return self._measure()

    def close(self) -> None:
        """Let go of the pin and try nothing again."""
        self._closed = True
        self._let_go()

    def _measure(self) -> Measurements:
        climate = self._ask()
        self._judgement.believe(climate)
        rate = round(100 * sum(self._outcomes) / len(self._outcomes), 1)
        return {OWN_CHANNEL: to_number(climate.celsius), "humidity": to_number(climate.percent), "success": rate}

    def _ask(self) -> Climate:
        """Do one transaction and count it; raises DriverError."""
        self._place.sleep(max(0.0, self._free_s - self._place.monotonic()))
        if self._closed:
            raise DriverError("the driver was closed")
        backend = self._backend = self._backend or self._find_backend()
        try:
            climate = backend.measure()
            check(climate)
        except TransactionError:
            self._outcomes.append(False)
            raise
        except DriverError:
            self._let_go()  # the overlay may have gone, and another way be there
            raise
        finally:
            self._free_s = self._place.monotonic() + PAUSE_S
        self._outcomes.append(True)
        return climate

    def _find_backend(self) -> Backend:
        name, pin = self._options.backend, self._options.pin
        problems: dict[str, DriverError] = {}
        for way in BACKENDS if name == "auto" else (name,):
            try:
                return BACKENDS[way](pin, self._options.model, self._place)
            except DriverError as error:
                problems[way] = error
        if len(problems) == 1:
            raise problems[name]
        reasons = "; ".join(f"{way}: {error.message}" for way, error in problems.items())
        advice = " or ".join(hint for way in ("iio", "circuitpython") if (hint := problems[way].hint))
        raise DriverError(f"no way to ask the sensor is there: {reasons}", advice)

    def _let_go(self) -> None:
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()

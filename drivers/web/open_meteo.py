"""The weather outside, as Open-Meteo tells it (https://open-meteo.com/en/docs).

GET https://api.open-meteo.com/v1/forecast?latitude=52.52&longitude=13.41&current=temperature_2m,relative_humidity_2m

    {"utc_offset_seconds": 0,                          other than 0 only when the URL asks for a time zone
     "current_units": {"temperature_2m": "°C", "relative_humidity_2m": "%"},
     "current": {"time": "2026-11-29T20:15",           of that zone, whose name is not there
                 "interval": 900,                      seconds until there is another
                 "temperature_2m": 2.4, "relative_humidity_2m": 86}}

What is wrong is answered with status 400 and {"error": true, "reason": "..."}.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeAlias
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from drivers.driver import DriverError, RetryLaterError
from drivers.web.answers import Answer, StatusError
from protocol.printable import visible

if TYPE_CHECKING:
    from drivers.web.http import HttpClient  # 6 MiB that only who asks web servers needs

WEATHER_URL: Final = "https://api.open-meteo.com/v1/forecast"
INTERVAL_S: Final = 900.0  # until there is another weather

_LIMITS: Final = {"latitude": 90, "longitude": 180}  # degrees from the equator and from Greenwich
_UNITS: Final = {"temperature_2m": "°C", "relative_humidity_2m": "%"}
_SHOWN: Final = 160  # characters of what the server says, in a message


class House(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the weather is wanted, in degrees north and east, and who is asked for it."""

    latitude: float
    longitude: float
    weather_url: str = WEATHER_URL

    def __post_init__(self) -> None:
        for name, limit in _LIMITS.items():
            if not abs(getattr(self, name)) <= limit:  # NaN neither
                raise ValueError(f"{name} is {getattr(self, name):g}, and not from -{limit} to {limit}")
        if not self.weather_url.startswith(("http://", "https://")) or not _is_one_word(self.weather_url):
            raise ValueError("weather_url does not begin with http:// or https://, or has spaces")


def house_of(said: Mapping[str, object]) -> House | None:
    """Return the house that these fields describe, None without coordinates; raises ValueError."""
    if not _LIMITS.keys() & said.keys():
        return None
    return msgspec.convert(said, House)


class Weather(NamedTuple):
    """The temperature in °C, the relative humidity in %, and of when they are, in ms since 1970-01-01 UTC.

    What is not known is None.
    """

    time_ms: int
    temperature: int | float | None
    humidity: int | float | None


def current(client: "HttpClient", house: House) -> Weather:
    """Ask for the weather now; raises DriverError, and RetryLaterError when the server says so."""
    try:
        answer = client.get(_url(house))
    except StatusError as error:
        raise _in_words(error) from error
    return _read(answer)


def weather_in(body: bytes) -> Weather:
    """Read an answer; raises ValueError."""
    answer = _decoded(body)
    for name, unit in _UNITS.items():
        said = getattr(answer.current_units, name)
        if said != unit:
            raise ValueError(f"{name} is in {said!r}, and not in {unit}")
    now = answer.current
    return Weather(_milliseconds(now.time, answer.utc_offset_seconds), now.temperature_2m, now.relative_humidity_2m)


_Degrees: TypeAlias = Annotated[int, Meta(ge=-100, le=100)] | Annotated[float, Meta(ge=-100, le=100)]
_Percent: TypeAlias = Annotated[int, Meta(ge=0, le=100)] | Annotated[float, Meta(ge=0, le=100)]


class _Current(msgspec.Struct, frozen=True):
    time: str
    temperature_2m: _Degrees | None = None
    relative_humidity_2m: _Percent | None = None


class _Units(msgspec.Struct, frozen=True):
    temperature_2m: str = ""
    relative_humidity_2m: str = ""


class _Answer(msgspec.Struct, frozen=True):
    current: _Current
    current_units: _Units
    utc_offset_seconds: Annotated[int, Meta(ge=-86_400, le=86_400)] = 0


class _Trouble(msgspec.Struct, frozen=True):
    reason: str = ""


def _url(house: House) -> str:
    """Return what is asked for. A hundredth of a degree is a kilometre, and says less of who lives there."""
    asked = {
        "latitude": f"{house.latitude:z.2f}",
        "longitude": f"{house.longitude:z.2f}",
        "current": ",".join(_UNITS),
    }
    return f"{house.weather_url}{'&' if '?' in house.weather_url else '?'}{urlencode(asked, safe=',')}"


def _read(answer: Answer) -> Weather:
    try:
        return weather_in(answer.body)
    except ValueError as error:
        raise DriverError(f"{answer.source} answers something else: {_short(str(error))}") from None


def _decoded(body: bytes) -> _Answer:
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _milliseconds(time: str, offset_s: int) -> int:
    """Return the ms since 1970-01-01 UTC of a time so many seconds before UTC; raises ValueError."""
    date = datetime.fromisoformat(time)
    ms = round((date.replace(tzinfo=date.tzinfo or UTC).timestamp() - (0 if date.tzinfo else offset_s)) * 1000)
    if ms <= 0:
        raise ValueError(f"{time!r} is before there was such weather")
    return ms


def _in_words(error: StatusError) -> RetryLaterError:
    """Say what the server says of its refusal."""
    try:
        reason = msgspec.json.decode(error.answer.body, type=_Trouble).reason
    except (msgspec.DecodeError, RecursionError):
        reason = ""
    words = f"{error.message}: {_short(reason)}" if reason else error.message
    return RetryLaterError(words, _ADVICE.get(error.status, ""), retry_after_s=error.retry_after_s)


_ADVICE: Final[Mapping[int, str]] = {
    HTTPStatus.BAD_REQUEST: "see whether `latitude` and `longitude` are right",
    HTTPStatus.NOT_FOUND: "see whether `weather_url` is right",
    HTTPStatus.TOO_MANY_REQUESTS: "see who else asks from this address",
}


def _short(text: str) -> str:
    return visible(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _is_one_word(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text

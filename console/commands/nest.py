"""`jph nest`: the consent that Google wants before it shows a user's thermostats (docs/drivers.md, "nest")."""

import getpass
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from console import words
from console.output import stdout, tell
from drivers.driver import DriverError
from drivers.nest import thermostats
from drivers.web import nest_api, nest_credentials, open_meteo
from drivers.web.http import HttpClient, Patience
from drivers.web.nest_api import Device, Token
from drivers.web.nest_credentials import DEFAULT_FILE, Credentials, Registration
from drivers.web.open_meteo import House
from protocol.errors import JphError

PATIENCE: Final = Patience(connect_s=5.0, read_s=15.0, whole_s=30.0)  # a person waits

_NUMBERS: Final = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # the second character of the codifiers that are proposed
_EACH: Final = 4  # codifiers for a thermostat
_OUTSIDE: Final = 2  # more for the first one, when the weather is wanted
_SHOWN: Final = 40  # characters of what was typed, in a message
_LONGEST_NAME: Final = 40  # characters of a name from Google in a node's
_CHOOSE: Final = "https://nestservices.google.com/partnerconnections"


class AuthorizeError(JphError):
    """What was typed or named is not what Google needs."""


class _Client(msgspec.Struct, frozen=True):
    client_id: str
    client_secret: str
    token_uri: str = nest_credentials.TOKEN_URI


class _Download(msgspec.Struct, frozen=True):
    """The file that the Google Cloud console gives for an OAuth client."""

    web: _Client | None = None
    installed: _Client | None = None


def authorize(
    *,
    credentials: Annotated[
        Path, typer.Option("--credentials", metavar="FILE", help="Where the credentials are written.")
    ] = Path(DEFAULT_FILE),
    project: Annotated[
        str | None,
        typer.Option("--project", metavar="ID", help="The Device Access project's ID; else it is asked for."),
    ] = None,
    client_secret: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The OAuth client, as the Google Cloud console lets you download it."),
    ] = None,
    api_url: Annotated[
        str | None, typer.Option("--api-url", metavar="URL", help="Where the API is asked, when not at Google itself.")
    ] = None,
    token_uri: Annotated[
        str | None, typer.Option("--token-uri", metavar="URL", help="Where tokens are had, when not at Google itself.")
    ] = None,
    latitude: Annotated[
        str | None,
        typer.Option(
            metavar="DEGREES", help="Where the house stands, for the weather; empty for none, else asked for."
        ),
    ] = None,
    longitude: Annotated[str | None, typer.Option(metavar="DEGREES", help="The same; west is negative.")] = None,
    weather_url: Annotated[
        str | None,
        typer.Option("--weather-url", metavar="URL", help="Where the weather is asked for, when not at Open-Meteo."),
    ] = None,
) -> int:
    """Ask for your consent on a page of Google's, and write what the driver `nest` needs to a file of mode 0600.

    What it needs to know is asked for, unless there are credentials in the file already. The secret is not echoed. At
    the end the nodes are printed that can be added to the configuration.
    """
    path = credentials.expanduser()
    known = _known(path)
    if known is None:
        _check_place(path)
    asked = _registration(known, project, client_secret, api_url=api_url, token_uri=token_uri)
    house = _house(known, {"latitude": latitude, "longitude": longitude, "weather_url": weather_url})
    code = _consent(asked)
    client = HttpClient(PATIENCE)
    token = nest_api.exchange(client, asked, code)
    fresh = _credentials(asked, token, house)
    found = thermostats(nest_api.devices(client, asked, token.text))
    _write(path, fresh, is_known=bool(known))
    _propose(path, found, is_usual=credentials == Path(DEFAULT_FILE), with_weather=house is not None)
    return 0


def _known(path: Path) -> Credentials | None:
    """Return what the file has already, None when it is not there or has something else."""
    try:
        return nest_credentials.read(path)
    except DriverError:
        return None


def _registration(
    known: Credentials | None,
    project: str | None,
    client_secret: Path | None,
    *,
    api_url: str | None,
    token_uri: str | None,
) -> Registration:
    """Gather who asks: from the options, else from the file, else from whoever types."""
    project_id = project or (known.project_id if known else _typed("Device Access project ID: "))
    client = _client(known, client_secret)
    url = api_url or (known.api_url if known else nest_credentials.API_URL)
    try:
        return Registration(
            project_id=project_id,
            client_id=client.client_id,
            client_secret=client.client_secret,
            token_uri=token_uri or client.token_uri,
            api_url=url.rstrip("/"),
        )
    except ValueError as error:
        raise AuthorizeError(str(error), "copy it from the page on which Google shows it") from error


def _client(known: Credentials | None, client_secret: Path | None) -> _Client:
    if client_secret is not None:
        return _downloaded(client_secret)
    if known is not None:
        return _Client(known.client_id, known.client_secret, known.token_uri)
    return _Client(_typed("OAuth client ID: "), _typed("OAuth client secret: ", is_secret=True))


def _downloaded(path: Path) -> _Client:
    try:
        download = msgspec.json.decode(path.read_bytes(), type=_Download)
    except OSError as error:
        raise AuthorizeError(f"{path} cannot be read: {error.strerror}", "name the file that was downloaded") from error
    except (ValueError, RecursionError) as error:
        raise AuthorizeError(f"{path} is no OAuth client: {error}", "download it as JSON") from None
    client = download.web or download.installed
    if client is None:
        raise AuthorizeError(
            f"{path} is no OAuth client", "download it as JSON from the Cloud console's page of clients"
        )
    return client


def _house(known: Credentials | None, given: Mapping[str, str | None]) -> House | None:
    """Gather where the weather is wanted, None for nowhere: from the options, else from the file, else as it is typed.

    What the options say is text, in which an empty one means that there shall be no weather.
    """
    options = {name: text for name, text in given.items() if text is not None}
    if known is None and not _COORDINATES & options.keys():
        options |= _typed_coordinates()
    if any(options.get(name) == "" for name in _COORDINATES):
        return None
    said = {**(known.weather if known else {}), **_in_degrees(options)}
    try:
        return open_meteo.house_of(said)
    except ValueError as error:
        advice = "say where the house stands with --latitude and --longitude"
        raise AuthorizeError(f"the weather: {error}", advice) from error


_COORDINATES: Final = frozenset({"latitude", "longitude"})


def _typed_coordinates() -> dict[str, str]:
    tell("for the weather outside, Open-Meteo is told where the house stands (docs/drivers.md, nest)")
    latitude = _line("latitude in degrees (leave empty for no weather): ")
    return {"latitude": latitude, "longitude": _typed("longitude in degrees: ") if latitude else ""}


def _in_degrees(options: Mapping[str, str]) -> dict[str, object]:
    return {name: _degrees(name, text) if name in _COORDINATES else text for name, text in options.items()}


def _degrees(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        message = f"{name} is {words.visible(text[:_SHOWN])}, and no number"
        raise AuthorizeError(message, "write degrees such as 52.52, negative in the south and in the west") from None


def _consent(asked: Registration) -> str:
    tell("open this page, choose your thermostats, and say yes to all:")
    sys.stderr.write(f"{words.visible(nest_api.consent_url(asked.project_id, asked.client_id))}\n")
    tell(f"it ends at {nest_api.REDIRECT_URI}/?code=...")
    return nest_api.code_in(_typed("the whole address of that page: "))


def _typed(prompt: str, *, is_secret: bool = False) -> str:
    """Ask for a line with something in it; raises AuthorizeError when there is nothing."""
    typed = _line(prompt, is_secret=is_secret)
    if not typed:
        raise AuthorizeError(f"{prompt.rstrip(': ')}: nothing was given")
    return typed


def _line(prompt: str, *, is_secret: bool = False) -> str:
    """Ask for a line; on standard input that is no terminal it is just read, and at its end it is empty."""
    if is_secret and sys.stdin.isatty():
        typed = getpass.getpass(prompt)
    else:
        sys.stderr.write(prompt)
        sys.stderr.flush()
        typed = sys.stdin.readline()
    return typed.strip()


def _credentials(asked: Registration, token: Token, house: House | None) -> Credentials:
    if token.refresh_token is None:
        raise AuthorizeError(
            "Google gave no refresh token", "take its access away at myaccount.google.com/connections, and begin anew"
        )
    weather = {} if house is None else msgspec.to_builtins(house)
    return Credentials(**msgspec.structs.asdict(asked), refresh_token=token.refresh_token, **weather)


def _write(path: Path, credentials: Credentials, *, is_known: bool) -> None:
    """Write the file; whatever else was there is kept beside it."""
    try:
        if not is_known and path.exists():
            _keep(path)
        nest_credentials.write(path, credentials)
    except OSError as error:
        raise AuthorizeError(
            f"{path} cannot be written: {error.strerror}", "name another with --credentials"
        ) from error


def _check_place(path: Path) -> None:
    """Find out before anybody consents whether there is room for what is in the file now."""
    if path.exists() and _old(path).exists():
        raise AuthorizeError(
            f"{path} has something else in it, and {_old(path)} is there already", "move one of them away"
        )


def _keep(path: Path) -> None:
    os.link(path, _old(path))
    _old(path).chmod(0o600)
    tell(f"{_old(path)} has what was in {path}")


def _old(path: Path) -> Path:
    return path.with_name(f"{path.name}.old")


def _propose(path: Path, found: Sequence[Device], *, is_usual: bool, with_weather: bool) -> None:
    """Print the nodes of the thermostats for the configuration; raises AuthorizeError when there are none."""
    if not found:
        raise AuthorizeError(f"{path} is written, but Google shows no thermostat", f"choose one at {_CHOOSE}")
    tell(f"{path} is written: {words.counted(len(found), 'thermostat')}; add this to the configuration:")
    named = {} if is_usual else {"credentials": str(path.absolute())}
    for line in _nodes(found, named, with_weather=with_weather):
        stdout().line(line)


def _nodes(found: Sequence[Device], named: Mapping[str, str], *, with_weather: bool) -> Iterator[str]:
    """Write the nodes of thermostats as YAML, whose strings may be those of JSON."""
    yield "nodes:"
    codifiers = (f"N{number}" for number in _NUMBERS)
    for position, device in enumerate(found[: (len(_NUMBERS) - _OUTSIDE) // _EACH]):
        options: dict[str, str | bool] = {**named}
        if len(found) > 1:
            options["device"] = _unique_name(device, found)
        if with_weather and position == 0:
            options["outside"] = True
        yield from _node(words.visible(device.names[0][:_LONGEST_NAME]), codifiers, options)


def _node(name: str, codifiers: Iterator[str], options: Mapping[str, str | bool]) -> Iterator[str]:
    yield f"  {next(codifiers)}:"
    yield f"    name: {_quoted(f'{name} away')}"
    yield "    driver: nest"
    if options:
        yield f"    options: {{{', '.join(f'{key}: {_quoted(value)}' for key, value in options.items())}}}"
    yield "    interval: 60s"
    yield "    timeout: 3m"
    yield "    proxies:"
    yield f"      {next(codifiers)}: {{name: {_quoted(name)}, unit: °C, channel: temperature}}"
    yield f'      {next(codifiers)}: {{name: {_quoted(f"{name} humidity")}, unit: "%", channel: humidity}}'
    yield f"      {next(codifiers)}: {{name: {_quoted(f'{name} target')}, unit: °C, channel: target}}"
    if "outside" in options:
        yield f"      {next(codifiers)}: {{name: outside, unit: °C, channel: outside_temperature, timeout: 35m}}"
        yield (
            f'      {next(codifiers)}: {{name: outside humidity, unit: "%", channel: outside_humidity, timeout: 35m}}'
        )


def _unique_name(device: Device, found: Sequence[Device]) -> str:
    """Return the first of a thermostat's names that can be typed and that no other has."""
    others = {name.casefold() for other in found if other is not device for name in other.names}
    return next((name for name in device.names if name.isprintable() and name.casefold() not in others), device.id)


def _quoted(value: str | bool) -> str:  # noqa: FBT001 - it is what is written
    return json.dumps(value, ensure_ascii=False)

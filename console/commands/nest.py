"""`jph nest`: the consent that Google wants before it shows a user's thermostats (docs/drivers.md, "nest")."""

import getpass
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from console import words
from console.output import stdout, tell
from drivers import nest_api, nest_credentials
from drivers.driver import DriverError
from drivers.http import HttpClient, Patience
from drivers.nest import thermostats
from drivers.nest_api import Device
from drivers.nest_credentials import DEFAULT_FILE, Credentials, Registration
from protocol.errors import JphError

PATIENCE: Final = Patience(connect_s=5.0, read_s=15.0, whole_s=30.0)  # a person waits

_NUMBERS: Final = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # the second character of the codifiers that are proposed
_EACH: Final = 4  # codifiers for a thermostat
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
) -> int:
    """Ask for your consent on a page of Google's, and write what the driver `nest` needs to a file of mode 0600.

    What it needs to know is asked for, and nothing that the file has already. The secret is not echoed. At the end the
    nodes are printed that can be added to the configuration.
    """
    path = credentials.expanduser()
    known = _known(path)
    if known is None:
        _check_place(path)
    asked = _registration(known, project, client_secret, api_url=api_url, token_uri=token_uri)
    code = _consent(asked)
    client = HttpClient(PATIENCE)
    token = nest_api.exchange(client, asked, code)
    if token.refresh_token is None:
        raise AuthorizeError(
            "Google gave no refresh token", "take its access away at myaccount.google.com/connections, and begin anew"
        )
    found = thermostats(nest_api.devices(client, asked, token.text))
    _write(path, Credentials(**msgspec.structs.asdict(asked), refresh_token=token.refresh_token), is_known=bool(known))
    if not found:
        raise AuthorizeError(f"{path} is written, but Google shows no thermostat", f"choose one at {_CHOOSE}")
    tell(f"{path} is written: {words.counted(len(found), 'thermostat')}; add this to the configuration:")
    for line in _nodes(found, None if credentials == Path(DEFAULT_FILE) else str(path.absolute())):
        stdout().line(line)
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


def _consent(asked: Registration) -> str:
    tell("open this page, choose your thermostats, and say yes to all:")
    sys.stderr.write(f"{words.visible(nest_api.consent_url(asked.project_id, asked.client_id))}\n")
    tell(f"it ends at {nest_api.REDIRECT_URI}/?code=...")
    return nest_api.code_in(_typed("the whole address of that page: "))


def _typed(prompt: str, *, is_secret: bool = False) -> str:
    """Ask for a line; on standard input that is no terminal it is just read. Raises AuthorizeError at its end."""
    if is_secret and sys.stdin.isatty():
        typed = getpass.getpass(prompt)
    else:
        sys.stderr.write(prompt)
        sys.stderr.flush()
        typed = sys.stdin.readline()
    if not typed.strip():
        raise AuthorizeError(f"{prompt.rstrip(': ')}: nothing was given")
    return typed.strip()


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


def _nodes(found: Sequence[Device], credentials: str | None) -> Iterator[str]:
    """Write the nodes of thermostats as YAML, whose strings may be those of JSON."""
    yield "nodes:"
    for position, device in enumerate(found[: len(_NUMBERS) // _EACH]):
        codifiers = [f"N{number}" for number in _NUMBERS[position * _EACH :][:_EACH]]
        options = {} if credentials is None else {"credentials": credentials}
        if len(found) > 1:
            options["device"] = _unique_name(device, found)
        yield from _node(words.visible(device.names[0][:_LONGEST_NAME]), codifiers, options)


def _node(name: str, codifiers: Sequence[str], options: dict[str, str]) -> Iterator[str]:
    own, room, humidity, target = codifiers
    yield f"  {own}:"
    yield f"    name: {_quoted(f'{name} away')}"
    yield "    driver: nest"
    if options:
        yield f"    options: {{{', '.join(f'{key}: {_quoted(value)}' for key, value in options.items())}}}"
    yield "    interval: 60s"
    yield "    timeout: 3m"
    yield "    proxies:"
    yield f"      {room}: {{name: {_quoted(name)}, unit: °C, channel: temperature}}"
    yield f'      {humidity}: {{name: {_quoted(f"{name} humidity")}, unit: "%", channel: humidity}}'
    yield f"      {target}: {{name: {_quoted(f'{name} target')}, unit: °C, channel: target}}"


def _unique_name(device: Device, found: Sequence[Device]) -> str:
    """Return the first of a thermostat's names that can be typed and that no other has."""
    others = {name.casefold() for other in found if other is not device for name in other.names}
    return next((name for name in device.names if name.isprintable() and name.casefold() not in others), device.id)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)

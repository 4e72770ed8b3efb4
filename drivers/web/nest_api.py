"""Google's Smart Device Management API (developers.google.com/nest/device-access): consent, tokens, list of devices.

What goes wrong is a DriverError in words. Nothing of a token or a secret is ever part of one.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import msgspec

from drivers.driver import DriverError, RetryLaterError
from drivers.web.answers import Answer, StatusError
from drivers.web.nest_credentials import Credentials, Registration
from protocol.printable import visible

if TYPE_CHECKING:
    from drivers.web.http import HttpClient  # 6 MiB that only who asks web servers needs

CONSENT_URL: Final = "https://nestservices.google.com/partnerconnections/{project}/auth"
REDIRECT_URI: Final = "https://www.google.com"
SCOPE: Final = "https://www.googleapis.com/auth/sdm.service"
THERMOSTAT: Final = "sdm.devices.types.THERMOSTAT"
TRAITS: Final = "sdm.devices.traits."

SHORTEST_LIFE_S: Final = 60.0
"""A token is taken for expired so long before it is: a request that is under way then should still succeed."""

LEAST_PAUSE_S: Final = 60.0  # after "too many requests": quotas are counted by the minute
_SHOWN: Final = 160  # characters of what Google says, in a message
_AUTHORIZE: Final = "jph nest authorize"

T = TypeVar("T")


class RevokedError(DriverError):
    """Google does not take these credentials, and will not before the user has consented again."""


class Token(NamedTuple):
    """An access token, for how many seconds it is good, and the refresh token when Google gave a new one."""

    text: str
    life_s: float
    refresh_token: str | None


class Relation(msgspec.Struct, frozen=True, rename="camel"):
    """The room in which a device is."""

    display_name: str = ""


class Device(msgspec.Struct, frozen=True, rename="camel"):
    """A device as the API describes it. A trait that is missing is not known now."""

    name: str
    type: str = ""
    traits: Mapping[str, Mapping[str, Any]] = {}
    parent_relations: tuple[Relation, ...] = ()

    @property
    def id(self) -> str:
        """The last part of its name, enterprises/PROJECT/devices/ID."""
        return self.name.rpartition("/")[2]

    @property
    def names(self) -> tuple[str, ...]:
        """What its owner knows it by: its own name, then that of its room, then its id."""
        own = self.trait("Info").get("customName")
        rooms = [relation.display_name for relation in self.parent_relations]
        return tuple(name for name in (own, *rooms, self.id) if isinstance(name, str) and name)

    def trait(self, name: str) -> Mapping[str, Any]:
        """Return the fields of a trait, none when it is missing."""
        return self.traits.get(TRAITS + name, {})


def consent_url(project_id: str, client_id: str) -> str:
    """Return the page on which the user says which devices may be seen."""
    asked = {
        "redirect_uri": REDIRECT_URI,
        "access_type": "offline",  # without it there is no refresh token
        "prompt": "consent",
        "client_id": client_id,
        "response_type": "code",
        "scope": SCOPE,
    }
    return f"{CONSENT_URL.format(project=quote(project_id, safe=''))}?{urlencode(asked)}"


def code_in(pasted: str) -> str:
    """Find the code in the address to which the consent led, or take it as it is; raises DriverError."""
    query = parse_qs(urlsplit(pasted).query) if "://" in pasted else {"code": [unquote(pasted)]}
    if "error" in query:
        raise DriverError(f"Google did not get the consent: {_short(query['error'][0])}", "say yes on its page")
    code = query.get("code", [""])[0].strip()
    if not code:
        raise DriverError("there is no code in that address", "paste the whole address to which the consent led")
    return code


def exchange(client: "HttpClient", asked: Registration, code: str) -> Token:
    """Get the first tokens for a code, which is good once and for minutes; raises DriverError."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    try:
        return _token(client, asked, form)
    except RevokedError as error:
        if error.hint:
            raise
        raise DriverError("Google does not take this code", "it is good once and for minutes: get a new one") from error


def refresh(client: "HttpClient", credentials: Credentials) -> Token:
    """Get an access token; raises DriverError, and RevokedError when only the user can help."""
    form = {"grant_type": "refresh_token", "refresh_token": credentials.refresh_token}
    try:
        return _token(client, credentials, form)
    except RevokedError as error:
        raise RevokedError(error.message, error.hint or f"consent again: {_AUTHORIZE}") from error


def devices(client: "HttpClient", asked: Registration, token: str) -> tuple[Device, ...]:
    """List what the user consented to; raises StatusError for 401 and DriverError."""
    project = quote(asked.project_id, safe="")
    url = f"{asked.api_url}/enterprises/{project}/devices"
    try:
        answer = client.get(url, {"Authorization": f"Bearer {token}"})
    except StatusError as error:
        raise _in_words(error) from error
    return _read(answer, _Listing).devices


class _Listing(msgspec.Struct, frozen=True):
    devices: tuple[Device, ...] = ()


class _Tokens(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float = 3600.0
    refresh_token: str | None = None


class _TokenTrouble(msgspec.Struct, frozen=True):
    error: str = ""
    error_description: str = ""


class _ApiTrouble(msgspec.Struct, frozen=True):
    message: str = ""
    status: str = ""


class _ApiAnswer(msgspec.Struct, frozen=True):
    error: _ApiTrouble = _ApiTrouble()


def _token(client: "HttpClient", asked: Registration, form: Mapping[str, str]) -> Token:
    login = {"client_id": asked.client_id, "client_secret": asked.client_secret}
    try:
        answer = client.post(asked.token_uri, {**login, **form})
    except StatusError as error:
        raise _token_trouble(error) from error
    found = _read(answer, _Tokens)
    if not found.access_token.isascii() or not found.access_token.isprintable():
        raise DriverError(f"{answer.source}: the token cannot be used")
    return Token(found.access_token, found.expires_in - SHORTEST_LIFE_S, found.refresh_token)


def _token_trouble(error: StatusError) -> DriverError:
    """Say what RFC 6749, 5.2, calls it. `invalid_grant` gets its advice from whoever asked."""
    try:
        said = _decoded(error.answer.body, _TokenTrouble)
    except ValueError:
        return error
    if said.error in _LOST:
        return RevokedError(f"Google answers {_short(said.error)}: {_short(said.error_description)}", _LOST[said.error])
    return error


_LOST: Final = {
    "invalid_grant": "",
    "invalid_client": f"see whether the OAuth client is still there: {_AUTHORIZE}",
    "unauthorized_client": f"take an OAuth client of the type for web applications: {_AUTHORIZE}",
    "redirect_uri_mismatch": f"add {REDIRECT_URI} to the redirect URIs of the OAuth client",
}


def _in_words(error: StatusError) -> DriverError:
    """Say what an error of the API means for whoever reads it; a 401 stays what it is."""
    if error.status == HTTPStatus.UNAUTHORIZED:
        return error
    try:
        said = _decoded(error.answer.body, _ApiAnswer).error
    except ValueError:
        said = _ApiTrouble()
    status = f"{error.status} {_short(said.status)}".rstrip()
    words = f"Google answers {status}: {_short(said.message)}".removesuffix(": ")
    advice = _ADVICE.get(error.status, error.hint)
    least_s = LEAST_PAUSE_S if error.status == HTTPStatus.TOO_MANY_REQUESTS else 0.0
    return RetryLaterError(words, advice, retry_after_s=max(error.retry_after_s, least_s))


_ADVICE: Final = {
    403: f"the consent was taken back, or the API is not enabled in the Cloud project: {_AUTHORIZE}",
    404: f"see whether `project_id` is that of the Device Access project, not of the Cloud project: {_AUTHORIZE}",
    429: "give the node a longer `every`, and see who else asks for this project",
}


def listed(body: bytes) -> tuple[Device, ...]:
    """Read the answer to a list; raises ValueError."""
    return _decoded(body, _Listing).devices


def _read(answer: Answer, kind: type[T]) -> T:
    try:
        return _decoded(answer.body, kind)
    except ValueError as error:
        raise DriverError(f"{answer.source} answers something else: {_short(str(error))}") from None


def _decoded(body: bytes, kind: type[T]) -> T:
    """Read JSON; raises ValueError for all that can be wrong with it."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _short(text: str) -> str:
    return visible(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")

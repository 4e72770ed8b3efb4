"""A connection to a Z-Wave JS server: JSON messages in a websocket.

What is said, in the order of its beginning (documentation of @zwave-js/server, and seen on its wire up to schema 50):

    server  {"type": "version", "serverVersion": "3.10.2", "minSchemaVersion": 0, "maxSchemaVersion": 50, ...}
    client  {"messageId": "1", "command": "initialize", "schemaVersion": 50}
    server  {"type": "result", "success": true, "messageId": "1", "result": {}}
    client  {"messageId": "2", "command": "start_listening"}
    server  {"type": "result", "success": true, "messageId": "2", "result": {"state": {"nodes": [...], ...}}}
    server  {"type": "event", "event": {"source": "node", "event": "value updated", "nodeId": 2, "args": {...}}}, ...

A result without success has an `errorCode`, and a `message` or a `zwaveErrorMessage`. A server whose Z-Wave JS is not
ready yet closes with the code 1013. It never pings, so the client does.
"""

import json
import math
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from itertools import count
from typing import Any, Final, TypeAlias

from drivers.driver import DriverError
from drivers.libraries import library
from protocol.printable import visible

NEWEST_SCHEMA: Final = 50
"""The newest version of the messages that was tried; the parts that are used here are the same from 0 on."""

PING_EVERY_S: Final = 20.0  # of silence; a server that is silent twice as long is gone
FAREWELL_S: Final = 1.0  # for a server to close its end
QUOTED: Final = 200  # characters of what a server said, in a message

_CLOSE: Final = 0x8  # the websocket's opcodes (RFC 6455, section 5.2)
_TEXT: Final = 0x1
_NOT_READY: Final = 1013  # "try again later"

Message: TypeAlias = Mapping[str, Any]


class Client:
    """One connection; once it is lost, it stays lost and `loss` says why.

    `timeout_s` is how long each answer may take. A server that is silent for `ping_s` is pinged.
    """

    def __init__(self, url: str, timeout_s: float, ping_s: float = PING_EVERY_S) -> None:
        self._library = library("websocket", "zwave")
        self._socket = self._library.WebSocket(skip_utf8_validation=True)  # json decodes it strictly
        self._url = url
        self._timeout_s = timeout_s
        self._ping_s = ping_s
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._asked: dict[str, Future[Message]] = {}
        self._reader: threading.Thread | None = None
        self._closed = threading.Event()
        self._loss: DriverError | None = None

    @property
    def loss(self) -> DriverError | None:
        """Why the connection is of no use any more."""
        return self._loss

    def open(self) -> Message:
        """Connect and return the state of the network; raises DriverError."""
        try:
            self._socket.connect(self._url, timeout=self._timeout_s, http_no_proxy=["*"])
            schema = self._choose_schema(self._next_message())
            self._answer_to("initialize", schemaVersion=schema)
            return _state(self._answer_to("start_listening"))
        except (OSError, ValueError, self._library.WebSocketException) as error:
            self._socket.shutdown()
            raise self._unreachable(error) from error
        except DriverError:
            self._socket.shutdown()
            raise

    def listen(self, hear: Callable[[Message], None], lost: Callable[[], None]) -> None:
        """Hand on events from now on, in a thread of its own, and tell when the connection is lost."""
        reader = threading.Thread(target=self._run, args=(hear, lost), name="zwave", daemon=True)
        with self._lock:
            if not self._closed.is_set():
                reader.start()
                self._reader = reader

    def begin(self, command: str, **arguments: object) -> Future[Message]:
        """Ask for something; the future has the result, or a DriverError."""
        answer: Future[Message] = Future()
        number = str(next(self._numbers))
        with self._lock:
            if self._loss is not None:
                answer.set_exception(self._loss)
                return answer
            self._asked[number] = answer
        self._send(number, command, arguments)
        return answer

    def tell(self, command: str, **arguments: object) -> None:
        """Ask for something whose result does not matter."""
        self._send(str(next(self._numbers)), command, arguments)

    def finish(self, answers: Iterable[Future[Message]]) -> None:
        """Wait until all answers are there; those that do not come in time fail with a DriverError."""
        answers = set(answers)
        late = wait(answers, self._timeout_s).not_done
        with self._lock:  # from now on their answers are those to nobody
            self._asked = {number: answer for number, answer in self._asked.items() if answer not in late}
        for answer in late:
            with suppress(InvalidStateError):  # it came just now
                answer.set_exception(DriverError(f"{self._url}: no answer within {self._timeout_s:g} s"))

    def close(self) -> None:
        """Say goodbye and let go of the connection; from any thread, and twice."""
        with self._lock:
            is_first = not self._closed.is_set()
            self._closed.set()
        if is_first:
            self._part_from_server()

    def _part_from_server(self) -> None:
        with suppress(OSError, self._library.WebSocketException):
            self._socket.send_close()
        self._wait_for_reader()
        with suppress(OSError, AttributeError):  # the reader closed it
            self._socket.sock.shutdown(socket.SHUT_RDWR)  # wakes whoever still reads
        self._wait_for_reader()
        self._socket.shutdown()
        self._give_up(DriverError(f"{self._url}: the connection is closed"))

    def _wait_for_reader(self) -> None:
        if self._reader is not None:
            self._reader.join(FAREWELL_S)

    def _choose_schema(self, version: Message) -> int:
        oldest, newest = version.get("minSchemaVersion"), version.get("maxSchemaVersion")
        if version.get("type") != "version" or not isinstance(oldest, int) or not isinstance(newest, int):
            raise DriverError(f"{self._url} is no Z-Wave JS server", "see whether the port is right: it mostly is 3000")
        if oldest > NEWEST_SCHEMA:
            server = quoted(version.get("serverVersion"))
            advice = "use a newer jph, or an older server"
            raise DriverError(
                f"{self._url}: server {server} speaks schemas from {oldest} on, jph {NEWEST_SCHEMA}", advice
            )
        return min(newest, NEWEST_SCHEMA)

    def _answer_to(self, command: str, **arguments: object) -> Message:
        """Ask and wait, before anybody listens."""
        number = str(next(self._numbers))
        self._send(number, command, arguments)
        while True:
            message = self._next_message()
            if message.get("messageId") == number:
                return _result(message)

    def _next_message(self) -> Message:
        while True:
            opcode, data = self._socket.recv_data(control_frame=True)
            if opcode == _CLOSE:
                raise self._closed_by_server(data)
            if opcode == _TEXT:
                return _parsed(data)

    def _send(self, number: str, command: str, arguments: Mapping[str, object]) -> None:
        text = json.dumps({"messageId": number, "command": command, **arguments})
        try:
            self._socket.send(text)
        except (OSError, self._library.WebSocketException) as error:
            self._give_up(self._unreachable(error))

    def _run(self, hear: Callable[[Message], None], lost: Callable[[], None]) -> None:
        """Read until the connection is lost or closed."""
        try:
            self._socket.settimeout(self._ping_s)
            while not self._closed.is_set():
                self._take(self._wait_for_message(), hear)
        except DriverError as error:
            self._give_up(error)
        except (OSError, ValueError, self._library.WebSocketException) as error:
            self._give_up(self._unreachable(error))
        finally:
            self._give_up(DriverError(f"{self._url}: the connection has ended"))
            self._part()
            if not self._closed.is_set():
                lost()

    def _wait_for_message(self) -> Message:
        try:
            return self._next_message()
        except self._library.WebSocketTimeoutException:
            self._socket.ping()
        return self._awaited_message()

    def _awaited_message(self) -> Message:
        """Wait for anything after a ping: a pong is a sign of life and no message."""
        try:
            opcode, data = self._socket.recv_data(control_frame=True)
        except self._library.WebSocketTimeoutException as error:
            silence_s = 2 * self._ping_s
            raise DriverError(f"{self._url} is silent for {silence_s:g} s", "see whether the server hangs") from error
        if opcode == _CLOSE:
            raise self._closed_by_server(data)
        return _parsed(data) if opcode == _TEXT else {}

    def _take(self, message: Message, hear: Callable[[Message], None]) -> None:
        event = message.get("event")
        if message.get("type") == "event" and isinstance(event, Mapping):
            hear(event)
        with self._lock:
            answer = self._asked.pop(str(message.get("messageId")), None)
        if answer is not None:
            _settle(answer, message)

    def _give_up(self, reason: DriverError) -> None:
        with self._lock:
            self._loss = self._loss or reason
            asked, self._asked = self._asked, {}
        for answer in asked.values():
            with suppress(InvalidStateError):
                answer.set_exception(self._loss)

    def _part(self) -> None:
        """Wait a moment for the server to close its end first, as RFC 6455 asks (section 7.1.1), then close ours."""
        with suppress(OSError, AttributeError):  # the socket is gone already
            self._socket.sock.settimeout(FAREWELL_S)
            while self._closed.is_set() and self._socket.sock.recv(4096):
                pass
        self._socket.shutdown()

    def _closed_by_server(self, data: bytes) -> DriverError:
        code, reason = int.from_bytes(data[:2], "big"), quoted(data[2:].decode(errors="replace"))
        if code == _NOT_READY:
            return DriverError(f"{self._url} is not ready yet: {reason}", "Z-Wave JS waits for its stick, or starts")
        return DriverError(f"{self._url} closed the connection ({code}{': ' if reason else ''}{reason})")

    def _unreachable(self, error: Exception) -> DriverError:
        advice = "see whether Z-Wave JS runs, and whether its websocket server is switched on"
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        return DriverError(f"{self._url}: {quoted(said)}", advice)


def quoted(said: object) -> str:
    """Return what somebody else said, in one line, printable and not too long."""
    return visible(" ".join(str(said).split()))[:QUOTED]


def _parsed(data: bytes) -> Message:
    try:
        message = json.loads(data, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("a message that is nested too deeply") from None
    if not isinstance(message, dict):
        raise ValueError("a message that is no JSON object")  # noqa: TRY004 - what came is wrong, not our types
    return message


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _state(result: Message) -> Message:
    state = result.get("state")
    if not isinstance(state, Mapping):
        raise DriverError("the server tells nothing of its network")
    return state


def _result(message: Message) -> Message:
    """Return the result of an answer; raises DriverError when it is a refusal."""
    if message.get("success") is not True:
        said = (message.get(key) for key in ("zwaveErrorMessage", "message", "errorCode"))
        raise DriverError(quoted(next(filter(None, said), "refused without a reason")))
    result = message.get("result")
    return result if isinstance(result, Mapping) else {}


def _settle(answer: Future[Message], message: Message) -> None:
    with suppress(InvalidStateError):  # nobody waits any more
        try:
            answer.set_result(_result(message))
        except DriverError as error:
            answer.set_exception(error)

"""A Z-Wave JS server with a network of plugs, on loopback: what the real one says, without Node.js and without radio.

It says what `@zwave-js/server` 3.10.2 was seen to say (tests/zwave has the real one): the same messages, in the same
order, and the same refusals. All in one thread, which ends with it.
"""

import base64
import hashlib
import json
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

_KEY_SUFFIX: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10

KWH, WATT = 65537, 66049  # keys of a meter's values: Electric, consumed
UNKNOWN, ASLEEP, AWAKE, DEAD, ALIVE = range(5)


def meter(key: int, number: float) -> dict[str, Any]:
    """Describe a value of a meter."""
    scale = key >> 8 & 0xFF
    unit = {0: "kWh", 2: "W"}[scale]
    specific = {"meterType": key >> 16, "scale": scale, "rateType": key & 0xFF}
    metadata = {"type": "number", "label": f"Electric Consumption [{unit}]", "ccSpecific": specific, "unit": unit}
    return {"commandClass": 50, "endpoint": 0, "property": "value", "propertyKey": key, "value": number} | {
        "metadata": metadata
    }


def sensor(name: str, kind: int, unit: str, said: object) -> dict[str, Any]:
    """Describe a value of a multilevel sensor."""
    metadata = {"type": "number", "label": name, "ccSpecific": {"sensorType": kind, "scale": 0}, "unit": unit}
    return {"commandClass": 49, "endpoint": 0, "property": name, "value": said, "metadata": metadata}


def node(number: int, *values: dict[str, Any], status: int = ALIVE, ready: bool = True) -> dict[str, Any]:
    """Describe a node."""
    return {"nodeId": number, "status": status, "ready": ready, "values": list(values)}


def plugs() -> list[dict[str, Any]]:
    """Describe the network of the original system: three plugs that measure."""
    return [
        node(1),
        node(2, meter(WATT, 151.5), meter(KWH, 123.4), sensor("Power", 4, "W", 150.3)),
        node(3, meter(WATT, 402), meter(KWH, 1024.25), sensor("Power", 4, "W", 401.2)),
        node(4, meter(WATT, 553.5), meter(KWH, 1147.65), sensor("Power", 4, "W", 551.5)),
    ]


@dataclass(eq=False)
class _Peer:
    """A client that is connected."""

    socket: socket.socket
    heard: bytearray = field(default_factory=bytearray)
    is_greeted: bool = False
    is_listening: bool = False


class ZwaveServer:
    """A Z-Wave JS server and its nodes.

    `fails` is asked for each poll whether it fails. `silent` commands get no answer, `is_ready` says whether Z-Wave JS
    is there. `heard` has the requests. What each attribute says counts from the next message on.
    """

    def __init__(self, nodes: list[dict[str, Any]] | None = None, fails: Callable[[], bool] = lambda: False) -> None:
        self.nodes = plugs() if nodes is None else nodes
        self.fails = fails
        self.is_ready = True
        self.silent: set[str] = set()
        self.pongs = True
        self.version: Mapping[str, Any] = {"type": "version", "serverVersion": "3.10.2"} | {
            "minSchemaVersion": 0,
            "maxSchemaVersion": 50,
        }
        self.heard: list[dict[str, Any]] = []
        self.requested = threading.Condition()
        self._peers: list[_Peer] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}"
        self._control, self._controlled = socket.socketpair()
        self._tasks: list[Callable[[], object]] = []
        self._done = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._controlled, selectors.EVENT_READ, self._obey)
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="Z-Wave JS")
        self._thread.start()

    def value(self, number: int, key: str | int) -> dict[str, Any]:
        """Return the description of a node's value, by its property or its key."""
        values = self.node(number)["values"]
        found: dict[str, Any] = next(each for each in values if key in (each.get("propertyKey"), each["property"]))
        return found

    def node(self, number: int) -> dict[str, Any]:
        """Return the description of a node."""
        return next(each for each in self.nodes if each["nodeId"] == number)

    def push(self, number: int, key: str | int, said: object, kind: str = "value updated") -> None:
        """Let a node report a value by itself."""
        value = self.value(number, key)
        value["value"] = said
        self.tell(kind, number, args=_arguments(value))

    def set_status(self, number: int, status: int) -> None:
        """Let a node fall asleep, die, or come back."""
        self.node(number)["status"] = status
        self.tell({ASLEEP: "sleep", AWAKE: "wake up", DEAD: "dead", ALIVE: "alive"}[status], number)

    def tell(self, kind: str, number: int, **more: object) -> None:
        """Send an event of a node to all who listen."""
        event = {"source": "node", "event": kind, "nodeId": number, **more}
        self.say({"type": "event", "event": event})

    def say(self, message: object) -> None:
        """Send a message to all who listen: JSON, or bytes as they are."""
        self._do(lambda: self._say(message))

    def drop(self) -> None:
        """Cut all connections."""
        self._do(self._forget_all)

    def wait_for(self, command: str, count: int = 1) -> None:
        """Wait until so many requests of a kind came."""
        with self.requested:
            assert self.requested.wait_for(lambda: len(self.requests(command)) >= count, timeout=30)

    def requests(self, command: str) -> list[dict[str, Any]]:
        """Return the requests of a kind, oldest first."""
        return [request for request in self.heard if request["command"] == command]

    def close(self) -> None:
        """End it, with all connections."""
        if not self._is_over:
            self._do(self._end)
            self._thread.join()

    def _do(self, task: Callable[[], object]) -> None:
        """Have the server's thread do something, and wait until that is done."""
        self._done.clear()
        self._tasks.append(task)
        self._control.send(b"!")
        assert self._done.wait(30)

    def _run(self) -> None:
        while not self._is_over:
            for key, _ in self._selector.select():
                if not self._is_over:
                    key.data()
        self._control.close()

    def _obey(self) -> None:
        self._controlled.recv(1)
        self._tasks.pop(0)()
        self._done.set()

    def _end(self) -> None:
        self._is_over = True
        self._forget_all()
        self._selector.close()
        self._listener.close()
        self._controlled.close()

    def _accept(self) -> None:
        peer = _Peer(self._listener.accept()[0])
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as Node.js does for websockets
        self._peers.append(peer)
        self._selector.register(peer.socket, selectors.EVENT_READ, lambda: self._hear(peer))

    def _forget(self, peer: _Peer) -> None:
        if peer in self._peers:
            self._peers.remove(peer)
            self._selector.unregister(peer.socket)
            peer.socket.close()

    def _forget_all(self) -> None:
        for peer in list(self._peers):
            self._forget(peer)

    def _hear(self, peer: _Peer) -> None:
        data = b""
        with suppress(OSError):
            data = peer.socket.recv(65_536)
        peer.heard += data
        if not data:
            self._forget(peer)
        elif not peer.is_greeted:
            self._greet(peer)
        for opcode, payload in _frames(peer.heard) if peer.is_greeted else ():
            self._take(peer, opcode, payload)

    def _greet(self, peer: _Peer) -> None:
        head, end, rest = bytes(peer.heard).partition(b"\r\n\r\n")
        if not end:
            return
        lines = (line.partition(b": ") for line in head.split(b"\r\n")[1:])
        key = next(text for name, _, text in lines if name.lower() == b"sec-websocket-key")
        accepted = base64.b64encode(hashlib.sha1(key + _KEY_SUFFIX).digest())  # noqa: S324 - RFC 6455 asks for it
        upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        peer.socket.sendall(upgrade + b"Sec-WebSocket-Accept: " + accepted + b"\r\n\r\n")
        peer.heard[:] = rest
        peer.is_greeted = True
        if self.is_ready:
            self._send(peer, self.version)
        else:
            self._frame(peer, CLOSE, struct.pack("!H", 1013) + b"Driver is not ready")

    def _take(self, peer: _Peer, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._answer(peer, json.loads(payload))
        elif opcode == PING:
            if self.pongs:
                self._frame(peer, PONG, payload)
            self._note({"command": "ping"})
        elif opcode == CLOSE:
            with suppress(OSError):
                self._frame(peer, CLOSE, payload)
            self._forget(peer)

    def _answer(self, peer: _Peer, request: dict[str, Any]) -> None:
        command = request["command"]
        if command not in self.silent:
            result = _COMMANDS[command](self, request)
            if command == "node.poll_value" and result["success"]:
                self._say_to(peer, {"type": "event", "event": _updated(request, result["result"]["value"])})
            self._send(peer, {"type": "result", "messageId": request["messageId"], **result})
            peer.is_listening |= command == "start_listening"
        self._note(request)

    def _note(self, request: dict[str, Any]) -> None:
        with self.requested:
            self.heard.append(request)
            self.requested.notify_all()

    def _say(self, message: object) -> None:
        for peer in list(self._peers):
            if peer.is_listening:
                self._say_to(peer, message)

    def _say_to(self, peer: _Peer, message: object) -> None:
        if isinstance(message, bytes):
            self._frame(peer, TEXT, message)
        else:
            self._send(peer, message)

    def _send(self, peer: _Peer, message: object) -> None:
        self._frame(peer, TEXT, json.dumps(message).encode())

    def _frame(self, peer: _Peer, opcode: int, payload: bytes) -> None:
        length = struct.pack("!B", len(payload)) if len(payload) < 126 else struct.pack("!BH", 126, len(payload))
        try:
            peer.socket.sendall(bytes([0x80 | opcode]) + length + payload)
        except OSError:  # it has gone
            self._forget(peer)

    def _poll(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request["valueId"]
        if self.fails():
            said = {"errorCode": "zwave_error", "zwaveErrorCode": 201, "zwaveErrorMessage": "no answer (ZW0201)"}
            return {"success": False, **said}
        values = self.node(request["nodeId"])["values"]
        [found] = [value for value in values if wanted.items() <= value.items()]
        return {"success": True, "result": {"value": found["value"]}}

    def _state(self, _: object) -> dict[str, Any]:
        return {"success": True, "result": {"state": {"driver": {}, "controller": {}, "nodes": self.nodes}}}


def _done(_: ZwaveServer, _request: object) -> dict[str, Any]:
    return {"success": True, "result": {}}


_COMMANDS: Final[dict[str, Callable[[ZwaveServer, dict[str, Any]], dict[str, Any]]]] = {
    "initialize": _done,
    "node.ping": _done,
    "start_listening": ZwaveServer._state,
    "node.poll_value": ZwaveServer._poll,
}


def _arguments(value: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: said for key, said in value.items() if key not in ("value", "metadata")}
    return {**known, "newValue": value["value"], "value": value["value"]}


def _updated(request: Mapping[str, Any], said: object) -> dict[str, Any]:
    about = {"source": "node", "event": "value updated", "nodeId": request["nodeId"]}
    return {**about, "args": {**request["valueId"], "newValue": said}}


def _frames(heard: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take whole frames of a client, whose payload is masked (RFC 6455, section 5.2)."""
    while len(heard) >= 6:
        length, start = heard[1] & 0x7F, 2
        if length == 126:
            length, start = int.from_bytes(heard[2:4], "big"), 4
        end = start + 4 + length
        if len(heard) < end:
            return
        mask = heard[start : start + 4]
        payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(heard[start + 4 : end]))
        opcode = heard[0] & 0xF
        del heard[:end]
        yield opcode, payload

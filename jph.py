"""jph: watch and control the sensors of many Raspberry Pis. This file only hands on the public names.

`Node` is for new programs. The others are the original system's library: `jph()` gives a channel with `getConfig`,
`getAllSensors`, `getSensor`, `getMySensor`, `getMySensorElement`, `sendData`, `sendCtrl` and `run`.

What a program publishes is kept, as the configuration's `rings:` and `spool:` say, and sent again to whoever did not
hear it, until it leaves the bus. `Node.readings(repaired=True)` gives all readings, also those that the network lost.
"""

from agent.node import AlreadyRunningError, Node, UnknownNodeError
from agent.orders import Answer
from agent.original import Channel, timeNow
from config.model import ConfigError
from protocol.errors import JphError
from protocol.readings import Reading

jph = Channel

__all__ = [
    "AlreadyRunningError",
    "Answer",
    "Channel",
    "ConfigError",
    "JphError",
    "Node",
    "Reading",
    "UnknownNodeError",
    "jph",
    "timeNow",
]

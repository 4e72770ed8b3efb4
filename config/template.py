"""The configuration that `jph init` writes: it works at once on this computer, and explains itself."""

import json
import re
from typing import Final

from protocol.gate import Mode


def template(
    host: str, interface: str | None = None, thermal_zone: str | None = None, mode: Mode = Mode.REQUIRE
) -> str:
    """Return a commented jph.yaml for a network that begins with this computer, with tags as `mode` says.

    `interface` is the network interface to name, None to leave the choice to each computer. `thermal_zone` is the file
    with this computer's temperature in thousandths of °C, None where there is none.
    """
    return (
        _HEAD
        + (_INTERFACE.format(interface=_quoted(interface)) if interface else _NO_INTERFACE)
        + _SECURITY.format(mode=mode)
        + _NODES
        + (_TEMPERATURE.format(host=_quoted(host), path=_quoted(thermal_zone)) if thermal_zone else _NO_TEMPERATURE)
        + _REST.format(host=_quoted(host))
    )


def _quoted(text: str) -> str:
    """Write any text so that YAML reads it as text, without quotes where it needs none."""
    return text if _NEEDS_NO_QUOTES.fullmatch(text) else json.dumps(text, ensure_ascii=False)


_NEEDS_NO_QUOTES: Final = re.compile(r"[A-Za-z/][A-Za-z0-9./_-]*(?<!null)(?<!true)(?<!false)", re.IGNORECASE)

_HEAD: Final = """\
# The configuration of a jph network: who is on it, what reads what, and how often.
# All agents and operators use the same file. Check it after every change:
#
#     jph config check
#
# Durations have units: 200ms, 5s, 10m, 24h.

network:
  # Two multicast groups. Networks with other groups do not hear each other.
  control: 239.192.71.1:7001
  data: 239.192.71.1:7002
"""

_INTERFACE: Final = """\
  # The network interface to use: a name, its address, or its network such as 192.168.1.0/24, which
  # fits all computers of the network. Without it, each takes the interface of its default route.
  interface: {interface}
"""

_NO_INTERFACE: Final = """\
  # The network interface to use: a name, its address, or its network such as 192.168.1.0/24, which
  # fits all computers of the network. Without it, each takes the interface of its default route.
  # interface: 192.168.1.0/24
"""

_SECURITY: Final = """\
  # Routers that a frame may pass; 1 keeps it in this network.
  # ttl: 2

security:
  # require: who says something proves it by a tag, which only who holds a key can make: see `jph keys`.
  # prefer:  what has no tag is believed too, so that a network can change over.
  # off:     no tags, as in the original system: whoever is on the network commands everything.
  mode: {mode}
  # The folder of the keys. Without it ~/.config/jph/keys, else /etc/jph/keys.
  # keys: /etc/jph/keys
  # Nodes of the original system, which make no tags and are believed all the same under `require`.
  # unsigned: [X1]

"""

_NODES: Final = """\
defaults:
  interval: 5s    # a reading every so often
  keepalive: 60s  # a sign of life when there is none
  timeout: 20s    # a sensor is stale after so long without a reading

nodes:
  # Each node has a codifier of two characters, a driver, and a host: `jph-agent` runs the nodes of its host.

  # This codifier is for operators' programs: `jph watch`, `jph console`.
  CC:
    name: operator
    driver: console

"""

_TEMPERATURE: Final = """\
  C1:
    name: CPU temperature
    host: {host}
    driver: pipe
    options: {{path: {path}, scale: 0.001}}
    unit: °C
    alarms: {{warning: "> 70", critical: "> 80", hysteresis: 2, hits: 3}}
    filters: [{{median: 3}}, {{round: 1}}]

"""

_NO_TEMPERATURE: Final = """\
  # No temperature was found on this computer. On a Raspberry Pi it is:
  # C1:
  #   name: CPU temperature
  #   host: raspberrypi
  #   driver: pipe
  #   options: {path: /sys/class/thermal/thermal_zone0/temp, scale: 0.001}
  #   unit: °C
  #   alarms: {warning: "> 70", critical: "> 80", hysteresis: 2, hits: 3}
  #   filters: [{median: 3}, {round: 1}]

"""

_REST: Final = """\
  L1:
    name: load
    description: processes that want to run, mean of one minute
    host: {host}
    driver: pipe
    options: {{path: /proc/loadavg, field: 1}}

  M1:
    name: free memory
    host: {host}
    driver: pipe
    options: {{path: /proc/meminfo, pattern: 'MemAvailable: +(\\d+)', scale: 0.0009765625}}
    unit: MiB
    interval: 10s
    filters: [{{round: 0}}]

  # Keeps the readings of the whole network: `jph history L1`.
  Q1:
    name: history
    host: {host}
    driver: sqlite
    options: {{path: ~/.local/share/jph/history.db}}

  # A value that operators set, and that programs obey: `jph set FT 35`.
  # FT:
  #   name: target temperature
  #   host: {host}
  #   driver: control
  #   options: {{default: 30, min: 10, max: 60}}
  #   unit: °C

  # A node that reads several values publishes each under a codifier of its own, a proxy.
  # V1:
  #   name: voltage
  #   host: {host}
  #   driver: pipe
  #   options: {{command: read-power --once, fields: {{volts: 1, amperes: 2}}}}
  #   unit: V
  #   channel: volts
  #   proxies:
  #     V2: {{name: current, unit: A, channel: amperes}}
"""

"""Writing a configuration as YAML that loads to an equal one: `jph config convert` and `jph config show`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

import msgspec
import yaml

from config.document import meaning
from config.durations import format_duration
from config.filters import ARGUMENTS
from config.model import Configuration, Defaults, FilterStep, Node, Sensor
from config.notations import NOTATIONS, notation_of
from config.options import takes_commands
from protocol.alarms import Alarms


def convert(configuration: Configuration) -> str:
    """Return a configuration as YAML; what is as it would be anyway is not written."""
    defaults = configuration.defaults
    sections = {
        "network": written(configuration.network),
        "security": written(configuration.security),
        "defaults": written(defaults),
        "rings": written(configuration.rings),
        "spool": configuration.spool and written(configuration.spool),
        "nodes": {codifier: _node(node, defaults) for codifier, node in configuration.nodes.items()},
        "logging": configuration.logging,
    }
    texts = [as_yaml({name: section}) for name, section in sections.items() if section]
    return "\n".join(texts) or "nodes: {}\n"


def written(struct: msgspec.Struct) -> dict[str, Any]:
    """Return what the file says for a struct: under the file's keys, with units, without what is the default."""
    return {
        field.encode_name: _value(getattr(struct, field.name), field.type)
        for field in msgspec.structs.fields(struct)
        if field.required or getattr(struct, field.name) != _default(field)
    }


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _value(value: Any, kind: Any) -> Any:
    notation = next(filter(None, map(notation_of, (kind, *get_args(kind)))), None)
    if notation is not None and isinstance(value, _NOTED):
        return notation.write(value)
    if isinstance(value, msgspec.Struct):
        return written(value)
    if isinstance(value, Mapping):
        return {key: _value(item, (*get_args(kind), object, object)[1]) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str):
        return [_value(item, (*get_args(kind), object)[0]) for item in value]
    if isinstance(value, float) and kind is not object:
        return _short(value)
    return msgspec.to_builtins(value)


def _short(number: float) -> float:
    """Write 120.0 as 120, where the type makes it 120.0 again."""
    return int(number) if number.is_integer() and abs(number) < _LARGEST_SHORT else number


_LARGEST_SHORT: Final = 1e15  # above it a number is shorter with its exponent
_NOTED: Final = (int, float, str, *(kind for kind in NOTATIONS if isinstance(kind, type)))


def _node(node: Node, defaults: Defaults) -> dict[str, Any]:
    options = written(node.options) if isinstance(node.options, msgspec.Struct) else _value(node.options, object)
    sensor = _sensor(node.sensor, defaults.timeout_for(node.interval_s))
    proxies = {proxy.codifier: _proxy(proxy, node.sensor.timeout_s) for proxy in node.proxies}
    said = {
        **sensor,
        **_unless("host", node.host, None),
        "driver": node.driver,
        **_unless("options", options or None, None),
        **_unless("interval", format_duration(node.interval_s), format_duration(defaults.interval_s)),
        **_unless("keepalive", format_duration(node.keepalive_s), format_duration(defaults.keepalive_s)),
        **_unless("active", node.active, True),
        **_unless("control", node.control, takes_commands(node.driver)),
        **_unless("proxies", proxies, {}),
    }
    return {key: said[key] for key in _ORDER if key in said}


_ORDER: Final = (
    *("name", "description", "host", "driver", "options", "unit", "channel", "interval", "keepalive", "timeout"),
    *("active", "control", "alarms", "filters", "proxies"),
)


def _proxy(proxy: Sensor, timeout_s: float) -> dict[str, Any]:
    said = _sensor(proxy, timeout_s)
    return {key: value for key, value in said.items() if key != "channel" or value != proxy.codifier}


def _sensor(sensor: Sensor, timeout_s: float) -> dict[str, Any]:
    return {
        **_unless("name", sensor.name, ""),
        **_unless("description", sensor.description, ""),
        **_unless("unit", sensor.unit, ""),
        **_unless("channel", sensor.channel, None),
        **_unless("timeout", format_duration(sensor.timeout_s), format_duration(timeout_s)),
        **_unless("alarms", sensor.alarms and _alarms(sensor.alarms), None),
        **_unless("filters", [_filter(step) for step in sensor.filters], []),
    }


def _unless(key: str, value: Any, default: Any) -> dict[str, Any]:
    return {} if value == default else {key: value}


def _alarms(alarms: Alarms) -> dict[str, Any]:
    return {
        **_unless("warning", alarms.warning and str(alarms.warning), None),
        **_unless("critical", alarms.critical and str(alarms.critical), None),
        **_unless("hysteresis", _short(alarms.hysteresis), 0),
        **_unless("hits", alarms.hits, 1),
    }


def _filter(step: FilterStep) -> dict[str, Any]:
    return {step.kind: _value(step.argument, ARGUMENTS[step.kind])}


class _Dumper(yaml.SafeDumper):
    """Writes short mappings of single values in one line, and quotes what this system reads differently."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- what is equal is written out: that is easier to change
        return True

    def write_text(self, text: str) -> yaml.ScalarNode:
        """Write text in quotes where it would be a number here, and PyYAML does not think so: 1e3.

        What a terminal would obey stands in double quotes, where it can be escaped.
        """
        style = None if isinstance(meaning(text), str) else "'"
        return self.represent_scalar("tag:yaml.org,2002:str", text, style if all(map(_is_harmless, text)) else '"')

    def write_mapping(self, mapping: Mapping[str, Any]) -> yaml.MappingNode:
        """Write a mapping in one line when it has only single values and fits."""
        single = not any(isinstance(value, dict | list) for value in mapping.values())
        in_line = single and sum(len(f"{key}: {value}, ") for key, value in mapping.items()) < _WIDEST_IN_LINE
        return self.represent_mapping("tag:yaml.org,2002:map", mapping, flow_style=in_line)


_Dumper.add_representer(str, _Dumper.write_text)
_Dumper.add_representer(dict, _Dumper.write_mapping)

_WIDEST_IN_LINE: Final = 90
_WIDTH: Final = 120


def as_yaml(section: Mapping[str, Any]) -> str:
    """Write a part of a configuration as YAML that reads as the same, and that any terminal can show."""
    text = yaml.dump(section, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return "".join(one if _is_harmless(one) else f"\\U{ord(one):08x}" for one in text)


def _is_harmless(character: str) -> bool:
    return character.isprintable() or character == "\n"

"""What a roster is told beforehand of the nodes and sensors of a configuration."""

from config.model import Configuration, Node, Sensor
from protocol.profiles import NodeProfile, SensorProfile


def profiles(configuration: Configuration) -> tuple[list[NodeProfile], list[SensorProfile]]:
    """Return what a roster is told of the nodes and sensors of a configuration."""
    return (
        [_node_profile(node) for node in configuration.nodes.values()],
        [_sensor_profile(node, sensor) for node, sensor in configuration.sensors() if node.has_readings],
    )


def _node_profile(node: Node) -> NodeProfile:
    return NodeProfile(node.codifier, node.keepalive_s, operator=node.is_operator)


def _sensor_profile(node: Node, sensor: Sensor) -> SensorProfile:
    return SensorProfile(sensor.codifier, node.codifier, sensor.timeout_s, sensor.alarms)

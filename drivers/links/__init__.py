"""Connections that drivers keep open, and what comes over them: to MQTT brokers and Z-Wave JS servers."""

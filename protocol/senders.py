"""Where a datagram came from."""

from typing import TypeAlias

Sender: TypeAlias = tuple[str, int]
"""The address (IP, port) from which a datagram came: one per running process."""

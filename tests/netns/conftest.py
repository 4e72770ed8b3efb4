"""Tests in this folder have several hosts, and are skipped where there can be none."""

from collections.abc import Iterator

import pytest

from tests.netns.hosts import Lan, missing


@pytest.fixture
def lan() -> Iterator[Lan]:
    """Give a switch to plug hosts into."""
    if reason := missing():
        pytest.skip(reason)
    with Lan() as built:
        yield built

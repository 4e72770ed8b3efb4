"""What most tests of the screen begin with."""

import pytest

from console.screen.model import Model
from tests.console.screen.feeding import Feed, lively, model_of


@pytest.fixture
def feed() -> Feed:
    """Return a network that has lived for a while."""
    return lively(Feed())


@pytest.fixture
def model(feed: Feed) -> Model:
    """Return a model of it."""
    return model_of(feed)

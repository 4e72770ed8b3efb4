"""Who tags with which key, in rows, in the detail and as events: only where it matters, and in the ink of a warning."""

import msgspec
import pytest

from config.model import Security
from console.screen.catalogue import Catalogue
from console.screen.detail import draw_detail
from console.screen.lines import Ink, Line
from console.screen.model import Model
from console.screen.news import OPENING_S
from console.screen.ordering import Key
from console.screen.rows import columns_for, draw_row
from console.screen.symbols import UNICODE
from protocol.events import EventKind
from protocol.frames import Flag
from protocol.gate import Mode
from protocol.members import TOLD_AGAIN_AFTER_S
from tests.console.screen.feeding import Feed, small_network

NODES = ("C1", "C2", "F1", "FK")


def listening(*keys: int, unsigned: tuple[str, ...] = ()) -> tuple[Feed, Model]:
    """Return a network where these keys are valid, and the model of a console that was opened a moment ago."""
    security = Security(mode=Mode.REQUIRE, unsigned=unsigned)
    feed = Feed(msgspec.structs.replace(small_network(), security=security))
    feed.facts = feed.facts._replace(keys=keys)
    model = Model(Catalogue(feed.configuration), feed.now)
    model.apply(feed.batch())
    return feed, model


def say(feed: Feed, model: Model, key_ids: dict[str, int], after_s: float = 0.0) -> list[str]:
    """Let each node say that it is alive, tagged under a key; return what is told of keys after so long."""
    feed.wait(after_s)
    for codifier, key_id in key_ids.items():
        feed.control(Flag.ALIVE, codifier, key_id=key_id)
    model.apply(feed.batch())
    told = [event.detail for event in model.live.events if event.kind is EventKind.KEYS]
    model.live.events.clear()
    return told


def fact(model: Model, codifier: str) -> tuple[str, Ink] | None:
    """Return what the detail says of a node's tags."""
    model.move_to_sensor(codifier)
    lines = draw_detail(model, [], 60, 60, UNICODE)
    return next(((line.spans[-1].text, line.spans[-1].ink) for line in lines if line.text.startswith(" tags")), None)


def row(model: Model, codifier: str, *, is_node: bool = False) -> Line:
    return draw_row(model, Key(codifier, is_node=is_node), columns_for(130), UNICODE)


@pytest.mark.parametrize(
    ("keys", "key_id", "shown"),
    [
        ((1,), 1, ("key 1", Ink.TEXT)),
        ((1,), 0, ("unsigned", Ink.WARNING)),
        ((1, 2), 2, ("key 2", Ink.TEXT)),
        ((1, 2), 1, ("key 1", Ink.WARNING)),
        ((255, 1), 255, ("key 255", Ink.WARNING)),
        ((1,), 7, ("key 7, not known here", Ink.WARNING)),
    ],
)
def test_the_key_of_a_node_stands_in_its_detail_and_in_its_row_when_it_has_to_be_changed(
    keys: tuple[int, ...], key_id: int, shown: tuple[str, Ink]
) -> None:
    feed, model = listening(*keys)
    say(feed, model, {"C1": key_id, "F1": key_id})
    assert fact(model, "C1") == shown
    remarks = [(span.text.strip(), span.ink) for span in row(model, "C1").spans]
    assert (shown in remarks) is (shown[1] is Ink.WARNING)
    assert (shown[0] in row(model, "F1", is_node=True).text) is (shown[1] is Ink.WARNING)


def test_a_node_that_needs_no_tag_is_no_warning() -> None:
    feed, model = listening(1, unsigned=("C1",))
    assert say(feed, model, {"C1": 0}, OPENING_S) == []
    assert fact(model, "C1") == ("unsigned", Ink.TEXT)
    assert "unsigned" not in row(model, "C1").text


def test_where_nobody_looks_at_tags_nothing_is_said_of_keys() -> None:
    feed, model = listening()
    assert say(feed, model, {"C1": 0, "C2": 1}, OPENING_S) == []
    assert fact(model, "C1") is None


def test_while_the_key_is_changed_it_is_told_who_still_uses_the_old_one() -> None:
    feed, model = listening(1, 2)
    assert say(feed, model, dict.fromkeys(NODES, 1)) == []  # not everybody was heard yet
    assert say(feed, model, {}, OPENING_S) == ["4 nodes still tag with key 1: C1, C2, F1, FK"]
    assert say(feed, model, {"C1": 2, "C2": 2, "F1": 2}, 5.0) == []
    expected = ["1 node still tags with key 1: FK"]
    assert say(feed, model, {"C1": 2, "FK": 1}, TOLD_AGAIN_AFTER_S) == expected
    assert say(feed, model, {"C1": 2, "FK": 1}, TOLD_AGAIN_AFTER_S) == []
    expected = ["nobody tags with key 1 any more"]
    assert say(feed, model, {"C1": 2, "FK": 2}, TOLD_AGAIN_AFTER_S) == expected


def test_a_node_that_is_gone_holds_up_no_change() -> None:
    feed, model = listening(1, 2)
    say(feed, model, {"C1": 1})
    [told] = say(feed, model, {"C2": 2}, 600.0)
    assert told == "nobody tags with key 1 any more"


def test_who_is_unsigned_is_told() -> None:
    feed, model = listening(1)
    say(feed, model, {"C1": 0, "C2": 1, "F1": 0})
    assert say(feed, model, {}, OPENING_S) == ["2 nodes unsigned: C1, F1"]

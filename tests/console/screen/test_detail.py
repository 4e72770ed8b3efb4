from hypothesis import given
from hypothesis import strategies as st

from console.screen.detail import MAX_ATTRIBUTES, draw_detail
from console.screen.model import Model
from console.screen.ordering import Key
from console.screen.symbols import ASCII, UNICODE
from console.screen.totals import Ledger
from console.screen.traces import Point
from protocol.accounts import Account
from protocol.frames import Flag
from protocol.readings import Attributes
from protocol.troubles import Trouble
from tests.console.screen.feeding import Feed, model_of


def panel(model: Model, codifier: str, *, is_node: bool = False, width: int = 60, height: int = 40) -> str:
    model.move_to(model.keys.index(Key(codifier, is_node=is_node)))
    points = [Point(model.world.now.wall_ms - 1000 * number, 20.0 + number) for number in range(60, 0, -1)]
    return "\n".join(line.text for line in draw_detail(model, points, width, height, UNICODE))


def fact(text: str, label: str) -> str:
    """Return what stands beside a label, on however many lines."""
    lines = text.splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith(f" {label} "))
    words = [lines[first][len(label) + 1 :].strip()]
    for line in lines[first + 1 :]:
        if not line.startswith("   "):
            break
        words.append(line.strip())
    return " ".join(words)


def test_the_value_stands_first_with_its_name_status_and_age(model: Model) -> None:
    first, second, *_ = panel(model, "C2").splitlines()
    assert first.split() == ["C2", "kitchen", "CPU", "▲", "warning", "for", "0", "s"]
    assert second.split() == ["74.5", "°C", "heard", "just", "now"]


def test_all_that_is_known_of_the_sensor_is_told(model: Model) -> None:
    text = panel(model, "F2")
    assert fact(text, "readings") == "20 heard · 1 missing"
    assert fact(text, "network") == "lost 1 (4.8%)"
    assert fact(text, "stale after") == "20 s · every 5 s"
    assert fact(text, "numbering") == "at 121 · flag i"
    assert fact(text, "measured").endswith("(its clock)")


def test_what_was_lost_and_then_had_is_told_as_repaired(model: Model, feed: Feed) -> None:
    feed.reading("C1", 51.0, lost=2)
    feed.wait(0.1)
    feed.answer("C1", 50.5, 1, 1.0)
    model.apply(feed.batch())
    assert fact(panel(model, "C1"), "readings") == "21 heard · 1 missing · 1 repaired"
    assert fact(panel(model, "C1"), "network") == "lost 2 (8.7%)"


def test_what_a_store_has_of_the_last_day_is_told_with_every_loss(model: Model) -> None:
    account = Account("C1", 0, sent=1_005, heard=990, repaired=10, stored=1_000, not_kept=2)
    model.ledger = Ledger("Q1 (sqlite)", "", {"C1": account})
    assert fact(panel(model, "C1"), "stored") == "1,000 of 1,005 · 2 not kept · 3 missing Q1 (sqlite), last 24 h"
    assert "stored" not in panel(model, "C2")


def test_a_store_that_cannot_be_read_is_told(model: Model) -> None:
    model.ledger = Ledger(trouble="none of 2 stores can be read\x1b[2J")
    assert fact(panel(model, "C1"), "stored") == r"not known: none of 2 stores can be read\x1b[2J"


def test_all_that_is_known_of_its_node_is_told(model: Model) -> None:
    text = panel(model, "F2")
    assert fact(text, "node") == "● F1 alive · dht · kastpi"
    assert fact(text, "address") == "10.0.0.2 port 4201"
    assert fact(text, "round trip").startswith("last 12.5ms · min 12.5ms")
    assert fact(text, "pings") == "1 of 1 answered"
    assert fact(text, "publishes") == "F1 F2"
    assert fact(text, "clock") == "+5.8 ms from ours"


def test_the_alarms_of_the_configuration_are_told(model: Model) -> None:
    assert fact(panel(model, "C1"), "alarms") == "warning > 70 · critical > 80"


def test_the_attributes_of_a_reading_are_told(model: Model, feed: Feed) -> None:
    feed.reading("C1", 1.5, {"raw": [1, 2], "place": "rack\x1b[2J"})
    model.apply(feed.batch())
    text = panel(model, "C1")
    assert fact(text, "raw") == "[1, 2]"
    assert fact(text, "place") == r"rack\x1b[2J"


def test_a_reading_with_very_many_attributes_is_cut(model: Model, feed: Feed) -> None:
    feed.reading("C1", 1, {f"a{number}": 0 for number in range(60)})
    model.apply(feed.batch())
    assert f"and {60 - MAX_ATTRIBUTES} more" in panel(model, "C1")


def test_two_instances_are_both_named(model: Model, feed: Feed) -> None:
    for port in (4101, 4109, 4101):
        feed.control(Flag.ALIVE, "C1", sender=("10.0.0.1", port))
    model.apply(feed.batch())
    assert fact(panel(model, "C1"), "duplicate") == "also at 10.0.0.1 port 4109"


def test_a_node_without_sensors_has_its_facts_too(model: Model) -> None:
    assert fact(panel(model, "CC", is_node=True), "node") == "· CC unheard · console"


def test_the_chart_takes_the_room_that_the_facts_leave(model: Model) -> None:
    tall, low = panel(model, "C1", height=45), panel(model, "C1", height=24)
    assert "-5 min" in tall
    assert "-5 min" in low
    assert len(tall.split("-5 min", maxsplit=1)[0]) > len(low.split("-5 min", maxsplit=1)[0])


def test_a_low_panel_shows_the_chart_and_the_facts_when_it_is_scrolled(model: Model) -> None:
    lines = panel(model, "C1", height=9).splitlines()
    assert "-5 min" in "".join(lines[:9])
    assert any(line.startswith(" readings") for line in lines[9:])


def test_text_has_no_chart(model: Model, feed: Feed) -> None:
    feed.reading("C1", "open")
    model.apply(feed.batch())
    text = panel(model, "C1")
    assert "-5 min" not in text
    assert fact(text, "text") == "open"


def test_before_anything_was_heard_the_panel_says_so() -> None:
    model = model_of(Feed())
    model.set_filter("nobody has this")
    assert "nothing was heard yet" in draw_detail(model, [], 60, 20, UNICODE)[0].text


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=50), st.lists, max_leaves=5)


@given(st.dictionaries(st.text(max_size=20), JSON, max_size=6), st.integers(20, 120), st.integers(1, 60))
def test_whatever_a_reading_carries_the_panel_keeps_its_width(attributes: Attributes, width: int, height: int) -> None:
    feed = Feed()
    feed.reading("C1", 1.5)
    model = model_of(feed)
    model.world.sensors["C1"] = model.world.sensors["C1"]._replace(attributes=attributes)
    for symbols in (UNICODE, ASCII):
        for line in draw_detail(model, [], width, height, symbols):
            assert line.width <= width
            assert line.text.isprintable()


def test_what_is_wrong_with_a_node_is_told_with_its_amount(model: Model, feed: Feed) -> None:
    feed.diagnosis("C1", Trouble.DRIVER_QUARANTINED, 5)
    feed.diagnosis("C1", Trouble.SPOOL_WRITES, 700)
    model.apply(feed.batch())
    assert fact(panel(model, "C1"), "trouble") == "driver quarantined: 5 failures in a row"
    assert fact(panel(model, "C1"), "spool") == "writes 700 KiB a day"

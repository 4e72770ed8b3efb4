import pytest

from console.screen.lines import Ground, Ink
from console.screen.model import Model
from console.screen.symbols import UNICODE
from console.screen.title import draw_banner, draw_title
from protocol.frames import Flag
from protocol.gate import FORGED, NO_KEY
from tests.console.screen.feeding import Feed


def test_the_title_tells_network_interface_codifier_counts_rate_drops_and_time(model: Model) -> None:
    text = draw_title(model, "CC", 160, UNICODE).text
    for words in ("jph", "plant", "lo", "as CC", "● 4 ok", "▲ 1 warning", "0 critical", "/s readings", "0 dropped"):
        assert words in text
    assert text.rstrip()[-8:].count(":") == 2


@pytest.mark.parametrize("width", range(30, 251, 5))
def test_the_title_fills_its_line_and_keeps_what_matters_most(model: Model, width: int) -> None:
    line = draw_title(model, "CC", width, UNICODE)
    assert line.width == width
    assert "jph" in line.text
    assert "▲ 1" in line.text


def test_an_armed_console_is_seen_in_the_title(model: Model) -> None:
    model.armed = True
    line = draw_title(model, "CC", 80, UNICODE)
    assert "CONTROL" in line.text
    assert line.ground is Ground.ARMED


def test_what_the_kernel_dropped_is_told_in_the_ink_of_an_alarm(model: Model, feed: Feed) -> None:
    feed.facts = feed.facts._replace(kernel_dropped=1_234)
    model.apply(feed.batch())
    line = draw_title(model, "CC", 160, UNICODE)
    assert any(span.ink is Ink.CRITICAL and "1,234 dropped" in span.text for span in line.spans)


def test_without_trouble_there_is_no_banner(model: Model) -> None:
    assert draw_banner(model, 80, UNICODE) is None


def test_buses_that_do_not_work_are_told(model: Model, feed: Feed) -> None:
    feed.facts = feed.facts._replace(trouble="eth0 has no address")
    model.apply(feed.batch())
    banner = draw_banner(model, 80, UNICODE)
    assert banner is not None
    assert "eth0 has no address" in banner.text


def test_a_frozen_view_tells_for_how_long_and_how_far_it_is_behind(model: Model, feed: Feed) -> None:
    model.toggle_freeze()
    feed.wait(75.0)
    for _ in range(3):
        feed.reading("C1", 1.0)
    model.apply(feed.batch())
    banner = draw_banner(model, 80, UNICODE)
    assert banner is not None
    assert "FROZEN for 1 min 15 s: the view is 3 readings behind" in banner.text


def test_the_time_goes_on_in_a_frozen_view(model: Model, feed: Feed) -> None:
    before = draw_title(model, "CC", 160, UNICODE).text[-9:]
    model.toggle_freeze()
    feed.wait(75.0)
    model.apply(feed.batch())
    assert draw_title(model, "CC", 160, UNICODE).text[-9:] != before


def test_a_network_with_the_programs_own_name_is_not_named_twice(feed: Feed, model: Model) -> None:
    model.catalogue.network_name = "jph"
    assert draw_title(model, "CC", 160, UNICODE).text.count("jph") == 1


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_every_count_has_its_word(model: Model, feed: Feed, width: int) -> None:
    feed.wait(200.0)
    model.apply(feed.batch())
    title = draw_title(model, "CC", width, UNICODE).text
    assert "5 gone" in title


ATTACKER = ("10.0.0.5", 40123)


@pytest.mark.parametrize("width", [80, 160])
def test_frames_that_are_not_believed_are_counted_apart_from_bad_datagrams(
    model: Model, feed: Feed, width: int
) -> None:
    for _ in range(17):
        feed.refuse(FORGED, Flag.SET, "CK", "FK", ATTACKER)
    feed.refuse(NO_KEY, Flag.SET, "CK", "FK", ATTACKER)
    model.apply(feed.batch())
    line = draw_title(model, "CC", width, UNICODE)
    assert any(span.ink is Ink.CRITICAL and "17 refused" in span.text for span in line.spans)
    assert "bad" not in line.text

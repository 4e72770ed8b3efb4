"""The screen, operated by a pilot: every key and every dialog, and what stands where."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

from console.keys import ACTIONS, Part
from console.lines import Ink
from console.ordering import SORTS
from console.ordering import Key as RowKey
from console.screen import ConsoleApp
from console.symbols import UNICODE
from console.themes import LOOKS
from protocol.commands import Code
from protocol.frames import Flag
from tests.console.feeding import Feed, lively

Size = tuple[int, int]
ROUNDS = 6


class Operator:
    """Somebody before the screen."""

    def __init__(self, feed: Feed, app: ConsoleApp, pilot: Pilot[None]) -> None:
        self.feed = feed
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        for key in keys:
            character = key if len(key) == 1 else None
            self.app.post_message(Key(_character_to_key(key) if character else key, character))
            await self.settle()

    async def type(self, text: str) -> None:
        await self.press(*text)

    async def frame(self) -> None:
        await self.app.frame()
        await self.settle()

    async def settle(self) -> None:
        """Let the screen do what follows from what was done, and paint it.

        Textual's own pilot waits until the processor is idle, which takes long and is not sure. What follows from a
        key takes a few rounds of messages: the key, its action, a layout, what waits for that.
        """
        for _ in range(ROUNDS):
            await self.pilot._wait_for_screen()
            await self.app.animator.wait_until_complete()
            self.app.screen._on_timer_update()

    async def finish(self) -> None:
        """Wait until what was begun is done."""
        await self.app.workers.wait_for_complete()
        await self.settle()

    def lines(self) -> list[str]:
        """Return what stands on the screen, line by line."""
        size = self.app.size
        update = self.app.screen._compositor.render_strips(size)
        return [strip.text for strip in update]

    def text(self) -> str:
        return "\n".join(self.lines())

    def line_with(self, words: str) -> int:
        return next(number for number, line in enumerate(self.lines()) if words in line)

    def segments(self, number: int) -> list[Segment]:
        return list(self.app.screen._compositor.render_strips(self.app.size)[number])


def files_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


@asynccontextmanager
async def console(size: Size = (120, 36), *, armed: bool = False) -> AsyncIterator[Operator]:
    """Show a network that has lived for a while; frames come when the test wants them."""
    feed = lively(Feed())
    app = ConsoleApp(feed.configuration, feed, look=LOOKS["night"], symbols=UNICODE, armed=armed, frames_per_s=0)
    async with app.run_test(size=size, notifications=True) as pilot:
        operator = Operator(feed, app, pilot)
        await operator.frame()
        yield operator


async def test_the_parts_stand_in_their_places() -> None:
    async with console((120, 36)) as operator:
        lines = operator.lines()
        assert lines[0].startswith(" jph  plant  lo  as CC")
        assert lines[1].startswith(" 1 sensors 5")
        assert " 2 detail C1 " in lines[1]
        assert lines[2].split()[:3] == ["STATUS", "ID", "VALUE"]
        assert "● ok       C1" in lines[3]
        assert lines[operator.line_with(" 3 events")].startswith(" 3 events 5")
        assert lines[-1].startswith(" ? help  q quit  / filter")


async def test_an_ordinary_terminal_has_the_table_and_the_events() -> None:
    async with console((80, 24)) as operator:
        assert "detail" not in operator.text()
        assert operator.line_with(" 3 events") == 17
        assert all(len(line) == 80 for line in operator.lines())


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (111, 30), (112, 30), (160, 45), (250, 70)])
async def test_every_size_is_used_to_its_edges(size: Size) -> None:
    async with console(size, armed=True) as operator:
        lines = operator.lines()
        assert len(lines) == size[1]
        assert "jph" in lines[0]
        assert "help" in lines[-1]
        assert any("C1" in line and "50.4" in line for line in lines)


async def test_a_terminal_that_is_too_small_says_what_is_needed() -> None:
    async with console((50, 12)) as operator:
        assert "the console needs 60x15" in operator.text()
        await operator.pilot.resize_terminal(80, 24)
        await operator.settle()
        assert "sensors" in operator.text()


async def test_a_new_value_is_shown_with_the_next_frame() -> None:
    async with console() as operator:
        operator.feed.reading("C1", 61.25)
        assert "61.25" not in operator.text()
        await operator.frame()
        assert "61.25" in operator.lines()[3]


async def test_only_lines_that_changed_are_painted() -> None:
    async with console() as operator:
        painted: list[int] = []
        render_line = operator.app.table.render_line

        def noting(y: int) -> Strip:
            painted.append(y)
            return render_line(y)

        operator.app.table.render_line = noting  # type: ignore[method-assign] # to see what Textual asks for
        operator.feed.reading("C2", 75.5)
        await operator.frame()
        assert set(painted) == {1}


async def test_the_state_of_a_row_is_told_in_its_colour() -> None:
    async with console() as operator:
        segment = next(segment for segment in operator.segments(4) if "warning" in segment.text)
        assert segment.style is not None
        assert segment.style.color == LOOKS["night"].inks[Ink.WARNING].color


async def test_the_cursor_is_moved_by_keys() -> None:
    async with console() as operator:
        model = operator.app.model
        last = len(model.keys) - 1
        for keys, position in (
            (("down",), 1),
            (("j",), 2),
            (("k", "up"), 0),
            (("end",), last),
            (("home",), 0),
            (("pagedown",), last),
            (("pageup",), 0),
            (("G",), last),
        ):
            await operator.press(*keys)
            assert model.position == position, keys


async def test_the_detail_follows_the_cursor() -> None:
    async with console() as operator:
        await operator.press("down")
        await operator.finish()
        assert "2 detail C2" in operator.lines()[1]
        assert "C2  kitchen CPU" in operator.text()
        assert "74.5 °C" in operator.text()


async def test_the_table_scrolls_to_the_cursor() -> None:
    async with console((80, 15)) as operator:
        for number in range(40):
            operator.feed.reading(f"x{chr(48 + number)}", number)
        await operator.frame()
        await operator.press("end")
        assert operator.app.table.scroll_offset.y > 20
        assert operator.app.model.cursor == operator.app.model.keys[-1]
        assert operator.app.model.keys[-1].codifier in operator.text()


async def test_a_click_puts_the_cursor_on_a_row() -> None:
    async with console() as operator:
        await operator.pilot.click("#table", offset=(20, 1))
        assert operator.app.model.cursor == RowKey("C2")


async def test_a_click_on_a_heading_sorts() -> None:
    async with console() as operator:
        x = operator.lines()[2].index("VALUE")
        await operator.pilot.click("#columns", offset=(x, 0))
        assert SORTS[operator.app.model.wish.sort].name == "value"
        assert "VALUE↑" in operator.lines()[2]


async def test_a_click_on_the_key_bar_presses_the_key() -> None:
    async with console() as operator:
        x = operator.lines()[-1].index("freeze")
        await operator.pilot.click("#keys", offset=(x, 0))
        await operator.finish()
        assert operator.app.model.freeze is not None


async def test_rows_are_filtered_while_it_is_typed() -> None:
    async with console() as operator:
        await operator.press("slash")
        await operator.type("room !hum")
        assert [key.codifier for key in operator.app.model.keys if not key.is_node] == ["F1"]
        await operator.press("enter")
        assert operator.app.focused_part is Part.TABLE
        assert "1 sensors 1 of 5  filter room !hum" in operator.lines()[1]


async def test_escape_ends_the_filter() -> None:
    async with console() as operator:
        await operator.press("slash")
        await operator.type("room")
        await operator.press("escape")
        assert len(operator.app.model.keys) == 7
        assert not operator.app.query_one("#filter", Input).display
        await operator.press("slash", "f", "a", "n", "enter", "escape")
        assert operator.app.model.filter_text == ""


async def test_what_is_typed_at_once_after_the_slash_goes_into_the_filter() -> None:
    async with console() as operator:
        for character in "/rad":
            operator.app.post_message(Key(_character_to_key(character), character))
        await operator.settle()
        assert operator.app.model.filter_text == "rad"
        assert not operator.app.model.armed


async def test_letters_typed_into_the_filter_are_no_commands() -> None:
    async with console(armed=True) as operator:
        await operator.press("slash")
        await operator.type("qHaP")
        assert operator.app.is_running
        assert operator.app.model.filter_text == "qHaP"
        assert operator.feed.commands == []


async def test_rows_are_sorted_grouped_and_turned_round() -> None:
    async with console() as operator:
        await operator.press("o", "o", "o")
        assert "by value" in operator.lines()[1]
        await operator.press("O")
        assert operator.app.model.wish.reverse
        await operator.press("g")
        assert not operator.app.model.wish.grouped


async def test_the_next_alarm_is_found() -> None:
    async with console() as operator:
        await operator.press("n")
        assert operator.app.model.cursor == RowKey("C2")
        await operator.press("home", "N")
        assert operator.app.model.cursor == RowKey("C2")


async def test_a_frozen_view_says_so_and_holds_still() -> None:
    async with console() as operator:
        await operator.press("f")
        operator.feed.wait(5.0)
        operator.feed.reading("C1", 99.0)
        await operator.frame()
        assert "FROZEN for 5 s: the view is 1 readings behind" in operator.lines()[1]
        assert "99" not in operator.lines()[4]
        await operator.press("f")
        await operator.frame()
        assert "99" in operator.lines()[3]


async def test_parts_are_shown_and_hidden_by_their_numbers() -> None:
    async with console((80, 40)) as operator:
        await operator.press("2")
        assert "2 detail" in operator.text()
        await operator.press("3")
        assert "3 events" not in operator.text()
        await operator.press("4")
        assert "4 control" in operator.text()
        await operator.press("2", "3", "4")
        assert "2 detail" not in operator.text()
        assert "3 events" in operator.text()


async def test_a_part_can_have_the_whole_screen() -> None:
    async with console() as operator:
        await operator.press("tab", "tab")
        assert operator.app.focused_part is Part.EVENTS
        await operator.press("z")
        assert operator.lines()[1].startswith(" 3 events")
        assert "1 sensors" not in operator.text()
        await operator.press("z")
        assert "1 sensors" in operator.text()
        assert operator.app.focused_part is Part.EVENTS


async def test_enter_opens_the_detail_and_escape_goes_back() -> None:
    async with console((80, 24)) as operator:
        await operator.press("enter")
        await operator.finish()
        assert operator.lines()[1].startswith(" 2 detail C1")
        await operator.press("escape")
        assert operator.lines()[1].startswith(" 1 sensors")
        assert operator.app.focused_part is Part.TABLE


async def test_the_focus_is_seen_in_the_heading() -> None:
    async with console() as operator:
        before = operator.segments(1)[0].style
        await operator.press("tab")
        assert operator.segments(1)[0].style != before


async def test_the_chart_shows_more_or_less_time() -> None:
    async with console() as operator:
        assert "[ 5 min ]" in operator.text()
        await operator.press("right_square_bracket")
        assert "[ 15 min ]" in operator.text()
        await operator.press("left_square_bracket", "left_square_bracket")
        assert "[ 1 min ]" in operator.text()


async def test_events_are_followed_until_somebody_scrolls_back() -> None:
    async with console((80, 24)) as operator:
        for number in range(30):
            operator.feed.control(Flag.NEW, "C1", float(number))
        await operator.frame()
        assert operator.app.events.following
        await operator.press("tab", "home")
        assert operator.app.events.scroll_offset.y == 0
        for _ in range(7):
            operator.feed.control(Flag.NEW, "C2")
        await operator.frame()
        assert "+7 ↓" in operator.lines()[operator.line_with("3 events")]
        await operator.press("end")
        assert operator.app.events.following
        assert "+7" not in operator.text()


async def test_the_event_list_is_bounded_and_stays_where_it_was_scrolled_to() -> None:
    async with console((80, 24)) as operator:
        for _ in range(2_500):
            operator.feed.control(Flag.NEW, "C1")
            if operator.feed.observer.frames % 500 == 0:
                await operator.frame()
        await operator.frame()
        await operator.press("tab", "pageup", "pageup")
        place = operator.app.events.scroll_offset.y
        for _ in range(10):
            operator.feed.control(Flag.NEW, "C2")
        await operator.frame()
        assert operator.app.events.count == 2_000
        assert operator.app.events.scroll_offset.y == place - 10


async def test_the_help_shows_the_keys_of_the_focused_part() -> None:
    async with console((120, 50)) as operator:
        await operator.press("question_mark")
        assert "Keys while the focus is on: sensors" in operator.text()
        assert "Sort by the next column" in operator.text()
        await operator.press("escape")
        assert "Sort by the next column" not in operator.text()


async def test_the_palette_has_the_actions_under_their_names_with_their_keys() -> None:
    async with console() as operator:
        commands = {command.title: command.help for command in operator.app.get_system_commands(operator.app.screen)}
        for action in ACTIONS:
            if action.palette and not action.armed and action.word:
                assert commands[f"{action.word.capitalize()} ({action.shown})"] == action.help
        assert not any(title.startswith("Halt") for title in commands)
        assert "Theme contrast" in commands


async def test_the_palette_carries_out_an_action() -> None:
    async with console() as operator:
        await operator.press("ctrl+p")
        await operator.type("freeze")
        await operator.pilot.pause(0.5)
        await operator.press("enter")
        await operator.finish()
        assert operator.app.model.freeze is not None


async def test_themes_follow_each_other() -> None:
    async with console() as operator:
        for name in ("day", "colour-blind", "contrast", "ansi", "night"):
            await operator.press("t")
            assert operator.app.theme == name
            assert operator.app.painter.look is LOOKS[name]


async def test_a_value_is_copied() -> None:
    async with console() as operator:
        await operator.press("y")
        assert operator.app.clipboard == "50.4 °C"


async def test_the_rows_are_exported_to_the_file_that_is_named(tmp_path: Path) -> None:
    async with console() as operator:
        await operator.press("e")
        operator.app.screen.query_one(Input).value = str(tmp_path / "rows.csv")
        await operator.press("enter")
        assert (tmp_path / "rows.csv").read_text("utf-8").count("\n") == 6
        await operator.press("e")
        operator.app.screen.query_one(Input).value = str(tmp_path / "rows.csv")
        await operator.press("enter")
        assert "choose another name" in operator.text().replace("\n", " ")


async def test_an_export_can_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with console() as operator:
        await operator.press("e", "escape")
        assert len(operator.app.screen_stack) == 1
        assert files_in(tmp_path) == []


async def test_nodes_are_pinged_also_while_the_console_is_read_only() -> None:
    async with console() as operator:
        await operator.press("p", "P")
        await operator.finish()
        assert operator.feed.pings == ["C1", "@@"]


@pytest.mark.parametrize("key", ["S", "H", "C", "A", "E"])
async def test_the_keys_of_commands_do_not_exist_while_the_console_is_read_only(key: str) -> None:
    async with console() as operator:
        await operator.press(key)
        await operator.finish()
        assert len(operator.app.screen_stack) == 1
        assert operator.feed.commands == []


async def test_a_key_arms_the_commands_and_takes_them_away_again() -> None:
    async with console() as operator:
        await operator.press("a")
        assert "CONTROL" in operator.lines()[0]
        assert "H halt" in operator.lines()[-1]
        await operator.press("H")
        assert len(operator.app.screen_stack) == 2
        await operator.press("escape", "a", "H")
        assert len(operator.app.screen_stack) == 1
        assert "CONTROL" not in operator.lines()[0]


@pytest.mark.parametrize(("key", "flag"), [("S", Flag.START), ("H", Flag.HALT), ("C", Flag.RELOAD)])
async def test_a_command_is_sent_once_it_is_confirmed(key: str, flag: Flag) -> None:
    async with console(armed=True) as operator:
        await operator.press(key, "right", "enter")
        await operator.finish()
        assert operator.feed.commands == [(flag, "C1", 0.0)]
        assert "taken, 1.25ms, 1 attempt" in operator.text()


async def test_a_dialog_names_target_and_effect_and_has_the_focus_on_cancel() -> None:
    async with console(armed=True) as operator:
        await operator.press("down", "down", "H")
        text = operator.text()
        assert "Halt F1" in text
        assert "F1 Room temperature (sends F1, F2)" in text
        assert "It sends no more readings until it is started." in text
        assert operator.app.focused is not None
        assert operator.app.focused.id == "cancel"
        await operator.press("enter")
        await operator.finish()
        assert operator.feed.commands == []


@pytest.mark.parametrize(("key", "flag"), [("A", Flag.SET), ("E", Flag.STEP)])
async def test_a_value_is_asked_for_and_sent(key: str, flag: Flag) -> None:
    async with console(armed=True) as operator:
        operator.app.model.cursor = RowKey("FK")
        await operator.press(key)
        await operator.type("-2.5")
        await operator.press("enter")
        await operator.finish()
        assert operator.feed.commands == [(flag, "FK", -2.5)]


async def test_what_is_no_number_is_not_sent() -> None:
    async with console(armed=True) as operator:
        await operator.press("A")
        await operator.type("warm")
        await operator.press("enter")
        assert "A number is needed" in operator.text()
        assert "No control sensor, will refuse: C1" in operator.text()
        await operator.press("escape")
        assert operator.feed.commands == []


async def test_many_targets_are_confirmed_by_typing() -> None:
    async with console(armed=True) as operator:
        await operator.press("space", "space")
        assert "2 marked" in operator.lines()[1]
        await operator.press("H")
        await operator.type("halt 3")
        await operator.press("enter")
        assert "Type exactly: halt 2" in operator.text()
        assert operator.feed.commands == []
        await operator.press("backspace", "2", "enter")
        await operator.finish()
        assert operator.feed.commands == [(Flag.HALT, "C1", 0.0), (Flag.HALT, "C2", 0.0)]
        assert "Halt 2 nodes: 2 of 2 taken" in operator.text()


async def test_a_value_for_many_targets_needs_their_number_too() -> None:
    async with console(armed=True) as operator:
        await operator.press("space", "space", "A")
        await operator.type("80")
        await operator.press("enter")
        assert "After the number type: 2" in operator.text()
        await operator.type(" 2")
        await operator.press("enter")
        await operator.finish()
        assert operator.feed.commands == [(Flag.SET, "C1", 80.0), (Flag.SET, "C2", 80.0)]


async def test_all_rows_are_marked_and_escape_takes_the_marks_away() -> None:
    async with console() as operator:
        await operator.press("asterisk")
        assert "7 marked" in operator.lines()[1]
        await operator.press("escape")
        assert "marked" not in operator.lines()[1]


async def test_a_refusal_is_shown_with_its_reason() -> None:
    async with console(armed=True) as operator:
        operator.feed.code = Code.OUT_OF_RANGE
        operator.app.model.cursor = RowKey("FK")
        await operator.press("A")
        await operator.type("500")
        await operator.press("enter")
        await operator.finish()
        assert "outside the range" in operator.text()


async def test_a_flood_of_codifiers_leaves_the_screen_in_order() -> None:
    async with console((80, 24)) as operator:
        characters = [chr(code) for code in range(0x21, 0x7F)]
        for one in characters:
            for other in characters:
                if one + other != "@@":
                    operator.feed.reading(one + other, 1.0)
        await operator.frame()
        assert len(operator.app.model.keys) < 2_100
        assert "beyond room" in operator.lines()[0] or operator.app.model.live.bus.refused > 0
        assert all(len(line) == 80 for line in operator.lines())


async def test_what_comes_from_the_bus_is_text_and_nothing_else() -> None:
    async with console() as operator:
        operator.feed.reading("C1", "[bold red]\x1b[2J[/]")
        await operator.frame()
        assert r"[bold red]\x1b[2J[/]" in operator.text()
        await operator.press("y")
        assert all(line.isprintable() for line in operator.lines())

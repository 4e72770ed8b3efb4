"""What is not believed is counted and told with its address, once a minute at most, in bounded memory."""

import pytest

from protocol.commands import Code, pack_pair
from protocol.errors import DecodeError
from protocol.events import Event, EventKind
from protocol.frames import ControlFrame, DataFrame, Flag, Frame
from protocol.gate import FORGED, NO_KEY, UNKNOWN_KEY, UNSIGNED
from protocol.instants import Instant
from protocol.members import TOLD_AGAIN_AFTER_S
from protocol.refusals import MAX_CASES, MAX_COMMANDS
from protocol.roster import Roster
from protocol.senders import Sender
from tests.protocol.holders import refusal

ATTACKER: Sender = ("10.0.0.5", 40123)
NODE: Sender = ("10.0.0.2", 4101)
COMMAND = ControlFrame(5, 1_795_000_000_000, Flag.SET, "CK", "FK", 80.0, active=True)
READING = DataFrame(9, 1_795_000_000_000, Flag.FLOAT, "A4", "@@", 21.5)


class Listener:
    """A roster in time that the test drives."""

    def __init__(self) -> None:
        self.roster = Roster()
        self.now = Instant(1_000.0, 1_795_000_000_000.0)

    def refuse(self, kind: str = FORGED, sender: Sender = ATTACKER, frame: Frame = COMMAND) -> bool:
        error, _ = refusal(kind, frame)
        return self.roster.refuse(error, sender)

    def answer(self, code: Code, sequence: int = 5, target: str = "FK", by: str = "CK") -> list[Event]:
        """Hear a target's answer to a command, and return what that made happen at once."""
        number = pack_pair(sequence, code)
        frame = ControlFrame(sequence + 70, int(self.now.wall_ms), Flag.ACKNOWLEDGE, target, by, number, active=True)
        return [event for event in self.roster.hear(frame, NODE, self.now) if event.kind is not EventKind.APPEARED]

    def told(self, after_s: float = 0.25) -> list[str]:
        """Let time pass, and return what is told then."""
        self.now = Instant(self.now.monotonic_s + after_s, self.now.wall_ms + 1000 * after_s)
        events = self.roster.tick(self.now)
        assert {event.kind for event in events} <= {EventKind.REFUSED}
        return [" ".join(filter(None, (event.codifier, event.detail))) for event in events]


def test_a_kind_from_a_sender_is_told_with_address_count_and_what_was_claimed() -> None:
    listener = Listener()
    for _ in range(17):
        listener.refuse()
    assert listener.told() == ["10.0.0.5 port 40123: 17 frames, wrong tag (set CK -> FK)"]
    assert listener.told() == []


def test_what_goes_on_is_told_once_a_minute_with_all_that_there_was() -> None:
    listener = Listener()
    told = []
    for _ in range(4 * 125):
        listener.refuse()
        told += listener.told(0.25)
    assert told == [
        f"10.0.0.5 port 40123: {count}, wrong tag (set CK -> FK)" for count in ("1 frame", "241 frames", "481 frames")
    ]


def test_the_last_ones_of_a_short_attack_are_told_too() -> None:
    listener = Listener()
    listener.refuse()
    listener.told()
    listener.refuse()
    assert listener.told() == []
    assert listener.told(TOLD_AGAIN_AFTER_S) == ["10.0.0.5 port 40123: 2 frames, wrong tag (set CK -> FK)"]
    assert listener.told(TOLD_AGAIN_AFTER_S) == []


def test_kinds_and_senders_are_told_apart() -> None:
    listener = Listener()
    listener.refuse(UNSIGNED, NODE, READING)
    listener.refuse(UNKNOWN_KEY, NODE, READING)
    listener.refuse(UNSIGNED)
    assert listener.told() == [
        "10.0.0.2 port 4101: 1 frame, unsigned (float A4 -> @@)",
        "10.0.0.2 port 4101: 1 frame, unknown key id (float A4 -> @@)",
        "10.0.0.5 port 40123: 1 frame, unsigned (set CK -> FK)",
    ]


def test_what_cannot_be_checked_for_want_of_its_key_is_counted_quietly() -> None:
    listener = Listener()
    for _ in range(3):
        listener.refuse(NO_KEY)
    assert listener.told() == []
    assert (listener.roster.refusals.total, listener.roster.refusals.unverifiable) == (0, 3)


def test_what_is_not_believed_is_no_bad_datagram() -> None:
    listener = Listener()
    listener.refuse()
    listener.roster.refuse(DecodeError("short", "no frame"), ATTACKER)
    assert (listener.roster.refusals.total, listener.roster.bad_datagrams.total) == (1, 1)


def test_the_first_of_a_kind_from_a_sender_is_worth_a_log_line() -> None:
    listener = Listener()
    kinds = (FORGED, UNSIGNED, FORGED, NO_KEY, NO_KEY)
    assert [listener.refuse(kind) for kind in kinds] == [True, True, False, True, False]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (Code.NOT_AUTHORISED, "not authorised"),
        (Code.STALE, "stale or replayed"),
    ],
)
@pytest.mark.parametrize("kind", [FORGED, NO_KEY])
def test_a_command_that_its_target_refused_is_told_with_where_it_came_from(code: Code, reason: str, kind: str) -> None:
    listener = Listener()
    listener.refuse(kind)
    assert listener.answer(code) == []
    assert f"FK {reason}: 1 command of CK from 10.0.0.5 port 40123" in listener.told()


def test_a_command_that_was_believed_here_and_refused_there_is_told_with_its_address_too() -> None:
    listener = Listener()
    listener.roster.hear(COMMAND, ATTACKER, listener.now)
    listener.answer(Code.STALE)
    assert listener.told() == ["FK stale or replayed: 1 command of CK from 10.0.0.5 port 40123"]


def test_a_refused_command_that_was_not_heard_is_told_without_an_address() -> None:
    listener = Listener()
    listener.answer(Code.NOT_AUTHORISED)
    assert listener.told() == ["FK not authorised: 1 command of CK from an address that was not heard"]


def test_many_refused_commands_are_one_event_a_minute() -> None:
    listener = Listener()
    told = []
    for sequence in range(1_000, 1_240):
        listener.refuse(NO_KEY, frame=COMMAND._replace(sequence=sequence))
        listener.answer(Code.NOT_AUTHORISED, sequence)
        told += listener.told(0.25)
    assert told == ["FK not authorised: 1 command of CK from 10.0.0.5 port 40123"]
    assert listener.told(1.0) == ["FK not authorised: 240 commands of CK, the last from 10.0.0.5 port 40123"]


@pytest.mark.parametrize("code", sorted(set(Code) - {Code.NOT_AUTHORISED, Code.STALE}))
def test_other_answers_are_told_at_once(code: Code) -> None:
    listener = Listener()
    [event] = listener.answer(code)
    assert (event.kind, event.codifier, event.by) == (EventKind.ANSWERED, "FK", "CK")
    assert listener.told() == []


def test_whoever_invents_addresses_is_told_in_one_line_and_takes_no_more_memory() -> None:
    listener = Listener()
    for index in range(3 * MAX_CASES):
        listener.refuse(sender=(f"10.1.{index >> 8}.{index & 255}", 7001))
    told = listener.told()
    assert len(told) == MAX_CASES + 1
    assert told[-1] == f"other senders: {2 * MAX_CASES} frames, wrong tag (set CK -> FK)"
    assert listener.roster.refusals.total == 3 * MAX_CASES


def test_a_target_that_refuses_is_told_also_when_addresses_were_invented() -> None:
    listener = Listener()
    for index in range(MAX_CASES):
        listener.refuse(sender=(f"10.1.{index >> 8}.{index & 255}", 7001))
    listener.told()
    listener.answer(Code.NOT_AUTHORISED)
    [told] = listener.told()
    assert told == "FK not authorised: 1 command of CK from 10.1.0.255 port 7001"


def test_so_many_commands_are_remembered_that_their_answers_find_them() -> None:
    listener = Listener()
    for sequence in range(MAX_COMMANDS + 1):
        listener.refuse(frame=COMMAND._replace(sequence=sequence))
    listener.told()
    listener.answer(Code.NOT_AUTHORISED, sequence=1)
    assert listener.told() == ["FK not authorised: 1 command of CK from 10.0.0.5 port 40123"]
    listener.answer(Code.STALE, sequence=0)
    assert listener.told() == ["FK stale or replayed: 1 command of CK from an address that was not heard"]


def test_so_many_targets_and_commanders_are_told_apart_and_the_others_together() -> None:
    listener = Listener()
    for index in range(MAX_CASES + 3):
        listener.answer(Code.STALE, target=f"{chr(65 + index // 50)}{chr(65 + index % 50)}")
    told = listener.told()
    assert len(told) == MAX_CASES + 1
    assert told[-1] == "other senders: 3 frames, stale or replayed"

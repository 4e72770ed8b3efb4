"""How an agent answers requests: with what it sent, at a pace that harms nobody, whoever asks for whatever."""

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.commands import pack_pair, unpack_pair
from protocol.frames import ControlFrame, Flag, decode_control, decode_data, encode
from protocol.instants import Instant
from protocol.responding import (
    MAX_RANGES,
    MAX_RANGES_IN_ALL,
    MAX_REMEMBERED,
    MAX_REQUESTERS,
    PER_TURN,
    REQUESTS_PER_S,
    TURN_S,
    Responder,
)
from protocol.rings import Rings
from protocol.senders import Sender
from protocol.sequences import MODULUS
from tests.protocol.repairing import WALL_MS, reading

Q1: Sender = ("10.0.0.9", 40009)
Q2: Sender = ("10.0.0.10", 40010)
PER_S = PER_TURN / TURN_S


def address(index: int) -> Sender:
    return f"10.1.{index // 250}.{index % 250}", 40000


class Agent:
    """An agent with two sensors, C1 and C2, each of which sent `readings` readings from the number `first` on."""

    def __init__(self, readings: int = 1000, first: int = 0) -> None:
        self.now = Instant(100.0, WALL_MS)
        self.rings = Rings()
        self.responder = Responder(self.rings)
        for codifier in ("C1", "C2"):
            self.rings.open(codifier)
            for sequence in range(first, first + readings):
                self.rings.add(encode(reading(sequence, codifier)), 1.0)

    def is_asked(
        self, first: int, count: int, sender: Sender = Q1, *, codifier: str = "C1", number: float | None = None
    ) -> None:
        """Hear an `R`."""
        wanted = pack_pair(first, count) if number is None else number
        frame = ControlFrame(1234, int(WALL_MS), Flag.REPEAT, "Q1", codifier, wanted, active=True)
        self.responder.request(frame, sender, self.now)

    def turn(self) -> list[tuple[Sender, bytes]]:
        """Let time pass until the next lot of answers, and return it."""
        self.wait(max(0.0, self.responder.due_s - self.now.monotonic_s))
        return [(to, datagram) for to, datagram in self.responder.answers(self.now)]

    def wait(self, seconds: float) -> None:
        self.now = Instant(self.now.monotonic_s + seconds, self.now.wall_ms + seconds * 1000)

    def answers(self) -> list[tuple[Sender, bytes]]:
        """Return all answers, and let the time pass that they take."""
        lots = []
        while self.responder.due_s < float("inf"):
            lots.append(self.turn())
        return list(itertools.chain.from_iterable(lots))


def sequences(answers: list[tuple[Sender, bytes]]) -> list[int]:
    return [decode_data(datagram).sequence for _, datagram in answers]


def refusals(answers: list[tuple[Sender, bytes]]) -> list[tuple[int, int] | None]:
    return [unpack_pair(decode_control(datagram).number) for _, datagram in answers if chr(datagram[16]) == "U"]


@pytest.fixture
def agent() -> Agent:
    return Agent()


# What is answered


def test_nothing_is_due_while_nobody_asks(agent: Agent) -> None:
    assert agent.responder.due_s == float("inf")
    assert agent.responder.answers(agent.now) == []


def test_readings_that_are_kept_are_sent_again_bit_for_bit_to_whoever_asked(agent: Agent) -> None:
    agent.is_asked(7, 2)
    assert agent.answers() == [(Q1, encode(reading(7))), (Q1, encode(reading(8)))]
    assert agent.responder.answered == 2


def test_the_first_answers_go_at_once(agent: Agent) -> None:
    agent.is_asked(7, 2)
    assert agent.responder.due_s <= agent.now.monotonic_s


def test_readings_that_are_not_kept_are_named_in_one(agent: Agent) -> None:
    agent.is_asked(2000, 64)
    (answer,) = agent.answers()
    frame = decode_control(answer[1])
    assert frame[:6] == (1234, int(WALL_MS), Flag.UNAVAILABLE, "C1", "Q1", pack_pair(2000, 64))
    assert (answer[0], agent.responder.unavailable) == (Q1, 64)


def test_what_is_no_longer_kept_and_what_is_are_both_answered() -> None:
    agent = Agent(readings=10, first=1000)
    agent.is_asked(996, 6)
    answers = agent.answers()
    assert refusals(answers) == [(996, 4)]
    assert sequences(answers[1:]) == [1000, 1001]


def test_numbers_that_were_skipped_are_named_from_the_first_one_on() -> None:
    agent = Agent(readings=10)
    agent.rings.skip_to("C1", 100)
    agent.rings.add(encode(reading(100)), 2.0)
    agent.is_asked(50, 51)
    answers = agent.answers()
    assert refusals(answers) == [(10, 90)]
    assert sequences(answers[1:]) == [100]
    assert agent.responder.unavailable == 50


def test_what_is_not_yet_sent_is_not_kept() -> None:
    agent = Agent(readings=10)
    agent.is_asked(8, 4)
    answers = agent.answers()
    assert sequences(answers[:2]) == [8, 9]
    assert refusals(answers) == [(10, 2)]


def test_a_sensor_that_sent_nothing_yet_has_nothing() -> None:
    agent = Agent(readings=0)
    agent.is_asked(8, 4)
    assert refusals(agent.answers()) == [(8, 4)]


def test_ranges_may_reach_over_the_end_of_the_numbers() -> None:
    agent = Agent(readings=10, first=MODULUS - 2)
    agent.is_asked(MODULUS - 4, 5)
    answers = agent.answers()
    assert refusals(answers) == [(MODULUS - 4, 2)]
    assert sequences(answers[1:]) == [MODULUS - 2, MODULUS - 1, 0]


def test_readings_that_are_forgotten_while_others_are_answered_are_named_then() -> None:
    agent = Agent(readings=600)
    agent.is_asked(250, 20)
    agent.turn()
    agent.rings.open("C1").drop_oldest()
    assert refusals(agent.answers()) == []
    agent.is_asked(250, 20)
    assert refusals(agent.answers()) == [(250, 6)]


def test_a_request_to_a_sensor_of_another_agent_is_not_answered(agent: Agent) -> None:
    agent.is_asked(7, 2, codifier="X1")
    agent.is_asked(7, 2, codifier="@@")
    assert agent.answers() == []
    assert agent.responder.requests == 0


def test_a_sensor_that_was_taken_away_is_answered_no_more(agent: Agent) -> None:
    agent.is_asked(7, 2)
    agent.rings.close("C1")
    assert agent.answers() == []
    assert agent.responder.waiting == 0


@pytest.mark.parametrize(
    "number", [0.0, -1.0, 0.5, 2.0**53, 1e300, pack_pair(7, 0), pack_pair(7, 65), pack_pair(2**31, 1)]
)
def test_a_request_that_no_receiver_sends_is_counted_and_not_answered(agent: Agent, number: float) -> None:
    agent.is_asked(0, 0, number=number)
    assert agent.answers() == []
    assert agent.responder.malformed == 1


# Pace


def test_no_more_answers_go_at_once_than_in_one_turn(agent: Agent) -> None:
    agent.is_asked(0, 64)
    assert len(agent.turn()) == PER_TURN
    assert agent.responder.answers(agent.now) == []
    agent.wait(TURN_S * 0.9)
    assert agent.responder.answers(agent.now) == []


def test_all_that_was_asked_for_is_answered_at_500_a_second(agent: Agent) -> None:
    agent.is_asked(0, 64)
    began_s = agent.now.monotonic_s
    assert sequences(agent.answers()) == list(range(64))
    assert PER_S == 500
    assert agent.now.monotonic_s - began_s == pytest.approx(6 * TURN_S)


def test_one_requester_after_the_other_is_served(agent: Agent) -> None:
    agent.is_asked(0, 64, Q1)
    agent.is_asked(100, 64, Q2)
    assert [to for to, _ in agent.turn()] == [Q1, Q2] * (PER_TURN // 2)


def test_whoever_asks_for_little_does_not_wait_for_whoever_asks_for_much(agent: Agent) -> None:
    for first in range(0, 960, 64):
        agent.is_asked(first, 64, Q1)
    agent.is_asked(5, 3, Q2)
    assert [to for to, _ in agent.turn()].count(Q2) == 3


def test_a_requester_is_answered_in_the_order_in_which_it_asked(agent: Agent) -> None:
    agent.is_asked(10, 3, codifier="C2")
    agent.is_asked(0, 3, codifier="C1")
    assert sequences(agent.answers()) == [10, 11, 12, 0, 1, 2]


# Bounds


def test_what_waits_already_is_not_answered_twice(agent: Agent) -> None:
    agent.is_asked(0, 64)
    agent.turn()
    agent.is_asked(20, 44)
    agent.is_asked(63, 1)
    assert sequences(agent.answers()) == list(range(PER_TURN, 64))
    assert agent.responder.repeated == 2


def test_what_was_answered_already_is_answered_again_when_asked_again(agent: Agent) -> None:
    agent.is_asked(0, 5)
    agent.answers()
    agent.is_asked(0, 5)
    assert sequences(agent.answers()) == list(range(5))


def test_the_same_readings_are_answered_to_each_who_asks(agent: Agent) -> None:
    agent.is_asked(0, 2, Q1)
    agent.is_asked(0, 2, Q2)
    assert Counter(to for to, _ in agent.answers()) == {Q1: 2, Q2: 2}


def test_the_same_numbers_of_another_sensor_are_other_readings(agent: Agent) -> None:
    agent.is_asked(0, 2, codifier="C1")
    agent.is_asked(0, 2, codifier="C2")
    assert [decode_data(datagram).source for _, datagram in agent.answers()] == ["C1", "C1", "C2", "C2"]


def test_a_requester_may_wait_for_so_many_ranges_and_no_more() -> None:
    agent = Agent(readings=2)
    for index in range(MAX_RANGES + 50):
        agent.wait(1.0)
        agent.is_asked(10 * index, 1)
    assert agent.responder.waiting == MAX_RANGES
    assert agent.responder.refused == 50


def test_all_together_may_wait_for_so_many_ranges_and_no_more() -> None:
    agent = Agent(readings=2)
    for index in range(3 * MAX_RANGES_IN_ALL):
        agent.wait(0.1)
        agent.is_asked(10 * (index // 16), 1, address(index % 16))
    assert agent.responder.waiting == MAX_RANGES_IN_ALL


def test_so_many_requesters_are_answered_side_by_side_and_no_more(agent: Agent) -> None:
    for index in range(MAX_REQUESTERS + 5):
        agent.is_asked(0, 1, address(index))
    assert agent.responder.refused == 5
    assert len({to for to, _ in agent.answers()}) == MAX_REQUESTERS


def test_a_requester_is_not_listened_to_more_often_than_it_could_be_answered() -> None:
    agent = Agent(readings=2)
    agent.is_asked(0, 64)
    for _ in range(2000):
        agent.is_asked(0, 1)
        agent.wait(1 / 10_000)
    assert agent.responder.requests - agent.responder.refused <= REQUESTS_PER_S * 1.2 + 1


def test_nor_when_it_is_answered_in_between() -> None:
    agent = Agent(readings=2)
    for _ in range(2000):
        agent.is_asked(0, 1)
        agent.wait(1 / 1000)
        agent.responder.answers(agent.now)
    assert agent.responder.requests - agent.responder.refused <= REQUESTS_PER_S * 3


def test_of_no_more_addresses_than_so_many_it_is_remembered_how_often_they_asked(agent: Agent) -> None:
    for index in range(2 * MAX_REMEMBERED):
        agent.is_asked(0, 1, address(index))
        agent.answers()
    assert len(agent.responder._limits) == MAX_REMEMBERED


REQUESTS = st.tuples(
    st.sampled_from(["C1", "C2", "X1", "@@"]),
    st.integers(0, 1200) | st.integers(0, MODULUS - 1),
    st.integers(1, 64) | st.integers(0, 2**20),
    st.integers(0, 40).map(address),
    st.floats(0, 0.05) | st.just(0.0),
)


@settings(max_examples=50)
@given(st.lists(REQUESTS, max_size=200))
def test_no_agent_sends_more_than_its_budget_whatever_it_is_asked(
    requests: list[tuple[str, int, int, Sender, float]],
) -> None:
    agent, sent_s = Agent(readings=300), list[float]()
    for codifier, first, count, sender, pause_s in requests:
        agent.is_asked(first, count, sender, codifier=codifier)
        agent.wait(pause_s)
        sent_s += [agent.now.monotonic_s] * len(agent.responder.answers(agent.now))
    while agent.responder.waiting:
        agent.wait(0.0007)
        sent_s += [agent.now.monotonic_s] * len(agent.responder.answers(agent.now))
    for index, at_s in enumerate(sent_s):
        assert sum(at_s <= other < at_s + TURN_S * 0.999 for other in sent_s[index : index + 20]) <= PER_TURN
    responder = agent.responder
    assert len(sent_s) <= responder.answered + responder.unavailable
    assert agent.responder.due_s == float("inf")

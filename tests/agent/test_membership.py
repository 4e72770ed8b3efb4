"""Whether the buses work and when it is tried again, decided without a socket or a clock."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.membership import FIRST_RETRY_S, LAST_RETRY_S, BusState, Membership

NOW_S = 1_000.0
UP = BusState(up=True)


@pytest.fixture
def joined() -> Membership:
    """Return a membership in which all is well."""
    membership = Membership()
    membership.joined()
    return membership


def delays(membership: Membership, attempts: int) -> list[float]:
    """Let so many attempts to join fail, each as soon as it is due, and return how long each waited for the next."""
    waited, now_s = [], NOW_S
    for _ in range(attempts):
        membership.join_failed(now_s, "no such interface")
        assert membership.retry_at_s is not None
        waited.append(membership.retry_at_s - now_s)
        now_s = membership.retry_at_s
    return waited


def test_at_first_nothing_is_joined() -> None:
    assert Membership().state == BusState(up=False, reason="not joined yet")


def test_once_joined_it_is_up_and_nothing_is_due(joined: Membership) -> None:
    assert (joined.state, joined.retry_at_s) == (UP, None)


def test_the_reason_of_a_failure_is_its_state(joined: Membership) -> None:
    joined.join_failed(NOW_S, "eth0 is down")
    assert joined.state == BusState(up=False, reason="eth0 is down")


def test_attempts_follow_at_twice_the_distance_up_to_half_a_minute() -> None:
    assert delays(Membership(), 9) == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_success_lets_the_next_trouble_be_tried_soon_again() -> None:
    membership = Membership()
    delays(membership, 5)
    membership.joined()
    assert delays(membership, 1) == [FIRST_RETRY_S]


def test_a_failure_to_send_is_trouble_until_a_datagram_goes_out(joined: Membership) -> None:
    joined.send_failed(NOW_S, "no route")
    assert joined.state == BusState(up=False, reason="no route")
    joined.sent()
    assert (joined.state, joined.retry_at_s) == (UP, None)


def test_further_failures_to_send_do_not_put_the_attempt_off(joined: Membership) -> None:
    joined.send_failed(NOW_S, "no route")
    joined.send_failed(NOW_S + 0.4, "no route")
    assert joined.retry_at_s == NOW_S + FIRST_RETRY_S


def test_finding_nothing_changed_does_not_prove_that_sending_works(joined: Membership) -> None:
    joined.send_failed(NOW_S, "no route")
    joined.unchanged(NOW_S + 0.5)
    assert joined.state.reason == "no route"
    assert joined.retry_at_s == NOW_S + 0.5 + 2 * FIRST_RETRY_S


def test_finding_nothing_changed_leaves_what_works_alone(joined: Membership) -> None:
    joined.unchanged(NOW_S)
    assert (joined.state, joined.retry_at_s) == (UP, None)


def test_another_interface_starts_with_a_clean_slate(joined: Membership) -> None:
    joined.send_failed(NOW_S, "no route")
    joined.joined()
    assert (joined.state, joined.retry_at_s) == (UP, None)


def test_what_speaks_against_an_interface_is_told_but_nothing_is_tried(joined: Membership) -> None:
    joined.joined(weakness="eth0 has no carrier")
    assert joined.state == BusState(up=False, reason="eth0 has no carrier")
    assert joined.retry_at_s is None


def test_the_gravest_trouble_is_the_reason(joined: Membership) -> None:
    joined.joined(weakness="eth0 has no carrier")
    joined.send_failed(NOW_S, "no route")
    assert joined.state.reason == "no route"
    joined.join_failed(NOW_S, "no such interface")
    assert joined.state.reason == "no such interface"


def test_a_datagram_that_went_out_does_not_mend_a_failed_join() -> None:
    membership = Membership()
    membership.join_failed(NOW_S, "no such interface")
    membership.sent()
    assert membership.state.reason == "no such interface"
    assert membership.retry_at_s == NOW_S + FIRST_RETRY_S


EVENTS: dict[str, Callable[[Membership, float], None]] = {
    "joined": lambda membership, _: membership.joined(),
    "weak": lambda membership, _: membership.joined("no carrier"),
    "unchanged": lambda membership, now_s: membership.unchanged(now_s),
    "join failed": lambda membership, now_s: membership.join_failed(now_s, "no such interface"),
    "send failed": lambda membership, now_s: membership.send_failed(now_s, "no route"),
    "sent": lambda membership, _: membership.sent(),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.floats(0, 100))))
def test_whatever_happens_trouble_is_always_tried_again_within_half_a_minute(events: list[tuple[str, float]]) -> None:
    membership, now_s = Membership(), NOW_S
    for event, passed_s in events:
        now_s += passed_s
        EVENTS[event](membership, now_s)
        if event in ("join failed", "unchanged") and membership.retry_at_s is not None:
            assert now_s < membership.retry_at_s <= now_s + LAST_RETRY_S
        assert membership.retry_at_s is not None or membership.state.reason in ("", "no carrier", "not joined yet")

"""The computer's clocks."""

import time

from agent.clock import SystemClock


def test_the_monotonic_clock_is_the_one_of_the_event_loop() -> None:
    before_s, now, after_s = time.monotonic(), SystemClock().now(), time.monotonic()
    assert before_s <= now.monotonic_s <= after_s


def test_the_wall_clock_counts_milliseconds_since_1970() -> None:
    before_ms, now, after_ms = time.time_ns() / 1e6, SystemClock().now(), time.time_ns() / 1e6
    assert before_ms <= now.wall_ms <= after_ms


def test_fractions_of_a_millisecond_are_kept() -> None:
    clock = SystemClock()
    assert any(clock.now().wall_ms % 1 for _ in range(20))

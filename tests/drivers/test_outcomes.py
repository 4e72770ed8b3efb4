import pytest

from drivers.driver import DriverError, RetryLaterError
from drivers.outcomes import read_apart, unless_all_failed

COLD = DriverError("too cold", "warm it")
DRY = DriverError("too dry", "warm it")


def failing(error: DriverError) -> float:
    raise error


def test_a_channel_that_fails_has_its_error_beside_the_others() -> None:
    assert read_apart({"a": lambda: 1.0, "b": lambda: failing(COLD)}) == {"a": 1.0, "b": COLD}


def test_when_all_fail_each_error_and_each_advice_is_said_once() -> None:
    with pytest.raises(DriverError) as failure:
        read_apart({"a": lambda: failing(COLD), "b": lambda: failing(DRY), "c": lambda: failing(COLD)})
    assert (failure.value.message, failure.value.hint) == ("too cold; too dry", "warm it")


def test_an_error_that_all_have_is_raised_as_it_is() -> None:
    busy = RetryLaterError("busy", retry_after_s=30)
    with pytest.raises(RetryLaterError) as failure:
        unless_all_failed({"a": busy, "b": busy})
    assert failure.value is busy


def test_nothing_was_found_when_nothing_was_looked_for() -> None:
    assert unless_all_failed({}) == {}

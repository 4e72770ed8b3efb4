import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from storage import passwords
from storage.passwords import hash_password, verify_password

anything = st.text(st.characters(exclude_categories=()), max_size=40)
a_password = anything.filter(lambda text: "\0" not in text)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a hash cost next to nothing."""
    monkeypatch.setattr(passwords, "LOG2_BLOCKS", 2)
    monkeypatch.setattr(passwords, "PASSES", 1)


def test_a_password_is_known_by_its_hash() -> None:
    hashed = hash_password("correct horse battery staple")
    assert verify_password("correct horse battery staple", hashed)
    assert not verify_password("correct horse battery stable", hashed)


def test_a_hash_fits_into_the_column_and_says_what_it_cost() -> None:
    hashed = hash_password("x" * 1000)
    assert hashed.startswith("$scrypt$ln=15,r=8,p=3$")
    assert len(hashed) <= 120


@pytest.mark.usefixtures("cheap")
def test_one_password_has_another_hash_each_time() -> None:
    assert len({hash_password("the same") for _ in range(10)}) == 10


@pytest.mark.usefixtures("cheap")
def test_a_hash_of_another_cost_is_still_known(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = hash_password("of last year")
    monkeypatch.setattr(passwords, "LOG2_BLOCKS", 4)
    assert verify_password("of last year", hashed)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "$2b$12$KIXQJ5gq5d7nQ0OXo0rZ7u0y1n7c7t0e1m2p3q4r5s6t7u8v9w0x1",  # bcrypt, as the original kept them
        "$scrypt$ln=15,r=8,p=3$salt",
        "$scrypt$ln=15,r=8$c2FsdA$aGFzaA",
        "$scrypt$ln=-1,r=8,p=3$c2FsdA$aGFzaA",
        "$scrypt$ln=64,r=8,p=3$c2FsdA$aGFzaA",
        "$scrypt$ln=20,r=8,p=3$c2FsdA$aGFzaA",
        "$scrypt$ln=2,r=0,p=0$c2FsdA$aGFzaA",
        "$scrypt$ln=2,r=8,p=1$c2FsdA$ü",
        "$scrypt$ln=2,r=8,p=1$c2FsdA$!!!!",
        "plain",
    ],
)
def test_a_hash_of_another_kind_is_that_of_no_password(stored: str) -> None:
    assert not verify_password("", stored)
    assert not verify_password("plain", stored)


@settings(deadline=None)
@given(stored=anything, password=anything)
def test_whatever_stands_in_the_database_is_no_error(stored: str, password: str) -> None:
    assert not verify_password(password, f"$scrypt$ln=2,r=1,p=1${stored}")


@pytest.mark.usefixtures("cheap")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=a_password, other=anything)
@example("", "\0")
@example("hunter22", "hunter22\0")
def test_any_text_without_nul_can_be_a_password(password: str, other: str) -> None:
    hashed = hash_password(password)
    assert verify_password(password, hashed)
    assert verify_password(other, hashed) == (other == password)


@pytest.mark.parametrize("password", ["\0", "hunter22\0", "\0hunter22"])
def test_a_text_with_nul_can_be_none(password: str) -> None:
    with pytest.raises(ValueError, match="cannot have the character NUL"):
        hash_password(password)

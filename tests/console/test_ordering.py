import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.catalogue import Catalogue
from console.ordering import SORTS, Arrangement, Key, Term, arrange, matches, natural, parse_filter
from console.world import World
from protocol.frames import Flag
from tests.console.feeding import Feed, lively

SORT_BY = {sort.name: index for index, sort in enumerate(SORTS)}


@pytest.fixture(scope="module")
def world() -> World:
    """Return a lively network with a codifier that no configuration names."""
    feed = lively(Feed())
    feed.reading("X9", "text")
    world = World(feed.now)
    world.apply(feed.batch())
    return world


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """Return the configuration's entries."""
    return Catalogue(Feed().configuration)


def shown(world: World, catalogue: Catalogue, **wish: object) -> list[str]:
    """Return the codifiers of the sensors that are shown."""
    keys = arrange(world, catalogue, Arrangement(**wish))  # type: ignore[arg-type] # what the test asks for
    return [key.codifier for key in keys if not key.is_node]


def test_sensors_stand_in_the_order_of_the_configuration_the_unknown_ones_last(
    world: World, catalogue: Catalogue
) -> None:
    assert shown(world, catalogue) == ["C1", "C2", "F1", "F2", "FK", "X9"]


def test_a_node_with_several_sensors_has_a_heading_and_one_with_one_needs_none(
    world: World, catalogue: Catalogue
) -> None:
    keys = arrange(world, catalogue, Arrangement())
    assert keys[:5] == [Key("C1"), Key("C2"), Key("F1", is_node=True), Key("F1"), Key("F2")]


def test_nodes_without_sensors_stand_at_the_end(world: World, catalogue: Catalogue) -> None:
    assert arrange(world, catalogue, Arrangement())[-1] == Key("CC", is_node=True)


def test_without_groups_there_are_no_headings(world: World, catalogue: Catalogue) -> None:
    keys = arrange(world, catalogue, Arrangement(grouped=False))
    assert [key for key in keys if key.is_node] == [Key("CC", is_node=True)]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("status", ["C2", "C1", "F1", "F2", "FK", "X9"]),
        ("codifier", ["C1", "C2", "F1", "F2", "FK", "X9"]),
        ("value", ["F1", "FK", "F2", "C1", "C2", "X9"]),
        ("loss", ["F2", "C1", "C2", "F1", "FK", "X9"]),
        ("round trip", ["C1", "FK", "F1", "F2", "C2", "X9"]),
        ("name", ["FK", "C1", "C2", "F2", "F1", "X9"]),
    ],
)
def test_rows_are_sorted_by_a_column(world: World, catalogue: Catalogue, column: str, expected: list[str]) -> None:
    assert shown(world, catalogue, sort=SORT_BY[column], grouped=False) == expected


def test_what_has_no_value_stands_last_either_way(world: World, catalogue: Catalogue) -> None:
    for reverse in (False, True):
        assert shown(world, catalogue, sort=SORT_BY["value"], grouped=False, reverse=reverse)[-1] == "X9"


def test_the_order_can_be_turned_round(world: World, catalogue: Catalogue) -> None:
    found = shown(world, catalogue, sort=SORT_BY["value"], grouped=False, reverse=True)
    assert found == ["C2", "C1", "F2", "FK", "F1", "X9"]


def test_a_sorted_group_stays_together_where_its_first_sensor_belongs(world: World, catalogue: Catalogue) -> None:
    keys = arrange(world, catalogue, Arrangement(sort=SORT_BY["value"]))
    assert keys[:4] == [Key("F1", is_node=True), Key("F1"), Key("F2"), Key("FK")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c1", ["C1"]),
        ("ROOM", ["F1", "F2"]),
        ("room !humid", ["F1"]),
        ("warning", ["C2"]),
        ("°c !f1", ["C1", "C2"]),
        ("kastpi", ["C1", "F1", "F2"]),
        ("!ok", ["C2"]),
        ("control", ["FK"]),
        ("nobody has this", []),
        ("", ["C1", "C2", "F1", "F2", "FK", "X9"]),
        (" ! !! ", ["C1", "C2", "F1", "F2", "FK", "X9"]),
    ],
)
def test_a_filter_looks_at_all_that_a_row_says(
    world: World, catalogue: Catalogue, text: str, expected: list[str]
) -> None:
    assert shown(world, catalogue, terms=parse_filter(text)) == expected


def test_a_filter_reads_words_and_their_opposites() -> None:
    assert parse_filter("Fan !stale") == (Term("fan"), Term("stale", inverse=True))


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_word_or_its_opposite_matches_but_never_both(word: str, haystack: str) -> None:
    term = Term(word)
    assert matches([term], haystack) is not matches([Term(word, inverse=True)], haystack)


def test_numbers_in_names_count_as_numbers() -> None:
    assert sorted(["A10", "a9", "B1", "A1"], key=natural) == ["A1", "a9", "A10", "B1"]


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_codifiers_can_be_sorted(texts: list[str]) -> None:
    assert len(sorted(texts, key=natural)) == len(texts)


CODIFIERS = st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=2, max_size=2), max_size=20)
WISHES = st.builds(Arrangement, sort=st.integers(0, len(SORTS) - 1), reverse=st.booleans(), grouped=st.booleans())


@given(CODIFIERS, WISHES)
def test_every_sensor_is_shown_exactly_once_in_any_order(codifiers: list[str], wish: Arrangement) -> None:
    feed = Feed()
    for codifier in codifiers:
        feed.reading(codifier, 1.0)
    feed.control(Flag.NEW, "Z1")
    world = World(feed.now)
    world.apply(feed.batch())
    keys = arrange(world, Catalogue(feed.configuration), wish)
    assert sorted(key.codifier for key in keys if not key.is_node) == sorted(world.sensors)
    assert len(set(keys)) == len(keys)

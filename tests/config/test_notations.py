import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.durations import NotReadableError
from config.model import Group
from config.notations import NOTATIONS, parse_condition, parse_group, parse_line
from protocol.alarms import COMPARISONS, Condition


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("239.192.71.1:7001", Group("239.192.71.1", 7001)),
        ("226.0.0.221:1", Group("226.0.0.221", 1)),
        ("224.0.1.0:65535", Group("224.0.1.0", 65535)),
        ("[ff15::7]:7001", Group("ff15::7", 7001)),
        ("[FF15:0:0::7]:7001", Group("ff15::7", 7001)),
        (" 239.192.71.1:7001 ", Group("239.192.71.1", 7001)),
    ],
)
def test_a_group_is_an_address_and_a_port(text: str, group: Group) -> None:
    assert parse_group(text) == group


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no group and port"),
        ("7001", "no group and port"),
        (":7001", "no group and port"),
        ("239.192.71.1", "no group and port"),
        ("ff15::7:7001", "no group and port"),
        ("localhost:7001", "no group and port"),
        ("239.192.71:7001", "no address"),
        ("239.192.71.256:7001", "no address"),
        ("example.org:7001", "no address"),
        ("239.192.71.1\x00:7001", "no address"),
        ("192.168.0.1:7001", "no multicast address"),
        ("240.0.0.1:7001", "no multicast address"),
        ("224.0.0.0:7001", "belongs to the routers"),
        ("224.0.0.251:5353", "belongs to the routers"),
        ("[fe80::1]:7001", "no multicast address"),
        ("[ff15::7::1]:7001", "no IPv6 address"),
        ("[ff02::7%eth0]:7001", "no IPv6 address"),
        ("239.192.71.1:0", "no UDP port"),
        ("239.192.71.1:65536", "no UDP port"),
        ("239.192.71.1:-1", "no UDP port"),
        ("239.192.71.1:http", "no UDP port"),
        ("239.192.71.1:", "no UDP port"),
        ("239.192.71.1:\u0667", "no UDP port"),
        ("239.192.71.1:" + "9" * 5000, "no UDP port"),
    ],
)
def test_what_is_no_multicast_group_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(NotReadableError, match=reason) as refused:
        parse_group(text)
    assert refused.value.advice


def test_an_ipv6_group_with_a_zone_is_told_where_the_interface_belongs() -> None:
    with pytest.raises(NotReadableError) as refused:
        parse_group("[ff02::7%eth0]:7001")
    assert "network.interface" in refused.value.advice


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("> 70", Condition(">", 70)),
        (">70", Condition(">", 70)),
        (">= -1.5", Condition(">=", -1.5)),
        ("<= 5", Condition("<=", 5)),
        ("< 1e3", Condition("<", 1000)),
        (" == 85 ", Condition("==", 85)),
        ("!= 0", Condition("!=", 0)),
    ],
)
def test_a_condition_is_a_comparison_and_a_number(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition


@pytest.mark.parametrize("text", ["", ">", "70", "= 70", "=> 70", "> hot", "> nan", "> inf", ">> 7", "70 >", "> 1 2"])
def test_what_is_no_condition_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(NotReadableError, match="no condition") as refused:
        parse_condition(text)
    assert '"> 70"' in refused.value.advice


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31mred", "bell\x07", "\x9b31m", "line\u2028", "\ud800"])
def test_text_that_a_terminal_would_obey_is_refused(text: str) -> None:
    with pytest.raises(NotReadableError, match="control character"):
        parse_line(text)


@pytest.mark.parametrize("text", ["kastpi CPU", "°C", "流量", "l/min", "🌡", "20\N{NO-BREAK SPACE}%"])
def test_text_of_any_language_is_text(text: str) -> None:
    assert parse_line(text) == text


def test_text_loses_the_spaces_around_it() -> None:
    assert parse_line(" Dew Temp ") == "Dew Temp"


@given(st.builds(Condition, st.sampled_from(COMPARISONS), st.floats(allow_nan=False, allow_infinity=False)))
def test_every_condition_that_is_written_is_read_as_the_same(condition: Condition) -> None:
    notation = NOTATIONS[Condition]
    assert notation.read(notation.write(condition)) == condition


@given(st.ip_addresses(network="225.0.0.0/8") | st.ip_addresses(network="ff15::/16"), st.integers(1, 65535))
def test_every_group_that_is_written_is_read_as_the_same(address: object, port: int) -> None:
    notation = NOTATIONS[Group]
    group = notation.read(notation.write(Group(str(address), port)))
    assert notation.read(notation.write(group)) == group

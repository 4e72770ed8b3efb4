"""The section `security`: tags are off unless somebody wants them, and what is wrong in it is never passed over."""

import pytest

from config.loading import loads
from config.model import ConfigError, Security
from protocol.gate import Mode

NODES = "\nnodes: {C1: {driver: console, proxies: {C2: {}}}}"


def loaded(section: str) -> Security:
    return loads((section + NODES).encode(), "f").security


@pytest.mark.parametrize(
    "section", ["", "security:", "security: {}", "security: {mode: off}", "security: {mode: 'off'}"]
)
def test_without_a_word_tags_are_off(section: str) -> None:
    assert loaded(section) == Security(mode=Mode.OFF)


@pytest.mark.parametrize("mode", [Mode.REQUIRE, Mode.PREFER])
def test_a_mode_is_a_word(mode: Mode) -> None:
    assert loaded(f"security: {{mode: {mode}}}").mode is mode


def test_original_nodes_are_named() -> None:
    found = loaded("security: {mode: require, keys: /etc/jph/keys, unsigned: [C1, C2]}")
    assert found == Security(mode=Mode.REQUIRE, keys="/etc/jph/keys", unsigned=("C1", "C2"))


@pytest.mark.parametrize(
    ("section", "what"),
    [
        ("security: {mode: requir}", r"security.mode: 'requir' is none of the choices; did you mean 'require'\?"),
        ("security: {mode: require, unsigned: [ZZ]}", "security.unsigned: there is no sensor 'ZZ'; name codifiers of"),
        ("security: {mode: require, unsigned: C1}", "security.unsigned: a list is expected here"),
        ("security: {mode: prefer, unsigned: [C1]}", "`unsigned` has no effect while the mode is prefer"),
        ("security: {keys: keys}", "begin it with / or ~/"),
        ("security: {key: /etc/jph/keys}", "unknown option 'key'; did you mean 'keys'"),
        ("security: require", "a mapping is expected here"),
    ],
)
def test_what_is_wrong_is_said(section: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        loaded(section)

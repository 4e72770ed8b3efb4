"""Key files: what is granted and what is not, and that nothing of a key is ever said."""

import json
from base64 import b64encode

import msgspec
import pytest

from config import keyfile
from config.keyfile import Grant, KeyFileError, NetworkFile, NetworkKey, Role, granted, keyring, parse, serialise
from protocol.frames import Flag
from protocol.keyring import Keyring

SECRET = bytes(range(32))
NETWORK = NetworkFile(
    signs_with=1, signs_since_ms=1, keys=(NetworkKey(id=1, secret=SECRET, made_ms=1_795_000_000_000),)
)
BOTH = NetworkFile(
    signs_with=2,
    signs_since_ms=1,
    keys=(*NETWORK.keys, NetworkKey(id=2, secret=SECRET[::-1], made_ms=1_795_000_000_001)),
)

NODE = Grant(role=Role.NODE, says=("F1", "F2"))
CALCULATING = Grant(role=Role.NODE, says=("B1",), reads=("A4",), targets=("FK",))
SINK = Grant(role=Role.NODE, says=("Q1",), reads_all=True)
OPERATOR = Grant(role=Role.OPERATOR, says=("CK",), reads_all=True, targets=("FK", "FG"))
READER = Grant(role=Role.READER, says=("ZR",), reads_all=True)


def of(codifier: str, grant: Grant) -> Keyring:
    return keyring([parse(serialise(granted(NETWORK, codifier, grant)), "file")])


def may(ring: Keyring, flag: Flag, source: str, destination: str = "@@") -> bool:
    return ring.seal(1, flag, source, destination) is not None


@pytest.mark.parametrize("file", [NETWORK, BOTH, granted(BOTH, "F1", NODE), granted(NETWORK, "CK", OPERATOR)])
def test_a_file_is_one_line_and_read_as_it_was_written(file: keyfile.KeyFile) -> None:
    text = serialise(file)
    assert text.count(b"\n") == 1
    assert parse(text, "file") == file


@pytest.mark.parametrize(
    ("codifier", "grant", "allowed", "forbidden"),
    [
        ("F1", NODE, [("f", "F1", "@@"), ("f", "F2", "@@"), ("S", "CK", "F1"), ("P", "CK", "@@")], [("f", "A4", "@@")]),
        ("F1", NODE, [("T", "F1", "CK"), ("K", "F1", "CK")], [("A", "F1", "FK"), ("S", "CK", "F2")]),
        ("B1", CALCULATING, [("f", "A4", "@@"), ("A", "B1", "FK")], [("f", "A5", "@@"), ("A", "CK", "FK")]),
        ("Q1", SINK, [("f", "A4", "@@"), ("R", "Q1", "A4"), ("S", "CK", "Q1")], [("A", "Q1", "FK")]),
        ("CK", OPERATOR, [("f", "A4", "@@"), ("A", "CK", "FK")], [("A", "CK", "C1"), ("A", "CJ", "FK")]),
        ("ZR", READER, [("f", "A4", "@@"), ("P", "ZR", "C1")], [("A", "ZR", "FK"), ("S", "CK", "ZR")]),
    ],
)
def test_what_is_granted_is_all_that_can_be_tagged(
    codifier: str, grant: Grant, allowed: list[tuple[str, str, str]], forbidden: list[tuple[str, str, str]]
) -> None:
    ring = of(codifier, grant)
    assert [one for one in allowed if not may(ring, Flag(one[0]), *one[1:])] == []
    assert [one for one in forbidden if may(ring, Flag(one[0]), *one[1:])] == []


def test_no_granted_file_has_the_networks_key() -> None:
    for grant in (NODE, CALCULATING, SINK, OPERATOR, READER):
        assert b64encode(SECRET) not in serialise(granted(NETWORK, "F1", grant))


def test_several_files_are_one_ring() -> None:
    ring = keyring([granted(NETWORK, "F1", NODE), granted(NETWORK, "B1", CALCULATING)])
    assert may(ring, Flag.FLOAT, "F2")
    assert may(ring, Flag.SET, "B1", "FK")


def test_while_keys_are_changed_a_file_has_both_and_says_which_signs() -> None:
    ring = keyring([granted(BOTH, "F1", NODE)])
    assert (sorted(ring.key_ids), ring.signs_with) == ([1, 2], 2)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"jph": "shopping list"}, "is no key file"),
        ({"jph": "granted keys"}, "is no key file"),
        ({"keys": []}, "has no key 1"),
        ({"signs_with": 0}, "is no key file"),
        ({"signs_with": 3}, "has no key 3"),
        ({"keys": [{"id": 1, "secret": "c2hvcnQ=", "made_ms": 1}]}, "is no key file"),
        ({"password": "hunter2"}, "is no key file"),
        ({"grants": {"\u03be1": {"role": "node"}}}, "is no key file"),
        ({"grants": {"F1": {"role": "node", "says": ["F1", "A\n"]}}}, "is no key file"),
        ({"grants": {"F1": {"role": "hunter2"}}}, "is no key file"),
    ],
)
def test_what_is_no_key_file_is_said_without_what_is_in_it(change: dict[str, object], what: str) -> None:
    document = json.loads(serialise(NETWORK)) | change
    with pytest.raises(KeyFileError, match=f"^here {what}") as refused:
        parse(json.dumps(document).encode(), "here")
    assert not any(secret in str(refused.value) for secret in ("hunter2", "c2hvcnQ", b64encode(SECRET).decode()))


@pytest.mark.parametrize(
    ("genuine", "damaged"),
    [
        (b'","signs_with":1,"signs_since_ms":1,"keys":[{"id":1,"secret":"', b""),
        (b'"secret":', b""),
        (b'"made_ms"', b"\x22%b\x22" % b64encode(SECRET)),
    ],
)
def test_a_key_in_the_wrong_place_is_not_said_either(genuine: bytes, damaged: bytes) -> None:
    with pytest.raises(KeyFileError, match=r"^here is no key file") as refused:
        parse(serialise(NETWORK).replace(genuine, damaged), "here")
    assert b64encode(SECRET).decode()[:8] not in str(refused.value)


def test_what_is_not_in_utf_8_is_said_so() -> None:
    with pytest.raises(KeyFileError, match="here is no key file: it is not in UTF-8"):
        parse(serialise(NETWORK).replace(b"network", b"n\xffetwork"), "here")


@pytest.mark.parametrize("text", [b"", b"\xff", b"[]", b"null", b'{"jph": "network key"'])
def test_any_other_bytes_are_no_key_file(text: bytes) -> None:
    with pytest.raises(KeyFileError, match="here is no key file"):
        parse(text, "here")


def test_a_key_is_32_bytes() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": 1, "secret": b64encode(bytes(31)).decode(), "made_ms": 1}, NetworkKey)

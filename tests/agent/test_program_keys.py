"""The gate of a program follows its key files, and says who could command what."""

from pathlib import Path

import pytest

from agent.participant import Participant
from agent.security import commanders, open_gate
from config import rotation
from config.keyfile import Grant, NetworkFile, Role, granted
from config.keystore import KeyStore, NoKeysError
from config.model import Configuration, Network, Security
from protocol.gate import Mode
from tests.support.driven_time import DrivenLoop

NETWORK = rotation.begin_network(bytes(range(32)), 1)
CHANGING = rotation.begin_change(NETWORK, bytes(range(1, 33)), 2)
USING = rotation.use_new(CHANGING, 3)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyStore:
    monkeypatch.setenv("JPH_KEYS", str(tmp_path))
    return KeyStore(tmp_path)


def install(store: KeyStore, codifier: str, *targets: str, network: NetworkFile = NETWORK) -> None:
    grant = Grant(role=Role.OPERATOR, reads_all=True, targets=targets)
    store.write(codifier, granted(network, codifier, grant))


def test_without_a_file_a_network_that_requires_tags_is_not_joined(store: KeyStore) -> None:
    with pytest.raises(NoKeysError, match="jph keys grant CK "):
        open_gate(Security(mode=Mode.REQUIRE), ["CK"])


def test_without_a_file_a_network_that_prefers_tags_is_joined_without(
    store: KeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    gate = open_gate(Security(mode=Mode.PREFER), ["CK"])
    assert not gate.may_command("FK", "CK")
    assert "what is said here has no tags" in caplog.text


def test_who_may_command_a_target_from_here_is_known_from_the_files(store: KeyStore) -> None:
    install(store, "CK", "FK", "FG")
    install(store, "CL", "FG")
    (store.directory / "XX.key").write_bytes(b"damaged")
    security = Security(mode=Mode.REQUIRE)
    assert [commanders(security, target) for target in ("FK", "FG", "FZ")] == [["CK"], ["CK", "CL"], []]


async def test_a_program_that_runs_takes_new_keys_and_keeps_the_old_when_there_are_none(
    store: KeyStore, network: Network, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    install(store, "CK", "FK")
    configuration = Configuration(network=network, security=Security(mode=Mode.REQUIRE))
    async with Participant(configuration, "CK", driven_time.clock) as operator:
        seen = [operator.key_ids]
        for network_file in (CHANGING, None, rotation.forget_old(USING, 4, at_once=True)):
            store.path("CK").unlink(missing_ok=True)
            if network_file is not None:
                install(store, "CK", "FK", network=network_file)
            operator.read_keys_again()
            seen.append(operator.key_ids)
    assert seen == [(1,), (1, 2), (1, 2), (2,)]
    assert "the keys of before are used" in caplog.text


async def test_a_program_of_a_network_without_tags_has_no_keys(network: Network, driven_time: DrivenLoop) -> None:
    async with Participant(Configuration(network=network), "CK", driven_time.clock) as operator:
        operator.read_keys_again()
        assert operator.key_ids == ()

"""Output that cannot be written, streams that are closed, networks that cannot be used, and what is logged."""

import socket
import subprocess

import pytest

from tests.console.calling import Shell, Site, command, errors


def through_shell(shell: Shell, redirection: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Call `jph` with a redirection of a shell."""
    line = f'exec "$@" {redirection}'
    called = ["sh", "-c", line, "sh", *command(*arguments)]
    return subprocess.run(
        called, cwd=shell.home, env=shell.environment, capture_output=True, encoding="utf-8", check=False
    )


def test_a_full_disk_is_told(shell: Shell, site: Site) -> None:
    ended = through_shell(shell, "> /dev/full", "get", "C1", "--json", "-q", site.config)
    assert ended.returncode == 1
    assert ended.stderr == "jph: the output cannot be written: No space left on device\njph: write it elsewhere\n"


def test_a_full_disk_ends_watch(shell: Shell, site: Site) -> None:
    ended = through_shell(shell, "> /dev/full", "watch", "-q", site.config)
    assert ended.returncode == 1
    assert "No space left on device" in ended.stderr


def test_a_reader_that_ended_is_no_reason_to_complain(shell: Shell, site: Site) -> None:
    ended = through_shell(shell, "| true", "config", "show", site.config)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing_but_what_is_seen(shell: Shell, site: Site, redirection: str) -> None:
    ended = through_shell(shell, redirection, "get", "C1", site.config)
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr


def test_jph_alone_without_input_prints_its_help(shell: Shell) -> None:
    assert "Usage: jph" in through_shell(shell, "<&-").stdout


def test_quiet_says_nothing_beside_the_data(shell: Shell, site: Site) -> None:
    assert shell.jph("get", "C1", "-q", site.config).err == ""


def test_what_is_used_is_said_on_one_line(shell: Shell, site: Site) -> None:
    [line] = shell.jph("get", "C1", site.config).err.splitlines()
    groups = f"control {site.network.control}, data {site.network.data}"
    assert line == f"jph: {site.present}; lo (127.0.0.1, as configured), {groups}; as CA"


def test_who_speaks_can_be_said(shell: Shell, site: Site) -> None:
    assert shell.jph("get", "C1", "--as", "CX", site.config).err.rstrip().endswith("; as CX")
    assert shell.jph("get", "C1", site.config, JPH_SENSOR="CY").err.rstrip().endswith("; as CY")


def test_the_environment_can_name_the_configuration(shell: Shell, site: Site) -> None:
    assert shell.jph("get", "C1", JPH_CONFIG=str(site.present)).code == 0


def test_an_interface_that_does_not_exist_is_answered_with_those_that_do(shell: Shell) -> None:
    config = shell.home / "jph.yaml"
    config.write_text("network: {interface: nowhere0}\n", "ascii")
    ended = shell.jph("nodes")
    assert (ended.code, ended.out) == (1, "")
    assert 'no interface "nowhere0"' in ended.err
    assert "this computer has lo" in ended.err


def test_a_port_that_another_program_keeps_to_itself_is_told(shell: Shell) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as selfish:
        selfish.bind(("0.0.0.0", 0))  # noqa: S104 - nothing is ever read from it
        port = selfish.getsockname()[1]
        groups = f"control: 239.192.255.1:{port}, data: 239.192.255.1:{port - 1}"
        (shell.home / "jph.yaml").write_text(f"network: {{{groups}, interface: lo, ttl: 0}}\n", "ascii")
        ended = shell.jph("ping", "C1", "-c", "1")
    assert ended.code == 1
    assert f"UDP port {port} is taken by another program" in ended.err


def test_debugging_logs_what_happens(shell: Shell, site: Site) -> None:
    environment = {**shell.environment, "JPH_DEBUG": "1"}
    with (
        shell.start("watch", "--count", "1", "--bus", "control", "-q", site.config, env=environment) as watch,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        errors(watch).readline()  # what the bus logs when it is joined
        stranger.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        stranger.sendto(b"garbage", (site.network.control.address, site.network.control.port))
        assert "bad datagram on the control bus" in errors(watch).read()
        assert watch.wait() == 0


def test_a_shell_can_complete_commands_options_and_codifiers(shell: Shell, site: Site) -> None:
    assert completed(shell, site, "jph", "wa") == ["watch"]
    assert completed(shell, site, "jph", "config", "c") == ["check", "convert"]
    assert completed(shell, site, "jph", "ping", "--inter") == ["--interval"]
    assert completed(shell, site, "jph", "set", "F") == ["F1", "F2", "FK", "FL", "FM", "FN"]


def completed(shell: Shell, site: Site, *words: str) -> list[str]:
    """Return what bash is offered for the last word."""
    environment = {"_JPH_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    return sorted(shell.jph(**environment, JPH_CONFIG=str(site.present)).out.split())

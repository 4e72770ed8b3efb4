"""What docs/operations.md says of installing and running is true, and the unit that it tells of starts an agent."""

import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from configparser import RawConfigParser
from pathlib import Path
from signal import Signals
from typing import Final

import pytest

from agent.arguments import parse
from agent.units import TEMPLATE, units
from config.model import Network
from protocol.troubles import MEASUREMENTS, WORDS, Trouble
from tests.agent.peer import PATIENCE_S

PAGE: Final = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
HERE: Final = Path(sys.executable).with_name("jph-agent")
UNIT: Final = next(unit.text for unit in units([], HERE, "/etc/jph/jph.yaml") if unit.path == TEMPLATE)


@pytest.fixture(scope="module")
def service() -> Mapping[str, str]:
    """Return the section Service of the unit, of each key the last line."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # how configparser is told to keep capitals
    parser.read_string(UNIT)
    return parser["Service"]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Give the socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE_S)
        yield manager


@pytest.fixture
def environment(service: Mapping[str, str], tmp_path: Path, network: Network, manager: socket.socket) -> dict[str, str]:
    """Return what systemd puts into the service's environment, with a configuration for this host."""
    name, _, _ = service["Environment"].partition("=")
    file = tmp_path / "jph.yaml"
    file.write_text(
        f"network: {{control: {network.control}, data: {network.data}, interface: lo, ttl: 0}}\n"
        f"nodes: {{FK: {{host: {socket.gethostname()}, driver: control, options: {{default: 1}}}}}}\n"
    )
    return {
        name: str(file),
        "STATE_DIRECTORY": str(tmp_path / service["StateDirectory"]),
        "NOTIFY_SOCKET": manager.getsockname(),
        "WATCHDOG_USEC": str(int(service["WatchdogSec"]) * 1_000_000),
    }


def test_what_the_unit_starts_tells_that_it_is_ready_is_reloaded_and_stops(
    service: Mapping[str, str], environment: dict[str, str], manager: socket.socket
) -> None:
    command = shlex.split(service["ExecStart"].replace("%i", "FK"))
    _, reload, _ = shlex.split(service["ExecReload"])
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        told = {manager.recv(1024) for _ in range(2)}
        process.send_signal(Signals[f"SIG{reload.removeprefix('-')}"])
        assert process.stderr is not None
        while "read again" not in process.stderr.readline():
            pass
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, told) == (0, {b"READY=1\nSTATUS=runs FK", b"WATCHDOG=1"})


WATCHED: Final = """
import socket, sys
families = set()

def watch(event, arguments):
    if event == "socket.__new__":
        families.add(socket.AddressFamily(arguments[1]).name)

sys.addaudithook(watch)
from agent.main import main
main()
print(*families)
"""


def test_the_unit_allows_the_address_families_that_an_agent_uses(
    service: Mapping[str, str], environment: dict[str, str], manager: socket.socket
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WATCHED], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        manager.recv(1024)
        process.terminate()
        used = set(process.communicate(timeout=PATIENCE_S)[0].split())
    allowed = set(service["RestrictAddressFamilies"].split())
    assert used == {"AF_NETLINK", "AF_INET", "AF_UNIX"}
    assert allowed == used | {"AF_INET6"}  # where the groups are IPv6


def test_wrong_usage_and_giving_way_are_not_tried_again(service: Mapping[str, str]) -> None:
    assert service["RestartPreventExitStatus"].split() == ["2", "3"]


def test_the_page_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    options = set(re.findall(r"--\w+", capsys.readouterr().out)) - {"--help"}
    assert options == set(re.findall(r"^\| `(--\w+)", PAGE, re.MULTILINE))


@pytest.mark.parametrize("place", sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE))))
def test_a_link_leads_somewhere(place: str) -> None:
    file, _, heading = place.partition("#")
    text = (Path(__file__).parents[2] / "docs" / file).read_text("utf-8") if file else PAGE
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in headings}
    assert not heading or heading in anchors


@pytest.mark.parametrize("code", [code for code in Trouble if code not in {Trouble.OVER, *MEASUREMENTS}])
def test_the_page_says_what_to_do_about_every_trouble(code: Trouble) -> None:
    assert f"\n| `{WORDS[code].name}` |" in PAGE

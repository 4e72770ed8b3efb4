"""What is known of locked packages, by the real pip-audit and a service on loopback that speaks as OSV does."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools import audit
from tools.audit import ACCEPTED, Advisory, Audit, UnansweredError, accepted, ask, main, verdict

LOCK = """\
# made by make constraints
idna==3.4 \\
    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000
    # via requests
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000
"""
KNOWN = {
    "id": "GHSA-jjg7-2v4v-x38h",
    "aliases": ["CVE-2024-3651", "PYSEC-2024-60"],
    "summary": "a quadratic time in idna.encode",
    "affected": [
        {
            "package": {"name": "idna", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.7"}]}],
        }
    ],
}
IDS = ("PYSEC-2024-60", "CVE-2024-3651", "GHSA-jjg7-2v4v-x38h")
FOUND = Advisory("idna", "3.4", IDS, ("3.7",))

Answer = Callable[[str], dict[str, Any]]


def knows_idna(package: str) -> dict[str, Any]:
    return {"vulns": [KNOWN]} if package == "idna" else {}


def knows_colorama(package: str) -> dict[str, Any]:
    affected = [{"package": {"name": "colorama", "ecosystem": "PyPI"}}]
    return {"vulns": [{"id": "GHSA-1", "affected": affected}]} if package == "colorama" else {}


def knows_nothing_wrong(_: str) -> dict[str, Any]:
    return {}


class Service(BaseHTTPRequestHandler):
    """Answers a query for one version of one package."""

    answer: Answer
    hangs: threading.Event | None = None

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.hangs is not None:
            self.hangs.wait()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(type(self).answer(asked["package"]["name"])).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hangs() -> threading.Event:
    """Return what a service that hangs waits for."""
    return threading.Event()


@pytest.fixture
def service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Service]]:
    """Let pip-audit ask a service that answers as the test's parameter says."""

    class Told(Service):
        answer = staticmethod(request.param)

    with ThreadingHTTPServer(("127.0.0.1", 0), Told) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        yield Told
        if Told.hangs is not None:
            Told.hangs.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text(LOCK)
    return path


@pytest.mark.parametrize("service", [knows_idna], indirect=True)
def test_a_known_vulnerability_is_named_with_what_mends_it(service: type[Service], lock: Path) -> None:
    found = ask([lock])
    assert found == Audit(2, (), (FOUND,))
    said, passes = verdict(found, {})
    assert not passes
    what = "idna 3.4 has PYSEC-2024-60 (CVE-2024-3651, GHSA-jjg7-2v4v-x38h), mended in 3.7"
    assert said == [f'{what}: make constraints ARGS="--upgrade-package idna"']


@pytest.mark.parametrize("service", [knows_colorama], indirect=True)
def test_a_package_that_only_another_system_needs_is_asked_for_as_well(service: type[Service], lock: Path) -> None:
    said, passes = verdict(ask([lock]), {})
    assert (said, passes) == (["colorama 0.4.6 has GHSA-1, which no version mends yet"], False)


@pytest.mark.parametrize("service", [knows_nothing_wrong], indirect=True)
def test_where_nothing_is_known_it_passes(service: type[Service], lock: Path) -> None:
    assert verdict(ask([lock]), {}) == (["no vulnerability is known in the 2 locked packages"], True)


@pytest.mark.parametrize("service", [knows_nothing_wrong], indirect=True)
def test_a_service_that_is_slow_is_not_waited_for(service: type[Service], lock: Path, hangs: threading.Event) -> None:
    service.hangs = hangs
    with pytest.raises(UnansweredError, match="it is too slow"):
        ask([lock], limit_s=2.0)


@pytest.fixture
def stamp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let these tests know nothing of audits that this checkout passed."""
    monkeypatch.setattr(audit, "PASSED", tmp_path / "audited")
    return tmp_path / "audited"


@pytest.mark.usefixtures("stamp")
def test_a_service_that_is_not_there_is_told_in_one_line_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
    monkeypatch.setenv("PIP_AUDIT_OSV_URL", "http://127.0.0.1:9")
    assert main() == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("audit: the advisory service did not answer, so nothing was audited: ")
    assert "127.0.0.1" in line


@pytest.mark.usefixtures("stamp")
def test_a_pip_audit_that_does_not_run_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "hearsay")
    assert main() == 1
    assert "invalid VulnerabilityServiceChoice value: 'hearsay'" in capsys.readouterr().err


@pytest.mark.parametrize("service", [knows_nothing_wrong], indirect=True)
def test_what_passed_is_asked_for_again_after_a_day(
    service: type[Service], stamp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main() == 0
    assert "no vulnerability is known in the" in capsys.readouterr().out
    assert audit.is_recent(stamp)
    yesterday_s = stamp.stat().st_mtime - audit.RECENT_S
    os.utime(stamp, (yesterday_s, yesterday_s))
    assert not audit.is_recent(stamp)


def test_what_passed_with_other_locks_is_asked_for_again(stamp: Path) -> None:
    stamp.write_text("of other locks")
    assert not audit.is_recent(stamp)


@pytest.mark.parametrize("service", [knows_idna], indirect=True)
def test_what_did_not_pass_is_asked_for_every_time(service: type[Service], stamp: Path) -> None:
    assert main() == 1
    assert main() == 1
    assert not stamp.exists()


# What is accepted


@pytest.mark.parametrize("name", IDS)
def test_what_is_accepted_passes_by_any_of_its_names(name: str) -> None:
    said, passes = verdict(Audit(2, (), (FOUND,)), {name: "names of hosts here are short"})
    assert passes
    assert said == ["no vulnerability is known in the 2 locked packages"]


def test_what_is_accepted_and_not_known_any_more_is_told() -> None:
    said, passes = verdict(Audit(2, (), ()), {"CVE-1": "not used"})
    assert (said, passes) == (["CVE-1 is accepted and concerns nothing that is locked: take it out"], True)


def test_packages_that_the_service_does_not_know_are_named() -> None:
    said, passes = verdict(Audit(1, ("mine",), ()), {})
    assert (said, passes) == (["not audited, because the advisory service does not know them: mine"], True)


@pytest.mark.parametrize("text", ['CVE-1 = ""', "CVE-1 = 1", "[CVE-1]\nwhy = 'x'"])
def test_nothing_is_accepted_without_a_reason(text: str, tmp_path: Path) -> None:
    path = tmp_path / "accepted.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"accepted\.toml accepts CVE-1 without a reason"):
        accepted(path)


def test_what_the_project_accepts_has_reasons() -> None:
    assert all(accepted(ACCEPTED).values())

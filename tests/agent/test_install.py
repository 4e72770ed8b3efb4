"""`jph-agent install`, as a process: what it prints, and what it says when it cannot do it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.install import make_key_directory
from config.keyfile import GrantedFile, GrantedKeys, Role
from config.keystore import KeyStore

NODES = "nodes: {C1: {host: here, driver: pipe, options: {path: /proc/loadavg, field: 1}}}\n"


def install(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "jph.yaml").write_text(NODES, "utf-8")
    command = [sys.executable, "-m", "agent.main", "install", "--config", str(folder / "jph.yaml"), *arguments]
    surroundings = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings)


def test_what_would_be_written_is_printed_with_its_path(tmp_path: Path) -> None:
    done = install(tmp_path, "--print", "--host", "here")
    assert (done.returncode, done.stderr) == (0, "")
    paths = [line for line in done.stdout.splitlines() if line.startswith("# ")]
    assert paths == [
        "# /etc/systemd/system/jph.target",
        "# /etc/systemd/system/jph-agent@.service",
        "# /etc/systemd/system/jph-agent@sensors.service.d/nodes.conf",
    ]
    assert f"Environment=JPH_CONFIG={tmp_path}/jph.yaml\n" in done.stdout


def test_a_host_without_nodes_has_nothing_to_install(tmp_path: Path) -> None:
    done = install(tmp_path, "--print", "--host", "elsewhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert "has no node for the host elsewhere" in done.stderr


def test_where_there_is_no_systemd_that_is_said(tmp_path: Path) -> None:
    done = install(tmp_path, "--enable", "--host", "here", PATH=str(tmp_path))
    assert done.returncode == 1
    assert ("there is no systemd here" if os.geteuid() == 0 else "only root") in done.stderr


@pytest.mark.parametrize("arguments", [(), ("--print", "--enable")])
def test_one_of_both_is_to_be_said(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert install(tmp_path, *arguments).returncode == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_installs_belongs_to_the_user_of_the_services(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    make_key_directory(store.directory, "nobody")
    path = store.write("C1", GrantedFile(codifier="C1", role=Role.NODE, signs_with=1, keys=(GrantedKeys(id=1),)))
    assert [(place.owner(), place.stat().st_mode & 0o777) for place in (store.directory, path)] == [
        ("nobody", 0o700),
        ("nobody", 0o600),
    ]

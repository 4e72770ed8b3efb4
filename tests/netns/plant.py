"""A host with sensors and one with sinks, and what must be true of them whatever happened to either.

Each sensor counts and keeps a log of what it gave (`counting`); witnesses on both hosts note what was sent and heard.
"""

import asyncio
import contextlib
import math
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from agent.spool import Spool
from config.model import Network
from protocol.accounts import Account
from protocol.frames import Flag, decode_data
from protocol.readings import Value
from tests.netns import counting
from tests.netns.hosts import INTERFACE, Host, Lan
from tests.netns.shelves import Shelf
from tests.netns.traffic import Traffic
from tests.netns.witness import Witness

SENSORS: Final = ("C1", "C2", "C3")
POLL_S: Final = 0.2
CHECKOUT: Final = Path(__file__).parents[2]
SPOOL_BYTES: Final = 16 * 2**20


class Plant:
    """The sensors on the host `pi`, the sinks on the host `server`. Close it before the LAN.

    `at_risk` are the values of each sensor that only a killed agent kept: nobody can have them again who did not hear
    them. `unsent` counts how often an agent ended, in a moment in which a driver may have given what was never sent.
    """

    def __init__(self, lan: Lan, path: Path, shelves: Sequence[Shelf], *, spooled: bool = False) -> None:
        self.path = path
        self.shelves = tuple(shelves)
        self.pi = lan.host("pi")
        self.server = lan.host("server")
        self.traffic = Traffic(Network())
        self.at_risk: dict[str, set[Value]] = {codifier: set() for codifier in SENSORS}
        self.unsent = 0
        self._file = path / "jph.yaml"
        self._spool = path / "spool" if spooled else None
        self._at_the_pi = Witness(self.pi)
        self._at_the_server = Witness(self.server)
        counting.install(path / "packages")
        self._configure()

    def close(self) -> None:
        """Stop watching."""
        self._at_the_pi.close()
        self._at_the_server.close()

    # What runs

    def start_agent(self) -> subprocess.Popen[str]:
        """Start the sensors."""
        return self._start(self.pi, *SENSORS)

    def start_sink(self, shelf: Shelf | None = None) -> subprocess.Popen[str]:
        """Start the sink of one store, by default the first, in a process of its own."""
        return self._start(self.server, (shelf or self.shelves[0]).codifier)

    def start_sinks(self) -> None:
        """Start all sinks."""
        for shelf in self.shelves:
            self.start_sink(shelf)

    def kill_agent(self, agent: subprocess.Popen[str]) -> None:
        """Kill the agent: what it kept is gone, but for what its spool has."""
        kill(agent)
        self._note_end_of_agent()

    def stop_agent(self, agent: subprocess.Popen[str]) -> None:
        """End the agent in order."""
        agent.terminate()
        agent.communicate()
        self._note_end_of_agent()

    # Time

    async def run(self, seconds: float) -> None:
        """Let the world go on."""
        await asyncio.sleep(seconds)
        self.look()

    async def until_stored(self, at_least: int) -> None:
        """Wait until so many readings of each sensor are in each store."""
        await self._until(lambda: all(account.stored >= at_least for account in self._all_accounts()))

    async def end(self, patience_s: float) -> float:
        """Take no more readings, wait until all that can be had are stored, and return how many seconds that took.

        Raises AssertionError, with what is not settled by then.
        """
        self.stop_taking()
        begin_s = asyncio.get_running_loop().time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._until(lambda: not self._unsettled())
        unsettled = self._unsettled()
        assert not unsettled, f"not stored within {patience_s:g} s: {'; '.join(unsettled)}"
        return asyncio.get_running_loop().time() - begin_s

    def stop_taking(self) -> None:
        """Let the sensors give nothing more."""
        counting.stop(self.path)

    # What is known

    def look(self) -> None:
        """Take over what the witnesses saw."""
        # What was heard was sent before: were it asked for first, a reading could be heard that was never sent.
        heard = self._at_the_server.heard()
        self.traffic.add_sent_by_sensors(self._at_the_pi.sent())
        self.traffic.add_sent_by_sinks(self._at_the_server.sent())
        self.traffic.add_heard_by_sinks(heard)

    def sent(self) -> Mapping[str, set[Value]]:
        """Return the values that each sensor sent."""
        self.look()
        return {codifier: {sent.value for sent in all_sent} for codifier, all_sent in self.traffic.by_sensor().items()}

    def missing(self, shelf: Shelf) -> Mapping[str, set[Value]]:
        """Return the values of each sensor that were sent and that a store does not have."""
        return {codifier: values - set(shelf.values(codifier)) for codifier, values in self.sent().items()}

    def accounts(self, shelf: Shelf) -> list[Account]:
        """Return what became of all readings, by sensor."""
        return [shelf.account(codifier) for codifier in SENSORS]

    def is_whole(self) -> bool:
        """Check that every reading is once in every store or its loss has a name, and that the accounts say so."""
        sent = self.sent()
        assert self.traffic.foreign == 0, "a repaired reading is not the original, bit for bit"
        for codifier in SENSORS:
            given = set[Value](counting.taken(self.path, codifier))
            assert sent[codifier] <= given
            assert len(given - sent[codifier]) <= self.unsent, f"{codifier}: readings were taken and not sent"
        for shelf in self.shelves:
            for codifier in SENSORS:
                self._check_store(shelf, codifier, sent[codifier])
        return True

    def _check_store(self, shelf: Shelf, codifier: str, sent: set[Value]) -> None:
        values, account, where = shelf.values(codifier), shelf.account(codifier), f"{codifier} in {shelf.driver}"
        assert [value for value, times in Counter(values).items() if times > 1] == [], f"{where}: stored twice"
        assert set(values) <= sent, f"{where}: never sent"
        lost = sent - set(values)
        assert lost <= self.at_risk[codifier], f"{where}: lost {sorted(lost - self.at_risk[codifier], key=str)}"
        assert account.stored == len(values), where
        assert (account.pending, account.waiting) == (0, 0), where
        assert account.sent == account.stored + account.duplicate + account.unavailable, where
        if not self.unsent:
            assert (account.sent, account.unavailable) == (len(sent), 0), where
        elif self._spool is not None:
            assert len(lost) <= account.not_kept, f"{where}: a loss has no name"
        else:
            noticed = self._noticed(shelf, codifier, lost)
            assert noticed <= account.unavailable <= len(lost), f"{where}: a loss has no name"

    def _noticed(self, shelf: Shelf, codifier: str, lost: set[Value]) -> int:
        """Count the lost readings after which, in the same numbering, another one is stored: they must have a name."""
        stored, noticed, unnoticed, before = set(shelf.values(codifier)), 0, 0, math.nan
        for reading in self.traffic.by_sensor()[codifier]:
            if reading.sequence != before + 1:
                unnoticed = 0
            before = reading.sequence
            unnoticed += reading.value in lost
            if reading.value in stored:
                noticed, unnoticed = noticed + unnoticed, 0
        return noticed

    def _unsettled(self) -> list[str]:
        """Say what may still be stored, first by the accounts, which are quicker to read."""
        return [
            f"{account.codifier} in {shelf.driver}: {account.pending} pending, {account.waiting} waiting"
            for shelf in self.shelves
            for account in self.accounts(shelf)
            if account.pending or account.waiting
        ] or [
            f"{codifier} in {shelf.driver}: {sorted(values - self.at_risk[codifier], key=str)} missing"
            for shelf in self.shelves
            for codifier, values in self.missing(shelf).items()
            if values - self.at_risk[codifier]
        ]

    def _all_accounts(self) -> list[Account]:
        return [account for shelf in self.shelves for account in self.accounts(shelf)]

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():  # neither a file nor a database tells of a change
            await asyncio.sleep(POLL_S)
            self.look()

    def _note_end_of_agent(self) -> None:
        """Note what nobody but the agent that ended had kept."""
        self.unsent += 1
        kept = self._spooled()
        for codifier, values in self.sent().items():
            self.at_risk[codifier] |= {value for value in values if (codifier, value) not in kept}

    def _spooled(self) -> set[tuple[str, Value]]:
        """Read a copy of the spool."""
        if self._spool is None:
            return set()
        copy = self.path / f"spool-{self.unsent}"
        kept = set()
        for folder in self._spool.iterdir():
            shutil.copytree(folder, copy / folder.name)
            spool = Spool(copy / folder.name, SPOOL_BYTES)
            frames = [decode_data(datagram) for datagram in spool.load()]
            kept |= {(frame.source, frame.value) for frame in frames if frame.flag is not Flag.NUMBERING}
            spool.close()
        return kept

    def _configure(self) -> None:
        counts = {"driver": counting.NAME, "options": {"folder": str(self.path)}}
        stores = {
            shelf.codifier: {"driver": shelf.driver, "options": dict(shelf.options), "interval": "1h"}
            for shelf in self.shelves
        }
        document: dict[str, Any] = {
            "network": {"interface": INTERFACE},
            "defaults": {"interval": "100ms", "keepalive": "1s"},
            "nodes": {**dict.fromkeys(SENSORS, counts), **stores},
        }
        if self._spool is not None:
            document["spool"] = {"path": str(self._spool), "interval": "200ms"}
        self._file.write_text(yaml.safe_dump(document))

    def _start(self, host: Host, *codifiers: str) -> subprocess.Popen[str]:
        log, state = self.path / f"{'-'.join(codifiers)}.err", self.path / host.name
        agent = (sys.executable, "-m", "agent.main", "--config", str(self._file), "--state", str(state), *codifiers)
        path = f"PYTHONPATH={self.path / 'packages'}:{CHECKOUT}"
        return host.start("env", path, "sh", "-c", f'exec "$0" "$@" 2>>{log}', *agent)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a program, as when the memory is full."""
    process.kill()
    process.communicate()

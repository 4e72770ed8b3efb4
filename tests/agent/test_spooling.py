"""The rings survive a restart: real files, on a network on loopback, in time that the test drives."""

import asyncio
import math
import os
import shutil
import threading
from pathlib import Path

import msgspec
import pytest

from agent.repeating import Repeating
from agent.spool import NAMES
from agent.spooling import MAX_READINGS, SPARE, Spooling
from config.model import SpoolPlace
from protocol.frames import encode_reading
from protocol.numbering import Numbering
from protocol.readings import Reading, Value
from protocol.rings import Rings
from protocol.sequences import after, distance
from protocol.troubles import Trouble
from tests.support.disks import files_of_at_most
from tests.support.driven_time import START_S, DrivenLoop


class Agent:
    """What an agent has of its sensors' readings, and its spool."""

    def __init__(self, loop: DrivenLoop, path: Path, interval_s: float = 60.0) -> None:
        self.loop = loop
        self.repeating = Repeating(Rings(max_bytes=2**26), loop.clock)
        self.spooling = Spooling(SpoolPlace(path=str(path), interval_s=interval_s), "C1", self.repeating, loop.clock)
        self.run: asyncio.Task[None]

    async def start(self) -> "Agent":
        await self.spooling.load()
        self.run = self.loop.create_task(self.spooling.run())
        await self.loop.settle()
        return self

    def publish(self, count: int, codifier: str = "C1", value: Value = 21.5) -> None:
        last = self.repeating.last(codifier)
        numbering = Numbering(codifier, 100 if last is None else last)
        for _ in range(count):
            *_, datagram = numbering.datagrams(value, None, int(self.loop.clock.wall_ms))
            self.repeating.keep(codifier, numbering.last, datagram)

    async def written(self, batches: int) -> None:
        while self.spooling.spool.batches < batches:
            await self.look()

    async def look(self) -> None:
        """Let a second pass; but none while a thread writes, which takes as long as it takes."""
        await self.loop.advance(1.0 if self.spooling.resting else 0.0)
        await asyncio.sleep(0)

    async def die(self) -> None:
        """End as in a power cut, after what is being written."""
        self.run.cancel()
        await asyncio.wait([self.run, *([self.spooling._writing] if self.spooling._writing else [])])
        self.spooling._usable = False
        await self.spooling.close()

    async def end(self) -> None:
        self.run.cancel()
        await asyncio.wait([self.run])
        await self.spooling.close()

    def kept(self, codifier: str = "C1") -> list[int]:
        ring = self.repeating.rings.open(codifier)
        return [] if ring.first is None else [number for number, _ in ring.datagrams(ring.first, len(ring))]


async def test_after_an_orderly_end_all_is_kept_and_the_numbering_goes_on(
    driven_time: DrivenLoop, tmp_path: Path
) -> None:
    first = await Agent(driven_time, tmp_path).start()
    first.publish(10)
    first.publish(3, "C2")
    await first.end()
    second = await Agent(driven_time, tmp_path).start()
    assert (second.kept(), second.kept("C2")) == (first.kept(), first.kept("C2"))
    assert (second.repeating.last("C1"), second.repeating.last("C2")) == (110, 103)
    await second.end()


async def test_an_end_in_the_midst_of_writing_writes_nothing_twice(driven_time: DrivenLoop, tmp_path: Path) -> None:
    first = await Agent(driven_time, tmp_path).start()
    first.publish(10)
    await first.end()
    second = await Agent(driven_time, tmp_path).start()
    second.publish(10)
    disk_is_ready = threading.Event()
    second.spooling._thread.call(disk_is_ready.wait)
    await driven_time.advance(60.0)
    assert not second.spooling.resting
    ending = driven_time.create_task(second.end())
    await driven_time.settle()
    disk_is_ready.set()
    await ending
    third = await Agent(driven_time, tmp_path).start()
    assert third.kept() == list(range(101, 121))
    await third.end()


async def test_it_is_written_once_a_minute(driven_time: DrivenLoop, tmp_path: Path) -> None:
    agent = await Agent(driven_time, tmp_path).start()
    agent.publish(1)
    await agent.written(1)  # the numbers must be reserved first
    for _ in range(300):
        agent.publish(1)
        await driven_time.advance(1.0)
        await asyncio.sleep(0)
    assert agent.spooling.spool.batches <= 10
    await agent.end()


async def test_nothing_new_is_not_written(driven_time: DrivenLoop, tmp_path: Path) -> None:
    agent = await Agent(driven_time, tmp_path).start()
    agent.publish(1)
    await agent.written(1)
    await driven_time.advance(600.0)
    assert agent.spooling.spool.batches == 1
    await agent.end()


async def test_after_a_power_cut_no_number_is_used_twice(driven_time: DrivenLoop, tmp_path: Path) -> None:
    first = await Agent(driven_time, tmp_path).start()
    first.publish(10)
    await first.written(1)
    written = first.kept()
    first.publish(5)
    await first.die()
    second = await Agent(driven_time, tmp_path).start()
    assert second.kept() == written
    last, reached = second.repeating.last("C1"), first.repeating.last("C1")
    assert last is not None
    assert reached is not None
    assert 0 <= distance(last, reached) <= 2 * SPARE
    second.publish(2)
    assert second.kept() == [*written, after(last), after(after(last))]
    ring = second.repeating.rings.open("C1")
    assert ring.unkept(written[-1] + 1, 64) == min(64, last - written[-1])
    await second.end()


async def test_a_power_cut_before_the_first_batch_uses_no_number_twice_either(
    driven_time: DrivenLoop, tmp_path: Path
) -> None:
    first = await Agent(driven_time, tmp_path).start()
    first.publish(10)
    await first.end()
    second = await Agent(driven_time, tmp_path).start()
    second.publish(10)
    await second.die()
    third = await Agent(driven_time, tmp_path).start()
    last, reached = third.repeating.last("C1"), second.repeating.last("C1")
    assert last is not None
    assert reached is not None
    assert distance(last, reached) >= 0
    await third.die()


async def test_a_power_cut_at_any_byte_of_a_batch_costs_that_batch(driven_time: DrivenLoop, tmp_path: Path) -> None:
    first = await Agent(driven_time, tmp_path / "whole").start()
    first.publish(10)
    await first.written(1)
    written = first.kept()
    file = first.spooling.spool.folder / NAMES[0]
    begin = file.stat().st_size
    first.publish(10)
    await first.end()
    content = file.read_bytes()
    for size in range(begin, len(content)):
        cut = Agent(driven_time, tmp_path / str(size))
        cut.spooling.spool.folder.mkdir(parents=True)
        (cut.spooling.spool.folder / NAMES[0]).write_bytes(content[:size])
        await cut.start()
        assert cut.kept() == written
        last = cut.repeating.last("C1")
        assert last is not None
        assert last > 120 or size == len(content)
        await cut.die()


async def test_a_power_cut_in_the_first_batch_of_a_file_costs_that_batch(
    driven_time: DrivenLoop, tmp_path: Path
) -> None:
    first = await Agent(driven_time, tmp_path).start()
    first.publish(10)
    await first.end()
    folder = first.spooling.spool.folder
    (folder / NAMES[1]).write_bytes((folder / NAMES[0]).read_bytes()[:30])
    again = await Agent(driven_time, tmp_path).start()
    assert again.kept() == first.kept()
    assert again.repeating.last("C1") == 110
    await again.end()


async def test_a_clock_that_goes_back_does_not_make_the_older_file_the_newer_one(
    driven_time: DrivenLoop, tmp_path: Path
) -> None:
    first = await Agent(driven_time, tmp_path).start()
    first.publish(10)
    await first.written(1)
    first.spooling.spool.max_bytes = 1  # now the other file's turn begins
    first.publish(10)
    await first.end()
    for ahead_s, name in enumerate(NAMES, start=3_600):  # as if a clock had been wrong until now
        path = first.spooling.spool.folder / name
        os.utime(path, (path.stat().st_atime + ahead_s, path.stat().st_mtime + ahead_s))
    second = await Agent(driven_time, tmp_path).start()
    second.publish(10)
    await second.end()
    third = await Agent(driven_time, tmp_path).start()
    assert third.kept() == list(range(101, 131))
    assert third.repeating.last("C1") == 130
    await third.end()


async def test_damage_in_the_midst_begins_the_numbering_anew(
    driven_time: DrivenLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = await Agent(driven_time, tmp_path).start()
    for batch in range(1, 6):
        first.publish(100)
        await first.written(batch)
    await first.end()
    file = first.spooling.spool.folder / NAMES[0]
    content = bytearray(file.read_bytes())
    content[20] ^= 0xFF
    file.write_bytes(content)
    second = await Agent(driven_time, tmp_path).start()
    assert (second.kept(), second.repeating.last("C1")) == ([], None)
    assert "are damaged; they are in" in caplog.text
    assert file.with_suffix(".damaged").exists()
    await second.end()


async def test_a_spool_that_is_used_by_another_is_left_alone(
    driven_time: DrivenLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = await Agent(driven_time, tmp_path).start()
    second = await Agent(driven_time, tmp_path).start()
    assert "is used by another program" in caplog.text
    await second.end()
    await first.end()


async def test_a_folder_that_cannot_be_had_keeps_nobody_from_running(
    driven_time: DrivenLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "C1").write_text("a file where the folder is to be")
    agent = await Agent(driven_time, tmp_path).start()
    assert "kept in memory only" in caplog.text
    agent.publish(5)
    assert (agent.spooling.troubles, agent.spooling.measured) == ({Trouble.SPOOL_UNUSABLE: 5}, {})
    await agent.end()
    assert len(agent.kept()) == 5


async def test_a_folder_that_went_away_is_said_and_not_called_a_full_disk(
    driven_time: DrivenLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    agent = await Agent(driven_time, tmp_path).start()
    shutil.rmtree(agent.spooling.spool.folder)
    agent.publish(5)
    while not caplog.records:
        await agent.look()
    assert "cannot be written: No such file or directory; see that the folder of `spool` is there" in caplog.text
    assert agent.spooling.troubles == {Trouble.SPOOL_UNUSABLE: 5}
    await agent.end()


async def test_a_full_disk_keeps_what_was_written_and_is_tried_again(
    driven_time: DrivenLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    agent = await Agent(driven_time, tmp_path).start()
    agent.publish(10)
    await agent.written(1)
    file = agent.spooling.spool.folder / NAMES[0]
    size = file.stat().st_size
    agent.publish(50)
    with files_of_at_most(size + 10):
        while not caplog.records:
            await agent.look()
    assert ("cannot be written" in caplog.text, file.stat().st_size) == (True, size)
    assert sum(agent.spooling.troubles.values()) == 50
    await agent.end()
    assert agent.spooling.troubles == {}
    again = await Agent(driven_time, tmp_path).start()
    assert again.kept() == agent.kept()
    await again.end()


async def test_a_disk_that_is_full_at_the_start_is_tried_again(
    driven_time: DrivenLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = await Agent(driven_time, tmp_path).start()
    first.publish(10)
    await first.end()
    size = (first.spooling.spool.folder / NAMES[0]).stat().st_size
    with files_of_at_most(size + 10):
        second = await Agent(driven_time, tmp_path).start()
    assert "cannot be written" in caplog.text
    second.publish(5)
    while "is written again" not in caplog.text:
        await second.look()
    await second.die()
    third = await Agent(driven_time, tmp_path).start()
    assert third.kept() == list(range(101, 116))
    await third.end()


async def test_what_waits_for_the_disk_is_written_whole_however_much_it_is(
    driven_time: DrivenLoop, tmp_path: Path
) -> None:
    first = await Agent(driven_time, tmp_path).start()
    first.publish(15_000, value="x" * 1_150)  # 17 MiB
    await first.end()
    second = await Agent(driven_time, tmp_path).start()
    assert second.kept() == first.kept()
    assert second.repeating.last("C1") == first.repeating.last("C1")
    await second.die()


async def test_what_waits_for_the_disk_is_put_together_in_small_parts(driven_time: DrivenLoop, tmp_path: Path) -> None:
    agent = await Agent(driven_time, tmp_path).start()
    agent.publish(2 * MAX_READINGS + 1)
    agent.publish(1, "C2")
    await agent.written(3)
    await agent.die()
    again = await Agent(driven_time, tmp_path).start()
    assert (again.kept(), again.kept("C2")) == (agent.kept(), agent.kept("C2"))
    await again.die()


async def test_readings_of_a_sensor_that_was_taken_away_are_not_waited_for(
    driven_time: DrivenLoop, tmp_path: Path
) -> None:
    agent = await Agent(driven_time, tmp_path).start()
    agent.publish(10)
    agent.repeating.rings.close("C1")
    await agent.end()
    again = await Agent(driven_time, tmp_path).start()
    assert (again.kept(), again.repeating.last("C1")) == ([], 110)
    await again.die()


async def test_what_is_written_a_day_is_known_once_something_was(driven_time: DrivenLoop, tmp_path: Path) -> None:
    agent = await Agent(driven_time, tmp_path).start()
    assert agent.spooling.measured == {}
    agent.publish(10)
    await agent.written(1)
    bytes_a_day = agent.spooling.spool.written_bytes * 86_400 / (driven_time.clock.monotonic_s - START_S)
    assert agent.spooling.measured == {Trouble.SPOOL_WRITES: math.ceil(bytes_a_day / 1024)}
    await agent.end()


async def test_files_take_turns_and_stay_within_the_size(driven_time: DrivenLoop, tmp_path: Path) -> None:
    agent = Agent(driven_time, tmp_path)
    spool = agent.spooling.spool
    spool.max_bytes = 20_000
    await agent.start()
    for batch in range(40):
        numbers = range(500 * batch, 500 * batch + 100)
        lot = [encode_reading(Reading("C1", 1_700_000_000_000 + 977 * i, i, i * 0.37)) for i in numbers]
        await asyncio.to_thread(spool.append, lot)
    assert sum((spool.folder / name).stat().st_size for name in NAMES) <= 20_000
    await agent.die()
    again = await Agent(driven_time, tmp_path).start()
    assert again.kept()[-1] == 500 * 39 + 99
    await again.die()


def test_a_place_begins_at_the_root_or_at_home() -> None:
    with pytest.raises(ValueError, match="begin it with / or ~/"):
        msgspec.structs.replace(SpoolPlace(path="/var/spool/jph"), path="spool").__post_init__()

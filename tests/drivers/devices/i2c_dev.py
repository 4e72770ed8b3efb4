"""I2C buses as programs find them in /dev: files whose ioctls are the kernel's own.

`mounted` shows emulated buses as i2c-N in a directory, by FUSE: smbus2, and whatever else speaks to /dev/i2c-N, runs
unchanged, in this process or in another. Another process that insists on /dev gets there with `environment`: a library
in front of its own (LD_PRELOAD) opens /dev/i2c-N in that directory.
"""

import errno
import os
import stat
import struct
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import mfusepy  # type: ignore[import-untyped] # it has no types
from smbus2 import smbus2

from tests.drivers.devices.i2c import EmulatedBus
from tests.support.fuse import served


class Opened:
    """One opening of a bus: it keeps the address, and turns ioctls (linux/i2c-dev.h, linux/i2c.h) into transactions.

    `memory` is that of the process that called, where the arguments lie.
    """

    def __init__(self, bus: EmulatedBus) -> None:
        self._bus = bus
        self._address = 0

    def control(self, request: int, argument: int, memory: "Memory") -> None:
        """Do what an ioctl asks for; raises OSError."""
        if request not in _IOCTLS:
            raise OSError(errno.ENOTTY, "no such ioctl")
        _IOCTLS[request](self, argument, memory)

    def use_address(self, address: int, _memory: "Memory") -> None:
        if address in self._bus.owned:
            raise OSError(errno.EBUSY, "a driver of the kernel has it")
        self._address = address

    def force_address(self, address: int, _memory: "Memory") -> None:
        self._address = address

    def tell_functions(self, argument: int, memory: "Memory") -> None:
        memory.write(argument, struct.pack("L", self._bus.functions))

    def combine(self, argument: int, memory: "Memory") -> None:
        """Carry out `struct i2c_rdwr_ioctl_data {struct i2c_msg *msgs; u32 nmsgs}`.

        A message is `{u16 addr, flags, len; u8 *buf}`, with flag 1 for a read.
        """
        first, count = memory.unpack("PI", argument)
        size = struct.calcsize("HHHP")
        messages = [memory.unpack("HHHP", first + number * size) for number in range(count)]
        found = self._bus.transact(
            [(address, length if flags & 1 else memory.read(at, length)) for address, flags, length, at in messages]
        )
        for (_, _, _, at), data in zip(messages, found, strict=True):
            memory.write(at, data)

    def transfer(self, argument: int, memory: "Memory") -> None:
        """Carry out `struct i2c_smbus_ioctl_data {u8 read_write, command; u32 size; union i2c_smbus_data *data}`."""
        is_read, command, size, at = memory.unpack("BBIP", argument)
        if size not in _SMBUS_DATA:
            raise OSError(errno.EOPNOTSUPP, "the bus cannot do it")
        offset, count = _SMBUS_DATA[size](at, memory)
        named = (
            b"" if size == smbus2.I2C_SMBUS_QUICK or (size == smbus2.I2C_SMBUS_BYTE and is_read) else bytes([command])
        )
        if is_read:
            written: list[tuple[int, bytes | int]] = [(self._address, named)] if named else []
            memory.write(at + offset, self._bus.transact([*written, (self._address, count)])[-1])
        else:
            data = memory.read(at + offset, count) if size not in _WITHOUT_DATA else b""
            self._bus.transact([(self._address, named + data)])


_IOCTLS: Final[Mapping[int, Callable[[Opened, int, "Memory"], None]]] = {
    smbus2.I2C_SLAVE: Opened.use_address,
    smbus2.I2C_SLAVE_FORCE: Opened.force_address,
    smbus2.I2C_FUNCS: Opened.tell_functions,
    smbus2.I2C_RDWR: Opened.combine,
    smbus2.I2C_SMBUS: Opened.transfer,
}

# The kind of an SMBus transaction -> where its data are in the union, and how many bytes.
_SMBUS_DATA: Final[Mapping[int, Callable[[int, "Memory"], tuple[int, int]]]] = {
    smbus2.I2C_SMBUS_QUICK: lambda _at, _memory: (0, 0),
    smbus2.I2C_SMBUS_BYTE: lambda _at, _memory: (0, 1),
    smbus2.I2C_SMBUS_BYTE_DATA: lambda _at, _memory: (0, 1),
    smbus2.I2C_SMBUS_WORD_DATA: lambda _at, _memory: (0, 2),
    smbus2.I2C_SMBUS_I2C_BLOCK_DATA: lambda at, memory: (1, memory.read(at, 1)[0]),
}
_WITHOUT_DATA: Final = (smbus2.I2C_SMBUS_QUICK, smbus2.I2C_SMBUS_BYTE)


class Memory:
    """The memory of a process, this one or another."""

    def __init__(self, pid: int) -> None:
        self._path = f"/proc/{pid}/mem"

    def read(self, at: int, count: int) -> bytes:
        with Path(self._path).open("rb", buffering=0) as file:
            return os.pread(file.fileno(), count, at)

    def write(self, at: int, data: bytes) -> None:
        with Path(self._path).open("r+b", buffering=0) as file:
            os.pwrite(file.fileno(), data, at)

    def unpack(self, layout: str, at: int) -> tuple[int, ...]:
        return struct.unpack(layout, self.read(at, struct.calcsize(layout)))


class _Files(mfusepy.Operations):  # type: ignore[misc] # the same
    """The directory with the files i2c-N."""

    use_ns = True

    def __init__(self, buses: Mapping[int, EmulatedBus]) -> None:
        self._buses = buses
        self._opened: dict[int, Opened] = {}
        self._numbers = count(1)

    def getattr(self, path: str, _fh: int | None = None) -> dict[str, int]:
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        self._bus(path)
        return {"st_mode": stat.S_IFREG | 0o660, "st_nlink": 1}

    def readdir(self, _path: str, _fh: int) -> list[str]:
        return [".", "..", *[f"i2c-{number}" for number in self._buses]]

    def open(self, path: str, _flags: int) -> int:
        bus, number = self._bus(path), next(self._numbers)
        if bus.closed_with is not None:
            raise mfusepy.FuseOSError(bus.closed_with)
        self._opened[number] = Opened(bus)
        return number

    def release(self, _path: str, fh: int) -> int:
        del self._opened[fh]
        return 0

    def ioctl(self, _path: str, cmd: int, arg: int | None, fh: int, _flags: int, _data: object) -> int:
        _, _, pid = mfusepy.fuse_get_context()
        try:
            self._opened[fh].control(cmd, arg or 0, Memory(pid))
        except OSError as error:
            raise mfusepy.FuseOSError(error.errno) from error
        return 0

    def _bus(self, path: str) -> EmulatedBus:
        number = path.removeprefix("/i2c-")
        bus = self._buses.get(int(number)) if number.isdigit() else None
        if bus is None:
            raise mfusepy.FuseOSError(errno.ENOENT)
        return bus


@contextmanager
def mounted(buses: Mapping[int, EmulatedBus], directory: Path) -> Iterator[None]:
    """Show buses as files i2c-N in a directory. One thread of this process answers for them; the main thread calls."""
    directory.mkdir(parents=True, exist_ok=True)
    with served(_Files(buses), directory, nothreads=True):
        yield


def environment(directory: Path, work: Path) -> dict[str, str]:
    """Return the environment in which a program that opens /dev/i2c-N opens that of a directory instead.

    Needs a C compiler; the library is built in `work`.
    """
    library = work / "i2c_redirect.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O", "-Wall", "-Werror", "-o", library, SOURCE], check=True)
    return {"LD_PRELOAD": str(library), "I2C_BUSES": str(directory)}


SOURCE: Final = Path(__file__).with_name("i2c_redirect.c")

"""The directory of key files: read only when nobody else can, written whole or not at all."""

import os
import stat
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from config import keyfile
from config.keyfile import NETWORK_NAME, GrantedFile, KeyFile, KeyFileError, NetworkFile
from config.whole_file import whole_file

VARIABLE: Final = "JPH_KEYS"
"""The environment variable that names the directory, before the configuration does."""

PLACES: Final = ("~/.config/jph/keys", "/etc/jph/keys")
"""Where the directory is looked for when nothing names one: the first that is there for this user."""

SUFFIX: Final = ".key"
LARGEST_BYTES: Final = 2**20  # a file with orders to every codifier has less
MODE: Final = 0o600


class NoKeysError(KeyFileError):
    """There is no key file for this program."""


def directory(named: str | None, environ: Mapping[str, str]) -> Path:
    """Return where the key files of a network lie, `named` by its configuration or not; it need not exist."""
    found = environ.get(VARIABLE) or named
    if found:
        return _expanded(found, environ)
    places = [_expanded(place, environ) for place in PLACES]
    return next((place for place in places if os.access(place, os.R_OK | os.X_OK)), places[os.geteuid() == 0])


class KeyStore:
    """The key files of one directory. Each method raises KeyFileError, with the command that mends it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, name: str) -> Path:
        """Return where the file of a codifier, or of the network, lies."""
        return self.directory / f"{quote(name, safe='')}{SUFFIX}"

    def has(self, name: str) -> bool:
        """Tell whether there is a file of a codifier, or of the network."""
        try:
            self.path(name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise KeyFileError(f"{self.directory} cannot be read: {error.strerror}", _WHOSE) from None
        return True

    def names(self) -> list[str]:
        """Return the paths of all key files, sorted."""
        return sorted(str(path) for path in self.directory.glob(f"*{SUFFIX}"))

    def read(self, name: str) -> KeyFile:
        """Read the file of a codifier, or of the network."""
        try:
            return self.read_path(self.path(name))
        except FileNotFoundError:
            raise NoKeysError(f"there is no key file {self.path(name)}", _HOW_TO_GET.format(name=name)) from None

    def read_path(self, path: Path) -> KeyFile:
        """Read a file that its owner alone can read; raises FileNotFoundError too."""
        try:
            with path.open("rb") as file:
                _check_mode(path, os.fstat(file.fileno()))
                text = file.read(LARGEST_BYTES)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise KeyFileError(f"{path} cannot be read: {error.strerror}", f"chown $USER {path}") from None
        return keyfile.parse(text, str(path))

    def network(self) -> NetworkFile:
        """Read the file from which all others are made."""
        if not self.has(NETWORK_NAME):
            raise NoKeysError(f"there is no key file {self.path(NETWORK_NAME)}", _OWNERS)
        found = self.read(NETWORK_NAME)
        if not isinstance(found, NetworkFile):
            raise KeyFileError(f"{self.path(NETWORK_NAME)} holds no network key", "jph keys init makes one")
        return found

    def granted(self) -> list[GrantedFile]:
        """Read what was granted on this computer; files that cannot be used are left out."""
        found = []
        for path in self.names():
            with suppress(KeyFileError, FileNotFoundError):
                found.append(self.read_path(Path(path)))
        return [file for file in found if isinstance(file, GrantedFile)]

    def holds_network(self) -> bool:
        """Tell whether this user may read the file from which all others are made."""
        return os.access(self.path(NETWORK_NAME), os.R_OK)

    def for_program(self, codifiers: Collection[str]) -> list[KeyFile]:
        """Read what a program holds that runs these codifiers: their files, or that of the network."""
        missing = [name for name in codifiers if not self.has(name)]
        if missing and self.holds_network():
            return [self.read(NETWORK_NAME)]
        found = [self.read(name) for name in codifiers if name not in missing]
        if missing:
            raise NoKeysError(
                f"there is no key file {self.path(missing[0])}", _HOW_TO_GET.format(name=" ".join(missing))
            )
        return found

    def write(self, name: str, file: KeyFile) -> Path:
        """Write a file that its owner alone can read, whole or not at all; returns where."""
        path = self.path(name)
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with whole_file(path, MODE) as opened:
                _give_to_owner(opened.fileno(), self.directory)
                opened.write(keyfile.serialise(file))
        except OSError as error:
            raise KeyFileError(
                f"{path} cannot be written: {error.strerror}", "run this as the directory's owner"
            ) from None
        return path


def _expanded(path: str, environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    return Path(path.replace("~", home, 1) if home and path.startswith("~/") else path).expanduser()


_HOW_TO_GET: Final = (
    "on the computer with network.key: jph keys grant {name} | ssh THIS-HOST jph keys install -\n"
    "a new network begins with: jph keys init"
)
_OWNERS: Final = "run this on the computer that has it; a new network begins with: jph keys init"
_WHOSE: Final = "run this as the user whose it is, or name another directory (security.keys, JPH_KEYS)"


def _give_to_owner(file: int, directory: Path) -> None:
    """Let a file that root writes belong to whom the directory belongs: the user that the agents run as."""
    owner = directory.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(file, owner.st_uid, owner.st_gid)


def _trusted_owners(path: Path) -> set[int]:
    """Return whose file is used: one's own, or root's; root also looks at those of whom the directory belongs to."""
    own = os.geteuid()
    return {own, 0} if own else {0, path.parent.stat().st_uid}


def _check_mode(path: Path, found: os.stat_result) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if mode & ~MODE:
        raise KeyFileError(f"{path} has the mode {mode:04o}: others may read it", f"chmod 600 {path}")
    if found.st_uid not in _trusted_owners(path):
        raise KeyFileError(f"{path} belongs to somebody else, who may change it", f"chown $USER {path}")

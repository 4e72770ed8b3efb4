"""What is fuzzed: a row for each door through which something comes in that others made."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tests.fuzz import datagrams, device_words, files, keepers, listeners, web_answers


class Target(NamedTuple):
    """Code that any bytes may be given to.

    `run` returns for every input, and raises only when it found something. `genuine` gives inputs to change; without
    any they are random, for a target that draws its moves from them. `inputs` is how many of a million are for it.
    """

    name: str
    run: Callable[[bytes], None]
    genuine: Callable[[], Sequence[bytes]]
    inputs: int


def _none() -> Sequence[bytes]:
    return ()


TARGETS: Final = {
    target.name: target
    for target in (
        Target("decode", datagrams.decode_any, datagrams.genuine_datagrams, 400_000),
        Target("verify", datagrams.open_any, datagrams.sealed_datagrams, 260_000),
        Target("roster", listeners.watch_any, _none, 30_000),
        Target("repair", listeners.repair_any, _none, 30_000),
        Target("responder", keepers.answer_any, _none, 30_000),
        Target("key file", files.read_any_keys, files.key_files, 200_000),
        Target("configuration", files.load_any, files.configurations, 10_000),
        Target("device words", device_words.read_any, device_words.said, 20_000),
        Target("web answer", web_answers.read_any, web_answers.answers, 20_000),
    )
}

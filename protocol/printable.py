"""Text of any origin made harmless, for screens, terminals and logs."""


def visible(text: str) -> str:
    r"""Return `text` on one line and harmless to a terminal: what is not printable becomes `\n`, `\x1b`, `\u202e`."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def visible_lines(text: str) -> str:
    r"""Return `text` harmless to a terminal, with its lines: only `\n` ends one."""
    return "\n".join(map(visible, text.split("\n")))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")

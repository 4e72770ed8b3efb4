"""The errors of jph: one root, one subclass for each decision that a caller can take."""


class JphError(Exception):
    """Something that the operator can mend; `hint` says how, and is empty when the message already does."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class DecodeError(JphError):
    """A datagram that is no frame. `kind` is one of `protocol.frames.KINDS`: what to count it under."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class EncodeError(JphError):
    """What no frame can carry, or no reader would take: a number that is not finite, too long a text."""

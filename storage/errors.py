"""What goes wrong with a store. Apart from the contract, which agents without a sink need not load."""

from protocol.errors import JphError
from protocol.troubles import Trouble


class StoreError(JphError):
    """The store could not be opened, written or read; the readings at hand are still the caller's.

    `trouble` is what the node of a sink tells everybody.
    """

    def __init__(self, message: str, hint: str = "", trouble: Trouble = Trouble.STORE_FAILS) -> None:
        super().__init__(message, hint)
        self.trouble = trouble

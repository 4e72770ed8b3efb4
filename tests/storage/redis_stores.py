from contextlib import AbstractContextManager

from storage.redis import Redis
from tests.storage.redis_server import RedisServer


class RedisStores:
    """Stores in one database, one after the other, with a stream so that they have a history."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._opened: list[Redis] = []

    def fresh(self) -> Redis:
        self.close()
        with self._server.client() as client:
            client.flushall()
        return self.again()

    def again(self) -> Redis:
        store = Redis(self._server.options(stream=100_000))
        self._opened.append(store)
        return store

    def close(self) -> None:
        """Close what examples left open that were given up halfway."""
        while self._opened:
            self._opened.pop().close()

    def refusing(self) -> AbstractContextManager[None]:
        """Leave the server no memory."""
        return self._server.configured("maxmemory", 1)

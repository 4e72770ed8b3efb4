import msgspec
import pytest

from storage.redis_options import SMALLEST_STREAM, RedisOptions


def of(**options: object) -> RedisOptions:
    return msgspec.convert(options, RedisOptions)


def test_without_options_it_is_the_server_of_this_machine() -> None:
    assert of() == RedisOptions(url="redis://localhost:6379", database=0, stream=0)


@pytest.mark.parametrize(
    "url",
    ["redis://cache", "redis://cache:6380", "redis://[::1]:6379", "rediss://cache.example:6379", "unix:///run/redis/s"],
)
def test_a_server_is_named_by_its_url(url: str) -> None:
    assert of(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        *("", "cache", "http://cache", "redis://", "redis:cache", "redis://cache:port", "redis://cache:99999"),
        *("redis://cache/5", "redis://cache?db=5", "redis://cache#5", "unix://run/redis", "unix:run"),
    ],
)
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="`url` is"):
        of(url=url)


@pytest.mark.parametrize("url", ["redis://:secret@cache", "redis://jph:secret@cache", "redis://jph@cache"])
def test_a_password_in_the_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="put it into a file of mode 0600") as caught:
        of(url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("stream", [0, SMALLEST_STREAM, 10**9])
def test_a_stream_has_room_for_a_batch(stream: int) -> None:
    assert of(stream=stream).stream == stream


@pytest.mark.parametrize("stream", [-1, 1, SMALLEST_STREAM - 1])
def test_a_stream_without_room_is_refused(stream: int) -> None:
    with pytest.raises(msgspec.ValidationError, match="`stream` is"):
        of(stream=stream)


@pytest.mark.parametrize("options", [{"database": -1}, {"expire": "soon"}, {"host": "cache"}, {"stream": "much"}])
def test_the_options_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        of(**options)


def test_messages_name_server_and_database() -> None:
    assert of(url="redis://cache:6379", database=3).place == "redis://cache:6379/3"
    assert of(url="unix:///run/redis/s").place == "unix:///run/redis/s/0"

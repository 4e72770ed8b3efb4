"""The listing of GPIO chips."""

from pathlib import Path

from drivers.gpio_chips import gpio_chips


def test_where_there_is_no_chip_none_is_listed(tmp_path: Path) -> None:
    assert list(gpio_chips(tmp_path)) == []


def test_chips_are_listed_in_the_order_of_their_numbers_with_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    for name in ("gpiochip10", "gpiochip2", "gpiochip", "i2c-1"):
        (tmp_path / "dev" / name).touch()
    found = list(gpio_chips(tmp_path))
    assert [chip.device for chip in found] == ["/dev/gpiochip2", "/dev/gpiochip10"]
    assert {chip.trouble for chip in found} == {"Inappropriate ioctl for device"}

import pytest

from config.document import parse
from config.filters import ARGUMENTS, WIDEST_WINDOW, build_filters
from config.model import Clamp, Delta, FilterStep
from config.report import Report


def build(text: str) -> tuple[tuple[FilterStep, ...], list[str]]:
    report = Report("f")
    steps = build_filters(parse(text.encode(), report), "filters", report)
    return steps, [str(error) for error in report.errors]


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("scale: 0.001", FilterStep("scale", 0.001)),
        ("offset: -2", FilterStep("offset", -2.0)),
        ("round: 1", FilterStep("round", 1)),
        ("clamp: {min: -20, max: 120}", FilterStep("clamp", Clamp(min=-20.0, max=120.0))),
        ("clamp: {max: 85, drop: true}", FilterStep("clamp", Clamp(max=85.0, drop=True))),
        ("median: 3", FilterStep("median", 3)),
        ("moving_average: 10", FilterStep("moving_average", 10)),
        ("delta: 0.5", FilterStep("delta", Delta(by=0.5))),
        ("delta: {by: 1, heartbeat: 60s}", FilterStep("delta", Delta(by=1.0, heartbeat_s=60.0))),
        ("delta: {percent: 5}", FilterStep("delta", Delta(percent=5.0))),
        ("throttle: 1m", FilterStep("throttle", 60.0)),
        ("skip_initial: 3", FilterStep("skip_initial", 3)),
    ],
)
def test_each_filter_has_an_argument_of_its_type(text: str, step: FilterStep) -> None:
    assert build(f"[{{{text}}}]") == ((step,), [])


def test_filters_keep_their_order() -> None:
    steps, _ = build("[{round: 1}, {median: 3}, {round: 0}]")
    assert [step.kind for step in steps] == ["round", "median", "round"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{medain: 3}", "filters[0]: unknown filter 'medain'; did you mean 'median'?"),
        ("{kalman: 3}", f"filters[0]: unknown filter 'kalman'; known are {', '.join(ARGUMENTS)}"),
        ("median", "filters[0]: 'median' is no filter; write a list such as [{median: 3}, {round: 1}]"),
        (
            "{median: 3, round: 1}",
            "filters[0]: a mapping is no filter; write a list such as [{median: 3}, {round: 1}]",
        ),
        ("{}", "filters[0]: a mapping is no filter; write a list such as [{median: 3}, {round: 1}]"),
        ("{median: 0}", "filters[0].median: '0' must be at least 1"),
        ("{median: 2000}", f"filters[0].median: '2000' must be at most {WIDEST_WINDOW}"),
        ("{median: 2.5}", "filters[0].median: '2.5' is not a whole number"),
        ("{median: }", "filters[0].median: a whole number is expected here, not nothing"),
        ("{round: 16}", "filters[0].round: '16' must be at most 15"),
        ("{scale: x}", "filters[0].scale: 'x' is not a number"),
        ("{clamp: {}}", "filters[0].clamp: needs min, max or both"),
        ("{clamp: {min: 2, max: 1}}", "filters[0].clamp: min 2 is above max 1"),
        ("{clamp: 3}", "filters[0].clamp: a mapping is expected here, not '3'"),
        ("{clamp: {low: 3}}", "filters[0].clamp: unknown option 'low'; known are min, max, drop"),
        ("{delta: {}}", "filters[0].delta: needs either by or percent"),
        ("{delta: {by: 1, percent: 1}}", "filters[0].delta: needs either by or percent"),
        ("{delta: -1}", "filters[0].delta: a difference has no sign: by and percent are at least 0"),
        (
            "{delta: {by: 1, heartbeat: soon}}",
            "filters[0].delta.heartbeat: 'soon' is no duration; write 5s, 10m or 24h",
        ),
        ("{throttle: 0s}", "filters[0].throttle: '0s' is no time at all; write 5s, 10m or 24h"),
        ("{skip_initial: -1}", "filters[0].skip_initial: '-1' must be at least 0"),
    ],
)
def test_a_wrong_filter_is_told_with_its_place_in_the_list(text: str, error: str) -> None:
    assert build(f"[{text}]") == ((), [f"f:1: {error}"])


def test_a_wrong_filter_does_not_hide_the_next() -> None:
    steps, errors = build("- {median: x}\n- {round: 1}\n- {scale: y}")
    assert steps == (FilterStep("round", 1),)
    assert [error.partition(":")[2][0] for error in errors] == ["1", "3"]

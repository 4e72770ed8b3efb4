"""Where everything must run, a skipped test is a failed one.

`pytest -p tests.plugins.nothing_skipped` is for machines that are set up so that nothing has to be skipped, as CI is:
a test that quietly stops running there would be missed by nobody. Expected failures (xfail) stay what they are.
"""

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that was skipped, by its marker, by a fixture or by itself."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that was skipped as a whole."""
    report = yield
    if report.skipped:
        fail(report)
    return report


def fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a report of something skipped, whose long form is (path, line, reason), into one of a failure."""
    path, line, reason = report.longrepr if isinstance(report.longrepr, tuple) else (report.nodeid, 0, report.longrepr)
    cause = str(reason).removeprefix("Skipped: ")
    report.outcome = "failed"
    report.longrepr = f"{path}:{line}: nothing may be skipped here: {cause}"

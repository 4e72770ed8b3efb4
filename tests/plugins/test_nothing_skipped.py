import pytest

pytest_plugins = ["pytester"]

SKIPPED_BY_ITSELF = "import pytest\n\ndef test_a(): pytest.skip('no bus here')\n"
SKIPPED_BY_MARKER = "import pytest\n\n@pytest.mark.skipif(True, reason='no bus here')\ndef test_a(): pass\n"
SKIPPED_BY_FIXTURE = "import pytest\n\n@pytest.fixture\ndef a(): pytest.skip('no bus here')\n\ndef test_a(a): pass\n"
SKIPPED_AS_A_WHOLE = "import pytest\n\npytest.skip('no bus here', allow_module_level=True)\n"
SKIPPING = pytest.mark.parametrize(
    "source",
    [SKIPPED_BY_ITSELF, SKIPPED_BY_MARKER, SKIPPED_BY_FIXTURE, SKIPPED_AS_A_WHOLE],
    ids=["by itself", "by a marker", "by a fixture", "as a whole"],
)

PASSING = "def test_a(): pass\n"
EXPECTED_TO_FAIL = "import pytest\n\n@pytest.mark.xfail\ndef test_a(): assert False\n"


@pytest.fixture(autouse=True)
def no_other_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the plugins that happen to be installed: to load them takes a second for each run."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def run(pytester: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    """Run one test file by a pytest of its own, without this project's settings."""
    pytester.makepyfile(source)
    return pytester.runpytest_inprocess(*options)


@SKIPPING
def test_what_is_skipped_fails_and_says_why(pytester: pytest.Pytester, source: str) -> None:
    result = run(pytester, source, "-p", "tests.plugins.nothing_skipped")
    assert result.ret != 0
    result.stdout.fnmatch_lines("*nothing may be skipped here: no bus here")


@SKIPPING
def test_without_the_plugin_it_is_only_skipped(pytester: pytest.Pytester, source: str) -> None:
    run(pytester, source).assert_outcomes(skipped=1)


def test_what_passes_passes(pytester: pytest.Pytester) -> None:
    run(pytester, PASSING, "-p", "tests.plugins.nothing_skipped").assert_outcomes(passed=1)


def test_what_is_expected_to_fail_may_fail(pytester: pytest.Pytester) -> None:
    run(pytester, EXPECTED_TO_FAIL, "-p", "tests.plugins.nothing_skipped").assert_outcomes(xfailed=1)

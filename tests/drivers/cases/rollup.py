from tests.drivers.trying import Case, Wrong

CASES = [Case({})]

NOT_SOAKED = "What rolls readings up has no device: a read gives nothing."

WRONG = [Wrong({"port": 8080}, "'port'")]

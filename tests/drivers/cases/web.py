from tests.drivers.trying import Case, Wrong

CASES = [Case({})]

WRONG = [Wrong({"port": 8080}, "'port'")]

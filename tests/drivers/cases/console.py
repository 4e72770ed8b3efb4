from tests.drivers.trying import Case, Wrong

CASES = [Case({})]

WRONG = [Wrong({"colour": "red"}, "'colour'")]

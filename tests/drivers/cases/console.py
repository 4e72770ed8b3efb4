from tests.drivers.trying import Case, Wrong

CASES = [Case({})]

NOT_SOAKED = "The screen has no device: a read gives nothing."

WRONG = [Wrong({"colour": "red"}, "'colour'")]

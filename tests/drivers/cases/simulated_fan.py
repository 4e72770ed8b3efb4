from tests.drivers.trying import Case, Wrong

CASES = [Case({"plant": "conformance"})]

WRONG = [
    Wrong({"max": 200}, "`max`"),
    Wrong({"colour": "red"}, "'colour'"),
]

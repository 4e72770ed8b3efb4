from tests.drivers.trying import Case, Wrong

CASES = [Case({"plant": "conformance"})]

NOT_SOAKED = "The speed is a number of the plant in the same process."

WRONG = [
    Wrong({"max": 200}, "`max`"),
    Wrong({"colour": "red"}, "'colour'"),
]

from tests.drivers.trying import Case, Wrong

CASES = [
    Case({"default": 20, "min": 0, "max": 100}),
    Case({"default": 1, "min": 0, "max": 1, "step": 1, "lease": 60, "safe": 0}),
]

NOT_SOAKED = "A value that was set is kept in memory; the file that remembers it is written, never asked."

WRONG = [
    Wrong({}, "'default'"),
    Wrong({"default": "high"}, "options.default"),
    Wrong({"default": 5, "min": 6}, "`default` 5 is out of range 6.."),
    Wrong({"default": 5, "lease": "soon"}, "options.lease"),
    Wrong({"default": 5, "colour": "red"}, "'colour'"),
]

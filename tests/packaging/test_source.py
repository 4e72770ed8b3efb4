"""What the programs never do, whatever arrives: run text, or read it with what can run it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

CHECKOUT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("protocol", "config", "drivers", "storage", "agent", "console", "bench", "tools")

RUNS_TEXT: Final = frozenset({"eval", "exec", "compile", "__import__", "execfile"})
"""Built-in functions that make code of text."""

RUNS_OBJECTS: Final = frozenset({"pickle", "marshal", "shelve", "dill", "code", "codeop"})
"""Modules whose readers run what they read, or that run text."""

RUNS_COMMANDS: Final = frozenset({"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"})
"""Functions that hand text to a shell."""

RUNS_SCRIPTS: Final = {
    "drivers/calculations/script_worker.py": ["exec", "compile"],
    "drivers/calculations/python2_library.py": ["__import__"],
    "drivers/calculations/python2_syntax.py": ["eval", "exec", "compile"],
}
"""Sources that run a program of the owner's, in a process of its own, and what it imports, evaluates and runs itself:
text from the network is no part of it (tests/drivers/calculations/test_placeholders.py)."""

UNSAFE_YAML: Final = frozenset({"load", "load_all", "unsafe_load", "full_load", "unsafe_load_all", "full_load_all"})


def sources() -> list[Path]:
    files = [path for folder in FOLDERS for path in (CHECKOUT / folder).rglob("*.py")]
    return [CHECKOUT / "jph.py", *files]


def dangers(tree: ast.AST) -> Iterator[str]:
    """Go through what could run text; a method of some object that is called `compile`, as of `re`, cannot."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in RUNS_TEXT:
                yield f"line {node.lineno}: {name}"
            case ast.Attribute(value=ast.Name(id="builtins"), attr=name) if name in RUNS_TEXT:
                yield f"line {node.lineno}: builtins.{name}"
            case ast.Import(names=names):
                yield from (f"line {node.lineno}: {one.name}" for one in names if one.name in RUNS_OBJECTS)
            case ast.ImportFrom(module=str(module)) if module in RUNS_OBJECTS:
                yield f"line {node.lineno}: {module}"
            case ast.Attribute(value=ast.Name(id=module), attr=name) if f"{module}.{name}" in RUNS_COMMANDS:
                yield f"line {node.lineno}: {module}.{name}"
            case ast.Attribute(value=ast.Name(id="yaml"), attr=name) if name in UNSAFE_YAML:
                yield f"line {node.lineno}: yaml.{name}"
            case ast.keyword(arg="shell", value=ast.Constant(value=True)):
                yield f"line {node.lineno}: shell=True"
            case _:
                pass


@pytest.mark.parametrize(
    "text",
    [
        "eval(reading)",
        "run = exec",
        "builtins.eval(reading)",
        "compile(reading, '', 'eval')",
        "__import__(name)",
        "import pickle",
        "from marshal import loads",
        "os.system(reading)",
        "subprocess.run(reading, shell=True)",
        "yaml.load(text)",
    ],
)
def test_what_runs_text_is_found(text: str) -> None:
    assert len(list(dangers(ast.parse(text)))) == 1


@pytest.mark.parametrize("text", ["re.compile('x')", "pattern.compile()", "yaml.safe_load(text)", "'eval(x)'"])
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert list(dangers(ast.parse(text))) == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_source_can_run_text(path: Path) -> None:
    found = [danger.partition(": ")[2] for danger in dangers(ast.parse(path.read_text("utf-8"), str(path)))]
    assert found == RUNS_SCRIPTS.get(str(path.relative_to(CHECKOUT)), [])

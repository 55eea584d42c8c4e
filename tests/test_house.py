"""Rules of the house that no linter knows."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import manet

SOURCE = Path(manet.__file__).parent

PAGES = {SOURCE / "evaluation/model_card.py", *(SOURCE / "page").glob("*.py")}
"""Files whose strings are pages for users of the command line, or styles, whose custom properties look like flags."""

FLAG = re.compile(r"(?<![\w-])--[a-z]|`manet [a-z]")
"""An option of the command line, or one of its commands."""

PRINTING = {"print", "console", "echo", "rich", "typer"}
"""Names that are called or imported by what prints."""

ROOMS = sorted(
    path.name
    for path in SOURCE.iterdir()
    if path.name not in ("cli", "__main__.py") and (path.suffix == ".py" or any(path.glob("*.py")))
)
"""Everything but the command line."""


def _files(room: str) -> list[Path]:
    path = SOURCE / room
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _flags(path: Path) -> Iterator[str]:
    """Where a string that is not a docstring, of an attribute either, names a flag or a command."""
    tree = _parse(path)
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            for found in FLAG.finditer(node.value):
                yield f"{path.relative_to(SOURCE)}:{node.lineno}: {node.value[max(found.start() - 30, 0) :][:80]}"


def _prints(path: Path) -> Iterator[str]:
    """Where something is called or imported that prints."""
    for node in ast.walk(_parse(path)):
        names: list[str] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names = [node.func.id]
        elif isinstance(node, ast.Import):
            names = [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "").partition(".")[0], *(alias.name for alias in node.names)]
        for name in PRINTING.intersection(names):
            yield f"{path.relative_to(SOURCE)}:{node.lineno}: {name}"


@pytest.mark.parametrize("room", ROOMS)
def test_only_the_command_line_names_flags(room: str) -> None:
    assert [line for path in _files(room) if path not in PAGES for line in _flags(path)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_only_the_command_line_prints(room: str) -> None:
    assert [line for path in _files(room) for line in _prints(path)] == []


def test_the_rules_see_what_breaks_them() -> None:
    assert list(_prints(SOURCE / "cli/console.py"))
    assert [line for path in PAGES for line in _flags(path)]


TWICE = {"Pose", "Session"}
"""Class names that stand for two things; to be emptied but for the two runtimes' sessions."""


def test_no_class_name_stands_for_two_things() -> None:
    names = Counter(
        node.name
        for path in SOURCE.rglob("*.py")
        for node in _parse(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert {name for name, count in names.items() if count > 1} <= TWICE

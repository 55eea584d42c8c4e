"""What is wrong with the content of a file or with a setting, in plain words."""

from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from manet.files import choices

EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "string": "text",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "set": "a list",
    "dict": "a table",
    "model": "a table",
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
    "literal": "{expected}",
    "enum": "{expected}",
    "none": "none",
}
"""What is expected instead, by how pydantic's kind of error begins; the first that fits."""

LONGEST = 60
"""Letters of a wrong value that are repeated."""


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """What is wrong first, in one line: where, what was got and what was expected.

    Args:
        error: Raised when values were checked.
        model: What they were checked against.

    Example:
        >>> from manet.legend import LegendClass
        >>> try:
        ...     LegendClass.model_validate({"name": "roof"})
        ... except ValidationError as error:
        ...     print(explain(error, LegendClass))
        colour is missing
    """
    errors = error.errors()
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])  # else a typo is "missing"
    place, keys = _place(first["loc"], model)
    where = _in_words(place)
    if first["type"] == "missing":
        return f"{where} is missing"
    if first["type"] == "extra_forbidden":
        table = _in_words(place[:-1])
        key, of = (place[-1], f" of {table}") if ")" in table else (where, "")
        return f"unknown key '{key}'{of}; the keys are {choices(str(place[-1]), keys)}"
    if first["type"] == "json_invalid":
        return f"it is not JSON ({first.get('ctx', {}).get('error', first['msg'])})"
    if first["type"] == "value_error":  # our own words
        words = str(first["ctx"]["error"]) if "ctx" in first else first["msg"]
        return f"{where}: {words}" if where else words
    if first["type"] in ("too_short", "too_long"):
        bounds = first.get("ctx", {})
        least, most = bounds.get("min_length"), bounds.get("max_length")
        bound = f"at least {least}" if most is None else f"at most {most}"
        length = bounds.get("actual_length")
        return f"{where or 'it'} has {length} {'entry' if length == 1 else 'entries'}; expected {bound}"
    if first["type"] == "string_too_short":
        return f"{where} is empty; expected text"
    alternatives = [one for one in errors if _place(one["loc"], model)[0] == place]
    wanted = " or ".join(dict.fromkeys(map(_expected, alternatives)))
    got = repr(first["input"])
    if len(got) > LONGEST:
        got = f"{got[:LONGEST]}..."
    return f"{where or 'it'} is {got}; expected {wanted}"


def _expected(error: ErrorDetails) -> str:
    for kind, words in EXPECTED.items():
        if error["type"].startswith(kind):
            return words.format(**error.get("ctx", {}))
    return error["msg"][:1].lower() + error["msg"][1:]


def _place(loc: Iterable[int | str], model: type[BaseModel]) -> tuple[tuple[int | str, ...], list[str]]:
    """Where an error is, without the names that pydantic gives to alternatives, and the keys that are known there."""
    place: list[int | str] = []
    kinds: tuple[Any, ...] = (model,)
    keys: list[str] = []
    for part in loc:
        tables = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        keys = [name for table in tables for name in table.model_fields]
        if isinstance(part, str) and not (tables or dict in kinds):
            break
        place.append(part)
        found = [table.model_fields[part].annotation for table in tables if part in table.model_fields]
        kinds = _alternatives(found if tables else [argument for kind in kinds for argument in get_args(kind)])
    return tuple(place), keys


def _alternatives(kinds: Iterable[Any]) -> tuple[Any, ...]:
    """The types that an annotation stands for, with what lists hold, and `dict` for tables of any keys."""
    found: list[Any] = []
    for kind in kinds:
        origin = getattr(kind, "__origin__", None)
        if origin is dict:
            found += [dict, kind]
        elif (isinstance(kind, type) and origin is None) or origin in (tuple, list):
            found.append(kind)
        else:  # a union, or an annotated type
            found += _alternatives(get_args(kind))
    return tuple(found)


def _in_words(place: tuple[int | str, ...]) -> str:
    """A place such as ("classes", 1, "colour") as "classes (number 2): colour"."""
    text = ""
    for part in place:
        between = "" if not text else ": " if text.endswith(")") else "."
        text += f" (number {part + 1})" if isinstance(part, int) else f"{between}{part}"
    return text.lstrip()

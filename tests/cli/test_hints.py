"""The library names a setting, the command line its flag."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

from builders import Run
from manet.cli.hints import add_flag
from manet.errors import DatasetNotFoundError, OptionError


def test_an_error_says_which_setting_it_is_about_and_is_a_built_in_error_too() -> None:
    wrong = OptionError("no such kind", option="kind")
    missing = DatasetNotFoundError("no folder x", option="source")
    assert isinstance(wrong, ValueError) and isinstance(missing, FileNotFoundError)
    for error in (wrong, missing):
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), again.option) == (str(error), error.option)


def test_the_flag_is_the_parameters_own_and_added_once() -> None:
    command = SimpleNamespace(
        params=[
            SimpleNamespace(name="augmentation", param_type_name="option", opts=["--tta"]),
            SimpleNamespace(name="source", param_type_name="argument", opts=["source"]),
        ]
    )
    for option, said in (
        ("augmentation", "wrong (see --tta)"),
        ("source", "wrong"),
        ("other", "wrong"),
        (None, "wrong"),
    ):
        error = OptionError("wrong", option=option)
        add_flag(error, command)
        add_flag(error, command)
        assert str(error) == said


@pytest.mark.parametrize("group", [("prepare", "town"), ("benchmark", "complexity")])
def test_the_flag_is_named_in_groups_of_commands(run: Run, tmp_path: Path, group: tuple[str, str]) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    given = ("--out", tmp_path) if group[0] == "prepare" else ("--json", tmp_path / "manifest.json")
    status, _, error = run(*group, *given)
    assert status == 2 and "exists already" in error and error.count("--overwrite") == 1

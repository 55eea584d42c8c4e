"""What is wrong in files, in plain words, and CSV files as spreadsheets write them."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import manet
from manet.card import Card
from manet.csv_rows import read_csv
from manet.datasets.legend_file import LegendFile, read_legend_file
from manet.errors import DatasetError
from manet.recipe import Recipe
from manet.wrong_values import explain

FIRST = {"name": "a", "colour": [0, 0, 0]}


def second(**values: Any) -> dict[str, Any]:
    """A legend whose second class has these values."""
    return {"classes": [FIRST, {"name": "b", "colour": [1, 2, 3]} | values]}


@pytest.mark.parametrize(
    ("model", "values", "said"),
    [
        (LegendFile, {}, "classes is missing"),
        (LegendFile, {"classes": 3}, "classes is 3; expected a list"),
        (LegendFile, {"classes": [FIRST]}, "classes has 1 entry; expected at least 2"),
        (LegendFile, {"classes": [FIRST, FIRST]}, "two classes have the name a; each must have its own"),
        (LegendFile, second(colour="#ff0000"), "classes (number 2): colour is '#ff0000'; expected a list"),
        (LegendFile, second(colour=[0, 0, 256]), "classes (number 2): colour (number 3) is 256; expected 255 or less"),
        (LegendFile, second(name=""), "classes (number 2): name is empty; expected text"),
        (LegendFile, second(value=2.5), "classes (number 2): value is 2.5; expected a whole number or text or a list"),
        (LegendFile, second(foreground="x"), "classes (number 2): foreground is 'x'; expected true or false"),
        (
            LegendFile,
            {"classes": [FIRST, {"name": "b", "color": [1, 2, 3]}]},
            "unknown key 'color' of classes (number 2); the keys are name, colour, foreground, value (nearest: colour)",
        ),
        (Recipe, {"training": {"epochs": 0}}, "training.epochs is 0; expected 1 or more"),
        (Recipe, {"training": {"precision": "fp16"}}, "training.precision is 'fp16'; expected 'float32' or 'bfloat16'"),
        (Recipe, {"training": 3}, "training is 3; expected a table"),
        (Recipe, {"loss": {"lovas": 1}}, "unknown key 'loss.lovas'; the keys are "),
    ],
)
def test_wrong_values_in_plain_words(model: type[BaseModel], values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values)
    assert explain(caught.value, model).startswith(said)


def test_what_is_no_json() -> None:
    with pytest.raises(ValidationError) as caught:
        Card.model_validate_json("{")
    assert explain(caught.value, Card).startswith("it is not JSON (EOF")


def test_only_one_file_repeats_the_words_of_pydantic() -> None:
    source = Path(manet.__file__).parent
    repeated = [p.name for p in source.rglob("*.py") if re.search(r"""\[["']msg["']\]""", p.read_text("utf-8"))]
    assert repeated == ["wrong_values.py"]


@pytest.mark.parametrize("name", ["a\\nb", " ", "\\u0007"])
def test_names_of_classes_can_be_printed(name: str, tmp_path: Path) -> None:
    path = tmp_path / "legend.toml"
    path.write_text(f'[[classes]]\nname = "{name}"\ncolour = [0, 0, 0]\n[[classes]]\nname = "b"\ncolour = [1, 2, 3]')
    with pytest.raises(DatasetError, match="can be printed"):
        read_legend_file(path)


@pytest.mark.parametrize(
    "text",
    [
        "split,x\ntrain,1.5\ntest,-2e3\n",
        "\ufeffSplit;X\r\ntrain;1,5\r\ntest;-2e3\r\n;\r\n\r\n",
        'split\t x \ntrain\t"1,5"\ntest\t-2e3\n',
    ],
)
def test_csv_files_of_spreadsheets(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    assert read_csv(path, DatasetError) == [{"split": "train", "x": "1.5"}, {"split": "test", "x": "-2e3"}]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a,b\n1\n", "line 2 has 1 values; expected 2"), ("a,b".encode("utf-16"), "UTF-8"), (b"a,a\n1,2\n", "twice")],
)
def test_what_is_no_csv_file(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        read_csv(path, DatasetError)

"""`manet compare`: scores side by side."""

from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Annotated

import typer

from manet.cli.console import console
from manet.cli.score_tables import new_table, percent

if TYPE_CHECKING:
    from manet.evaluation.scoring import Evaluation


def compare(
    files: Annotated[list[Path], typer.Argument(help="Two or more scores.json files, or folders that hold one.")],
    across_protocols: Annotated[
        bool, typer.Option("--across-protocols", help="Compare even though the scores were taken in different ways.")
    ] = False,
) -> None:
    """Print scores side by side, with their differences from the first."""
    from manet.errors import DatasetError, OptionError
    from manet.evaluation.comparison import differences
    from manet.evaluation.report import read_scores

    if len(files) < 2:
        raise OptionError(f"got one file of scores ({files[0]}); give two or more to compare")
    evaluations = [read_scores(file) for file in files]
    for file, evaluation in zip(files[1:], evaluations[1:], strict=True):
        found = differences(evaluations[0], evaluation)
        if not found:
            continue
        said = f"{files[0]} and {file} differ in {'; '.join(found)}"
        if not across_protocols:
            raise DatasetError(
                f"{said}: such scores are different quantities; evaluate in the same way, or give --across-protocols"
            )
        console.print(f"warning: {said}", markup=False, highlight=False, soft_wrap=True)
    print_comparison([str(file) for file in files], evaluations)


def print_comparison(names: list[str], evaluations: list["Evaluation"]) -> None:
    """Print one row per score: the first evaluation has one column, the others have two, score and difference.

    The files are letters in the table, because their names would not fit.
    """
    from manet.evaluation.comparison import score_rows

    letters = [ascii_uppercase[index % 26] * (1 + index // 26) for index in range(len(names))]
    for letter, name, evaluation in zip(letters, names, evaluations, strict=True):
        line = f"{letter}  {name}  ({evaluation.protocol.name})"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    titles = [letters[0], *(title for letter in letters[1:] for title in (letter, f"{letter} - {letters[0]}"))]
    table = new_table("scores, %", ["score"], titles)
    for name, values in score_rows(evaluations).items():
        first, cells = values[0], [percent(values[0])]
        for value in values[1:]:
            difference = "-" if value is None or first is None else f"{100 * (value - first):+.2f}"
            cells += [percent(value), difference]
        table.add_row(name, *cells)
    console.print(table)

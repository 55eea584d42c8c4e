"""The sections of a page about one training run."""

from pydantic import BaseModel

from manet.evaluation.about import duration, of_card
from manet.page.charts import line_chart
from manet.page.document import Page
from manet.page.parts import facts, grid, paragraph, table, tiles
from manet.recipe import Recipe
from manet.report.evaluation_sections import add_about
from manet.report.scores import percent
from manet.report.sources import RunFolder

LOSS, SCORE, ACCURACY = "train/loss", "validation/mean_iou", "validation/overall_accuracy"


def add_training(page: Page, run: RunFolder) -> None:
    """Add the main figures and the curves of a run."""
    page.section("Training", tiles(run_figures(run)), curves([run]), machine_time(run))


def add_settings(page: Page, run: RunFolder) -> None:
    """Add the settings of a run, and what is known of it besides."""
    page.section("Settings", settings_table(run.recipe))
    if run.about:
        add_about(page, run.about)
    elif run.card:
        page.section("Model", facts(of_card(run.card)))


def run_figures(run: RunFolder) -> dict[str, str]:
    """The best epoch, its scores and the time."""
    figures = {"epochs": str(len(run.log))}
    if run.card and run.card.scores:
        scores = run.card.scores
        figures |= {
            "best epoch": str(scores["epoch"] + 1),
            "mean IoU of the best epoch": percent(scores.get("mean_iou")),
            "overall accuracy": percent(scores.get("overall_accuracy")),
        }
    return figures | ({"training time": duration(seconds(run))} if run.log else {})


def seconds(run: RunFolder) -> float:
    """How long training and validation took, by the log."""
    return sum(float(row["seconds"]) for row in run.log)


def machine_time(run: RunFolder) -> str:
    """The mean time of an epoch."""
    if not run.log:
        return paragraph("No epoch has ended yet.", quiet=True)
    return paragraph(f"{len(run.log)} epochs of {seconds(run) / len(run.log):.0f} s on average.", quiet=True)


def curves(runs: list[RunFolder]) -> str:
    """Loss, score and learning rate by epoch: one line per run."""

    def points(run: RunFolder, column: str, times: float = 1.0) -> list[tuple[float, float]]:
        return [(float(row["epoch"]), times * float(row[column])) for row in run.log if row.get(column)]

    def chart(column: str, y: str, title: str, times: float = 1.0) -> str:
        return line_chart({run.name: points(run, column, times) for run in runs}, x="epoch", y=y, title=title)

    varies = len({row.get("rate") for run in runs for row in run.log}) > 1
    return grid(
        chart(LOSS, "loss", "Training loss, mean of each epoch"),
        chart(SCORE, "mean IoU, %", "Mean IoU on the validation patches", 100),
        chart(ACCURACY, "accuracy, %", "Overall accuracy on the validation patches", 100) if len(runs) == 1 else "",
        chart("rate", "rate", "Learning rate at the end of each epoch") if len(runs) == 1 and varies else "",
    )


def settings_table(recipe: Recipe) -> str:
    """Every setting; those that differ from the default say so."""
    own = flat(recipe)
    default = flat(Recipe())
    rows = [[name, value, "" if default[name] == value else f"default: {default[name]}"] for name, value in own.items()]
    return table(["setting", "value", ""], rows)


def flat(settings: BaseModel, prefix: str = "") -> dict[str, str]:
    """Settings by their dotted names, as they are written in a recipe."""
    found: dict[str, str] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = ", ".join(map(str, value)) if isinstance(value, tuple) else _toml(value)
    return found


def _toml(value: object) -> str:
    """A value as recipes have it."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)

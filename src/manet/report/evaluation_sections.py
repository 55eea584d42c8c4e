"""The sections of a page about one evaluation."""

from manet.evaluation.about import About
from manet.evaluation.report import PICTURES
from manet.page.document import Page
from manet.page.parts import facts, grid, heading, paragraph, picture, tiles
from manet.report.scores import (
    calibration_parts,
    class_table,
    confusion_table,
    main_figures,
    protocol_facts,
    protocols_table,
    size_charts,
)
from manet.report.sources import EvaluationFolder

NO_PICTURES = "There are no pictures in this folder: it was evaluated by an earlier version, or they were removed."


def add_evaluation(page: Page, source: EvaluationFolder, prefix: str = "", known: bool = False) -> None:
    """Add everything that is known of an evaluation.

    Args:
        page: What it is added to.
        source: The evaluation.
        prefix: How the titles of the sections begin.
        known: Whether the page says already what the model, the data and the machine are.
    """
    evaluation, about = source.evaluation, source.about
    boundary = evaluation.boundary
    ground = boundary.tolerance_m / boundary.tolerance_px if boundary and boundary.tolerance_m else None
    page.section(
        f"{prefix}Scores",
        tiles(main_figures(evaluation)),
        class_table(evaluation),
        protocols_table(source.protocols),
    )
    page.section(f"{prefix}Pictures", pictures_of(source) or paragraph(NO_PICTURES, quiet=True))
    page.section(f"{prefix}What is taken for what", confusion_table(evaluation))
    page.section(f"{prefix}Calibration", calibration_parts(evaluation))
    page.section(f"{prefix}Sizes of objects", size_charts(evaluation, about.gsd_m if about else ground))
    page.section(f"{prefix}How the scores were taken", facts(protocol_facts(evaluation.protocol)))
    if about and not known:
        add_about(page, about)


def pictures_of(source: EvaluationFolder) -> str:
    """Whole areas, then the best and the worst windows."""
    folder, parts = source.folder / PICTURES, []
    shown = {kind: [p for p in source.pictures if p.kind == kind] for kind in ("best", "worst")}
    whole = [each for each in source.pictures if each.kind in ("area", "classes")]
    parts += [picture(folder / each.file, each.title, whole=True) for each in whole]
    for kind, title in (("best", "Where the prediction is best"), ("worst", "Where it is worst")):
        if shown[kind]:
            parts += [heading(title), grid(*(picture(folder / each.file, each.title) for each in shown[kind]))]
    return "".join(parts)


def add_about(page: Page, about: About) -> None:
    """Add the model, the data and the machine."""
    page.section("Model", facts(about.model))
    page.section("Data", facts(about.data))
    page.section("Machine and time", facts(about.machine))

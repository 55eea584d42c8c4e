"""One page about runs and evaluations."""

from collections.abc import Sequence
from pathlib import Path

from manet.errors import OptionError
from manet.page.document import Page
from manet.report.comparison import compare_evaluations, compare_runs
from manet.report.evaluation_sections import add_evaluation
from manet.report.run_sections import add_settings, add_training
from manet.report.sources import Sources, read_sources


def write_report(
    sources: Sequence[str | Path], out: str | Path, *, names: Sequence[str] | None = None, overwrite: bool = False
) -> None:
    """Write one self-contained HTML page about runs and evaluations, from their folders only.

    One run is shown with its evaluations, one evaluation by itself; several are put side by side.

    Args:
        sources: Folders of `train` or `evaluate`, or files of scores.
        out: Page to write, .html.
        names: What each source is called in the page; None: the end of its path that tells it from the others.
        overwrite: Replace a page that is there.

    Raises:
        OptionError: No source was given.
        DatasetNotFoundError: A source holds neither a run nor an evaluation.
        OutputError: `out` exists and is not to be replaced, or cannot be written.
    """
    paths = [Path(source) for source in sources]
    if not paths:
        raise OptionError("got no run and no evaluation; give the folder of at least one")
    names = names or short_names(paths)
    found = read_sources(paths, names)
    page = _of_one(found) if len(paths) == 1 else _of_several(found, names)
    page.write(Path(out), overwrite)


def short_names(paths: Sequence[Path]) -> list[str]:
    """The ends of paths, as short as they can be while each is another; of files, their folders."""
    parts = [(path.parent if path.is_file() else path).resolve().parts for path in paths]
    for count in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-count:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return [path.as_posix() for path in paths]  # one was given twice


def _of_one(found: Sources) -> Page:
    several = len(found.runs) + len(found.evaluations) > 1
    page = Page(_title(found), _lead(found))
    for run in found.runs:
        add_training(page, run)
    for source in found.evaluations:
        prefix = f"{source.evaluation.protocol.split.capitalize()}: " if several else ""
        add_evaluation(page, source, prefix, known=several)
    for run in found.runs:
        add_settings(page, run)
    return page


def _of_several(found: Sources, given: Sequence[str]) -> Page:
    page = Page("Comparison", " · ".join(given))
    if len(found.runs) > 1:
        compare_runs(page, found.runs)
    for run in found.runs[: len(found.runs) == 1]:
        add_training(page, run)
        add_settings(page, run)
    if found.evaluations:
        compare_evaluations(page, found.evaluations)
    return page


def _title(found: Sources) -> str:
    if found.runs:
        return f"Run {found.runs[0].name}"
    return f"Evaluation {found.evaluations[0].name}"


def _lead(found: Sources) -> str:
    if found.runs:
        run = found.runs[0]
        on = f", trained on {run.card.dataset}" if run.card else ""
        return f"{run.recipe.network.name} with the encoder {run.recipe.network.encoder}{on}"
    protocol = found.evaluations[0].evaluation.protocol
    return f"{protocol.dataset}, {protocol.split} split; {', '.join(protocol.classes)}"

"""The committed results: tables and pages are what the result files say."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from builders import Run
from manet.paper.ablation.climb import SETTINGS as ABLATION
from manet.paper.ablation.climb import finished_rungs, read_ablation
from manet.paper.ablation.ladder import read_ladder
from manet.paper.comparison.results import SETTINGS
from manet.recipe import read_recipe

RESULTS = Path(__file__).parents[2] / "results"
FOLDERS = sorted(path.parent for name in (SETTINGS, ABLATION) for path in RESULTS.rglob(name))
ABLATIONS = [folder for folder in FOLDERS if (folder / ABLATION).exists()]


def _name(folder: Path) -> str:
    return f"{folder.parent.name}-{folder.name}"


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_tables_are_what_the_results_say(run: Run, folder: Path, tmp_path: Path) -> None:
    pages = sorted(path.name for path in folder.iterdir() if path.suffix in (".md", ".csv"))
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(*pages, "*.safetensors", "*.ckpt"))
    assert run("experiments", copy)[0] == 0
    assert sorted(path.name for path in copy.iterdir() if path.suffix in (".md", ".csv")) == pages
    for page in pages:
        assert (copy / page).read_text(encoding="utf-8") == (folder / page).read_text(encoding="utf-8"), page


@pytest.mark.parametrize("folder", ABLATIONS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_an_ablation_is_of_the_ladder_beside_it(folder: Path) -> None:
    assert read_ablation(folder).ladder == read_ladder(folder.with_suffix(".toml"))


@pytest.mark.parametrize("name", ["banepa", "dubai"])
def test_the_strong_recipe_is_what_its_ablation_kept(name: str) -> None:
    folder = RESULTS / "ablation" / name
    kept = [rung for rung in finished_rungs(folder) if rung.kept][-1]
    assert read_recipe(f"{name}/strong") == read_recipe(read_ablation(folder).ladder.base, kept.set)


def test_there_are_committed_experiments() -> None:
    assert {folder.parent.name for folder in FOLDERS} == {"comparison", "ablation"}


def test_the_timings_in_pages_are_those_of_the_results() -> None:
    subprocess.run([sys.executable, RESULTS / "fill_timings.py", "--check"], check=True)

"""The committed experiments: their tables are what their result files say."""

import shutil
from pathlib import Path

import pytest

from builders import Run
from manet.paper.ablation import SETTINGS as ABLATION
from manet.paper.ablation import finished_rungs, read_ablation, read_ladder
from manet.paper.comparison.results import SETTINGS
from manet.recipe import read_recipe

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
FOLDERS = sorted(path.parent for name in (SETTINGS, ABLATION) for path in EXPERIMENTS.glob(f"*/{name}"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_tables_are_what_the_results_say(run: Run, folder: Path, tmp_path: Path) -> None:
    pages = sorted(path.name for path in folder.iterdir() if path.suffix in (".md", ".csv"))
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(*pages, "*.safetensors", "*.ckpt"))
    assert run("experiments", copy)[0] == 0
    assert sorted(path.name for path in copy.iterdir() if path.suffix in (".md", ".csv")) == pages
    for page in pages:
        assert (copy / page).read_text(encoding="utf-8") == (folder / page).read_text(encoding="utf-8"), page


@pytest.mark.parametrize("folder", [f for f in FOLDERS if (f / ABLATION).exists()], ids=lambda folder: folder.name)
def test_an_ablation_is_of_the_ladder_beside_it(folder: Path) -> None:
    assert read_ablation(folder).ladder == read_ladder(folder.with_suffix(".toml"))


@pytest.mark.parametrize("name", ["banepa", "dubai"])
def test_the_strong_recipe_is_what_its_ablation_kept(name: str) -> None:
    folder = EXPERIMENTS / f"{name}-ablation"
    kept = [rung for rung in finished_rungs(folder) if rung.kept][-1]
    assert read_recipe(f"{name}/strong") == read_recipe(read_ablation(folder).ladder.base, kept.set)

"""Recipes: those that come with manet, bases and changes, and what is wrong with one, in a line."""

from pathlib import Path

import pytest

from manet.errors import RecipeError
from manet.recipe import Recipe, read_recipe, shipped_recipes


def test_the_papers_recipe_is_the_papers() -> None:
    paper = read_recipe("paper")
    assert (paper.network.name, paper.network.encoder, paper.network.weights) == ("manet", "resnet50", "hub")
    assert (paper.patches.size, paper.patches.batch, paper.patches.sampling) == (512, 4, "even")
    assert (paper.optimiser.name, paper.optimiser.rate, paper.optimiser.weight_decay) == ("adam", 3e-4, 0)
    # nothing that came later is on unless a recipe says so
    assert paper == Recipe.model_validate({"network": {"weights": "hub"}})
    assert (paper.loss.label_smoothing, paper.loss.dice, paper.loss.lovasz) == (0, 0, 0)
    assert (paper.training.ema, paper.network.drop_path, paper.optimiser.encoder_rate) == (0, 0, 1)
    assert (paper.augmentation.largest_share, paper.augmentation.mosaic) == (1, 0)


def test_every_recipe_that_comes_along_is_one() -> None:
    names = ["paper", "strong", "banepa/strong", "dubai/strong"]
    names += [f"{dataset}/{kind}" for dataset in ("potsdam", "vaihingen") for kind in ("paper", "strong")]
    assert set(names) <= set(shipped_recipes())
    for name in shipped_recipes():
        assert isinstance(read_recipe(name), Recipe), name
    for dataset in ("potsdam", "vaihingen"):
        paper, strong = read_recipe(f"{dataset}/paper"), read_recipe(f"{dataset}/strong")
        assert (paper.network.encoder, paper.network.weights) == ("resnet50", "hub")
        assert (paper.network, paper.patches.size, paper.patches.batch, paper.training.epochs) == (
            strong.network,
            strong.patches.size,
            strong.patches.batch,
            strong.training.epochs,
        )


def test_each_change_of_the_strong_recipe_can_be_taken_back_alone() -> None:
    strong, paper = read_recipe("strong"), read_recipe("paper")
    changed = [line.split()[0] for line in strong.differences(paper)]
    assert len(changed) > 10
    for key in changed:
        part, name = key.split(".")
        value = paper.model_dump()[part][name]
        back = read_recipe("strong", [f"{key}={list(value) if isinstance(value, tuple) else value}"])
        assert [line.split()[0] for line in strong.differences(back)] == [key]


def test_a_recipe_begins_with_its_base(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "first.toml").write_text('base = "strong"\n[loss]\ndice = 0.5\n[training]\nepochs = 7\n')
    second = tmp_path / "inner/second.toml"
    second.write_text('base = "../first.toml"\n[network]\nweights = "none"\n[training]\nepochs = 9\n')
    recipe, strong = read_recipe(str(second)), read_recipe("strong")
    assert recipe.differences(strong) == [
        "network.weights is None, not 'hub'",
        "loss.dice is 0.5, not 1.0",
        "training.epochs is 9, not 100",
    ]


def test_bases_that_are_none(tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    for text, message in (
        ('base = "papr"', r"no recipe 'papr', the base of .*first.toml; .*nearest: paper"),
        ("base = 3", "base is 3, expected a recipe's name or path"),
        ('base = "first.toml"', "first.toml is its own base, by way of .*first.toml"),
        ('base = "second.toml"', "first.toml is its own base, by way of .*first.toml, .*second.toml"),
        ('base = "paper"\n[loss]\ndise = 1', "unknown key 'loss.dise'.*nearest: dice"),
        ('base = "paper"\nloss = 1', "loss is 1"),
    ):
        first.write_text(text)
        second.write_text('base = "first.toml"')
        with pytest.raises(RecipeError, match=message) as error:
            read_recipe(str(first))
        assert "\n" not in str(error.value)


def test_changes_come_last_and_may_leave_out_quotes() -> None:
    recipe = read_recipe(
        "paper",
        [
            "optimiser.rate=1e-3",
            "network.encoder = resnet18",
            "network.weights=none",
            'loss.class_weights="balanced"',
            "augmentation.resize=[0.5, 2]",
            "augmentation.flips=false",
            "patches.size=64",
            "patches.size=96",
        ],
    )
    assert (recipe.optimiser.rate, recipe.network.encoder, recipe.loss.class_weights) == (1e-3, "resnet18", "balanced")
    assert (recipe.augmentation.resize, recipe.augmentation.flips) == ((0.5, 2), False)
    assert (recipe.network.weights, recipe.patches.size) == (None, 96)
    for change, message in (
        ("optimiser.rate", "'optimiser.rate' is no setting; give KEY=VALUE"),
        ("optimiser rate=1", "is no setting"),
        ("optimiser.rate=-1", "paper with optimiser.rate=-1: optimiser.rate is -1"),
        ("optimiser.rat=1", "unknown key 'optimiser.rat'.*nearest: rate"),
        ("training.patience=0", "training.patience is 0"),
        ("base=strong", "unknown key 'base'"),
    ):
        with pytest.raises(RecipeError, match=message):
            read_recipe("paper", [change])


def test_files_that_are_no_recipe(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    for text, message in (
        ("[optimiser]\nrat = 1", "unknown key 'optimiser.rat'.*nearest: rate"),
        ("[patch]\nsize = 1", "unknown key 'patch'.*nearest: patches"),
        ("[patches]\nsize = 1", "patches.size is 1"),
        ("[patches", "not TOML"),
    ):
        file.write_text(text)
        with pytest.raises(RecipeError, match=message):
            read_recipe(str(file))
    with pytest.raises(RecipeError, match=r"no recipe 'papr'.*nearest: paper"):
        read_recipe("papr")


def test_the_comparisons_differ_in_dataset_and_steps_only() -> None:
    banepa, dubai = read_recipe("banepa/comparison"), read_recipe("dubai/comparison")
    assert (banepa.network.encoder, banepa.network.weights) == ("tf_efficientnet_lite0", "imagenet")
    assert [line.split()[0] for line in banepa.differences(dubai)] == ["patches.sampling", "training.epochs"]

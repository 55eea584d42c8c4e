"""Recipes: everything that decides how a network is trained. TOML files, validated, stored in the checkpoint."""

import difflib
import json
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from manet.errors import RecipeError


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


T = TypeVar("T")
OrNone = Annotated[T | None, BeforeValidator(lambda value: None if value == "none" else value)]
"""TOML has no null: "none" stands for it, so that a recipe can take back what its base says."""


class NetworkSettings(_Settings):
    name: str = "manet"
    encoder: str = "resnet50"
    weights: OrNone[str] = None
    """Of the encoder: none (from scratch), "hub" (timm's, over the network) or a local file."""
    drop_path: float = Field(default=0.0, ge=0, lt=1)
    """Stochastic depth: how often the encoder's last block is skipped in training, and earlier ones in proportion."""


class PatchSettings(_Settings):
    size: int = Field(default=512, ge=32)
    """Height and width of a training patch, pixels."""
    batch: int = Field(default=4, ge=1)
    accumulate: int = Field(default=1, ge=1)
    """Batches whose gradients are summed for one step: as if the batch were so many times larger, in the same memory
    (batch norm still sees one batch)."""
    sampling: Literal["even", "class-aware"] = "even"
    """Every patch once an epoch, or as many draws in which patches with rare classes come more often."""


class LossSettings(_Settings):
    class_weights: Literal["none", "balanced"] = "none"
    """Balanced: a class weighs in inverse proportion to its labelled pixels of the training split."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of a pixel's target that is spread over all classes, for labels that are not always right."""
    dice: float = Field(default=0.0, ge=0)
    """Weight of the Dice loss, beside the 1 of the cross-entropy."""
    lovasz: float = Field(default=0.0, ge=0)
    """Weight of the Lovász-softmax loss, which stands for IoU."""


class AugmentationSettings(_Settings):
    """Each part is drawn anew for every patch of every epoch, for image and labels together."""

    rotation: Literal["none", "right-angles", "any"] = "right-angles"
    resize: tuple[float, float] = (0.75, 1.5)
    """Least and largest factor of resizing."""
    flips: bool = True
    largest_share: float = Field(default=1.0, gt=0, le=1)
    """A patch is drawn anew, a few times at most, while one class has more than this share of its labelled pixels."""
    mosaic: float = Field(default=0.0, ge=0, le=1)
    """How often a patch is put together from parts of four, the three others drawn from the whole split."""
    noise: float = Field(default=0.02, ge=0)
    """Standard deviation of the noise, in standard deviations of each band."""
    brightness: float = Field(default=0.0, ge=0)
    """Largest factor and shift of all bands together, in standard deviations of each band."""


class OptimiserSettings(_Settings):
    name: Literal["adam", "adamw"] = "adam"
    rate: float = Field(default=3e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    """Of what multiplies, convolutions and linear layers; norms, biases and gates have none."""
    encoder_rate: float = Field(default=1.0, gt=0)
    """The encoder's learning rate as a multiple of `rate`; small where it is pretrained."""
    gate_rate: float = Field(default=1.0, gt=0)
    """The learning rate of the attention's gates as a multiple of `rate`."""
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: float = Field(default=0.0, ge=0, lt=1)
    """Share of the steps in which the rate rises from 0."""


class TrainingSettings(_Settings):
    epochs: int = Field(default=100, ge=1)
    patience: OrNone[Annotated[int, Field(ge=1)]] = None
    """Epochs without a better validation score after which training ends; none to train all epochs."""
    ema: float = Field(default=0.0, ge=0, lt=1)
    """Decay of the weights' exponential moving average, which is then what is validated and kept; 0 for none."""
    precision: Literal["float32", "bfloat16"] = "float32"
    seed: int = 0


class Recipe(_Settings):
    """The defaults are the paper's settings; where it is silent (epochs, schedule, augmentation's strength), ours."""

    network: NetworkSettings = NetworkSettings()
    patches: PatchSettings = PatchSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    loss: LossSettings = LossSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    training: TrainingSettings = TrainingSettings()

    def differences(self, other: "Recipe") -> list[str]:
        """The keys whose values differ, with both values."""
        return [
            f"{part}.{key} is {mine!r}, not {theirs[key]!r}"
            for (part, ours), theirs in zip(self.model_dump().items(), other.model_dump().values(), strict=True)
            for key, mine in ours.items()
            if mine != theirs[key]
        ]


def read_recipe(name_or_path: str, changes: Sequence[str] = ()) -> Recipe:
    """A recipe by the name of one that comes with manet, or by the path of a TOML file.

    A file with `base = NAME` begins with the settings of that recipe and says what is different; a path is taken from
    the file's folder. changes: such as "optimiser.rate=1e-3", in TOML, quotes may be left out; they come last.
    Raises RecipeError where there is none, or where it has an unknown key or a value out of range.
    """
    settings = _settings(name_or_path, Path(), ())
    for change in changes:
        settings = _merged(settings, _parsed(change))
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        source = " ".join([name_or_path, *(f"--set {change}" for change in changes)])
        raise RecipeError(f"{source}: {_explain(error)}") from error


def _settings(name_or_path: str, folder: Path, above: tuple[str, ...]) -> dict[str, Any]:
    """What a recipe says, its bases' settings included; above: the recipes that it is a base of."""
    shipped = shipped_recipes()
    path: Traversable = shipped.get(name_or_path) or folder / name_or_path
    if not path.is_file():
        near = difflib.get_close_matches(name_or_path, shipped, n=1, cutoff=0.0)
        asked = f"no recipe '{name_or_path}'" + (f", the base of {above[-1]}" if above else "")
        raise RecipeError(f"{asked}; give a TOML file or one of {', '.join(shipped)} (nearest: {near[0]})")
    if str(path) in above:
        raise RecipeError(f"{path} is its own base, by way of {', '.join(above)}; take out one of the bases")
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{name_or_path} is not TOML ({error}); correct it there") from error
    if "base" not in settings:
        return settings
    base = settings.pop("base")
    if not isinstance(base, str):
        raise RecipeError(f"{name_or_path}: base is {base!r}, expected a recipe's name or path; correct it there")
    return _merged(_settings(base, Path(str(path)).parent, (*above, str(path))), settings)


def _merged(settings: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Settings with some of them changed, key by key within their parts."""
    tables = {
        part: settings[part] | keys
        for part, keys in changes.items()
        if isinstance(keys, dict) and isinstance(settings.get(part), dict)
    }
    return settings | changes | tables


def _parsed(change: str) -> dict[str, Any]:
    """The settings that "optimiser.rate=1e-3" stands for."""
    key, sign, value = change.partition("=")
    for text in (change, f"{key} = {json.dumps(value.strip())}"):  # a word without quotes is a string
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            if not sign:
                break
    raise RecipeError(f"--set {change} is no setting; give KEY=VALUE, such as optimiser.rate=1e-3")


def shipped_recipes() -> dict[str, Traversable]:
    """The recipes that come with manet, by name: `paper`, `strong`, and those for a dataset, `<dataset>/<name>`."""
    root = files("manet.recipes")
    found = {entry.name.removesuffix(".toml"): entry for entry in root.iterdir() if entry.name.endswith(".toml")}
    for folder in root.iterdir():
        if folder.is_dir():
            for entry in folder.iterdir():
                if entry.name.endswith(".toml"):
                    found[f"{folder.name}/{entry.name.removesuffix('.toml')}"] = entry
    return dict(sorted(found.items()))


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    if first["type"] != "extra_forbidden":
        return f"{'.'.join(place)} is {first.get('input')!r}: {first['msg']}; correct it there"
    settings: type[BaseModel] = Recipe
    for part in place[:-1]:
        settings = settings.model_fields[part].annotation  # type: ignore[assignment]
    known = list(settings.model_fields)
    near = difflib.get_close_matches(place[-1], known, n=1, cutoff=0.0)[0]
    return f"unknown key '{'.'.join(place)}'; there is {', '.join(known)} (nearest: {near})"

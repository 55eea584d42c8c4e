"""Recipes: everything that decides how a network is trained. They are TOML files, and are stored in checkpoints."""

import json
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from manet.errors import RecipeError, RecipeNotFoundError
from manet.files import choices, read_toml
from manet.wrong_values import explain


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


T = TypeVar("T")
OrNone = Annotated[T | None, BeforeValidator(lambda value: None if value == "none" else value)]
"""TOML has no null; "none" stands for it, so that a recipe can take back what its base sets."""


class NetworkSettings(_Settings):
    """What is trained."""

    name: str = "manet"
    encoder: str = "resnet50"
    """Any timm network with features at strides 4 to 32."""
    weights: OrNone[str] = None
    """Of the encoder: none (from scratch), "imagenet" (an installed package), "hub" (timm's, downloaded) or a file."""
    drop_path: float = Field(default=0.0, ge=0, lt=1)
    """Stochastic depth: how often the encoder's last block is skipped in training; earlier ones less, in proportion."""


class PatchSettings(_Settings):
    """The training samples, and how many make a step."""

    size: int = Field(default=512, ge=32)
    """Height and width of a training patch, pixels."""
    batch: int = Field(default=4, ge=1)
    accumulate: int = Field(default=1, ge=1)
    """Batches whose gradients are added up for one step, as if the batch were that many times larger, in the same
    memory (batch norm still sees one batch)."""
    sampling: Literal["even", "class-aware"] = "even"
    """Every patch once per epoch, or as many draws in which patches with rare classes come up more often."""


class LossSettings(_Settings):
    """What is added to the network's own loss, and how labels are weighted."""

    class_weights: Literal["none", "balanced"] = "none"
    """Balanced: the weight of a class is in inverse proportion to its labelled pixels in the training split."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of a pixel's target that is spread over all classes, for labels that are not always right."""
    dice: float = Field(default=0.0, ge=0)
    """Weight of the Dice loss; the cross-entropy has weight 1."""
    lovasz: float = Field(default=0.0, ge=0)
    """Weight of the Lovász-softmax loss, a surrogate of IoU."""


class AugmentationSettings(_Settings):
    """How patches are varied: drawn again for every patch of every epoch, the same for image and labels."""

    rotation: Literal["none", "right-angles", "any"] = "right-angles"
    resize: tuple[float, float] = (0.75, 1.5)
    """Smallest and largest factor of resizing."""
    flips: bool = True
    largest_share: float = Field(default=1.0, gt=0, le=1)
    """A patch is drawn again, at most a few times, while one class has more than this share of its labelled pixels."""
    mosaic: float = Field(default=0.0, ge=0, le=1)
    """Probability that a patch is put together from parts of four; the other three are drawn from the whole split."""
    noise: float = Field(default=0.02, ge=0)
    """Standard deviation of the noise, in standard deviations of each band."""
    brightness: float = Field(default=0.0, ge=0)
    """Largest change of factor and offset, the same for all bands, in standard deviations of each band."""


class OptimiserSettings(_Settings):
    """How weights follow the gradients."""

    name: Literal["adam", "adamw"] = "adam"
    rate: float = Field(default=3e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    """For the weights of convolutions and linear layers; norms, biases and gates have none."""
    encoder_rate: float = Field(default=1.0, gt=0)
    """The encoder's learning rate as a multiple of `rate`; small if it is pretrained."""
    gate_rate: float = Field(default=1.0, gt=0)
    """The learning rate of the attention gates as a multiple of `rate`."""
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: float = Field(default=0.0, ge=0, lt=1)
    """Share of the steps over which the rate rises from 0."""


class TrainingSettings(_Settings):
    """How long and in what precision."""

    epochs: int = Field(default=100, ge=1)
    patience: OrNone[Annotated[int, Field(ge=1)]] = None
    """Training ends after this many epochs without a better validation score; none trains all epochs."""
    ema: float = Field(default=0.0, ge=0, lt=1)
    """Decay of an exponential moving average of the weights, which is then validated and kept; 0 for none."""
    precision: Literal["float32", "bfloat16"] = "float32"
    recompute: bool = False
    """Whether backward computes the refiners of the two finest levels again instead of keeping what they held: less
    memory, more time."""
    seed: int = 0


class Recipe(_Settings):
    """How a network is trained. The defaults are the paper's; what it does not say (epochs, schedule, strength of the
    augmentation) is ours."""

    network: NetworkSettings = NetworkSettings()
    patches: PatchSettings = PatchSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    loss: LossSettings = LossSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    training: TrainingSettings = TrainingSettings()

    def differences(self, other: "Recipe") -> list[str]:
        """The keys whose values differ, in words, with both values."""
        return [
            f"{part}.{key} is {mine!r}, not {theirs[key]!r}"
            for (part, ours), theirs in zip(self.model_dump().items(), other.model_dump().values(), strict=True)
            for key, mine in ours.items()
            if mine != theirs[key]
        ]


def read_recipe(name_or_path: str, changes: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    A file with `base = "NAME"` starts from the settings of that recipe and changes some of them. A base may be a path,
    which is relative to the file's folder.

    Args:
        name_or_path: The name of a recipe that comes with manet, or the path of a TOML file.
        changes: Settings that replace the file's, in TOML, such as "optimiser.rate=1e-3"; quotes may be left out.

    Raises:
        RecipeNotFoundError: There is no such recipe.
        RecipeError: A recipe has an unknown key or a value out of range, or is not TOML.

    Example:
        >>> read_recipe("paper", ["training.epochs=20"]).training.epochs
        20
    """
    settings = _settings(name_or_path, Path(), ())
    for change in changes:
        settings = _merged(settings, _parsed(change))
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        source = " with ".join([name_or_path, *([", ".join(changes)] if changes else [])])
        raise RecipeError(f"{source}: {explain(error, Recipe)}") from error


def _settings(name_or_path: str, folder: Path, above: tuple[str, ...]) -> dict[str, Any]:
    """The settings of a recipe, those of its bases included. above: the recipes that it is a base of."""
    shipped = shipped_recipes()
    path: Traversable = shipped.get(name_or_path) or folder / name_or_path
    if not path.is_file():
        asked = f"no recipe '{name_or_path}'" + (f", the base of {above[-1]}" if above else "")
        raise RecipeNotFoundError(f"{asked}; give a TOML file or one of {choices(name_or_path, shipped)}")
    if str(path) in above:
        raise RecipeError(f"{path} is its own base, by way of {', '.join(above)}; remove one of the bases")
    settings = read_toml(path, RecipeError)
    if "base" not in settings:
        return settings
    base = settings.pop("base")
    if not isinstance(base, str):
        raise RecipeError(f"{name_or_path}: base is {base!r}, expected a recipe's name or path")
    return _merged(_settings(base, Path(str(path)).parent, (*above, str(path))), settings)


def _merged(settings: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Settings with some of them changed, key by key within their tables."""
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
    raise RecipeError(f"'{change}' is no setting; give KEY=VALUE, such as optimiser.rate=1e-3", option="changes")


def shipped_recipes() -> dict[str, Traversable]:
    """The recipes that come with manet, by name: `paper`, `strong`, and `<dataset>/<name>` for a dataset."""
    root = files("manet.recipes")
    found = {entry.name.removesuffix(".toml"): entry for entry in root.iterdir() if entry.name.endswith(".toml")}
    for folder in root.iterdir():
        if folder.is_dir():
            for entry in folder.iterdir():
                if entry.name.endswith(".toml"):
                    found[f"{folder.name}/{entry.name.removesuffix('.toml')}"] = entry
    return dict(sorted(found.items()))


def list_recipes() -> list[str]:
    """The names of the recipes that come with manet, which `train` takes."""
    return list(shipped_recipes())

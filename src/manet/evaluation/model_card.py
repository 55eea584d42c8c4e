"""Model cards: what a released network was made from, how good it is and where its limits are, as Markdown."""

from manet.card import Card
from manet.datasets.manifest import SPLITS, Manifest
from manet.evaluation.metrics import ClassScores
from manet.evaluation.scoring import Evaluation
from manet.recipe import Recipe
from manet.tables import TextTable

WEAK = 0.5
"""IoU below which a class is named among the limits."""


def model_card(name: str, card: Card, evaluation: Evaluation, manifest: Manifest, megabytes: float) -> str:
    """The model card of a released network.

    Args:
        name: The model's name.
        card: The card in its checkpoint.
        evaluation: Scores of the released file itself, on the manifest's dataset.
        manifest: The dataset that it was trained on.
        megabytes: Size of the file, 10^6 bytes.

    Returns:
        Markdown.
    """
    network = card.recipe.network
    ground = f" at {card.gsd_m:.2g} m a pixel" if card.gsd_m else ", whose ground sampling distance is not known"
    lines = [
        f"# {name}",
        "",
        f"Maps {', '.join(card.legend.names)} from {', '.join(card.bands)} ({card.dtype}){ground}: "
        f"{network.name} with the encoder {network.encoder}, {megabytes:.1f} MB.",
        "",
        "```sh",
        f"manet predict --model {name} YOUR_IMAGE.tif --out MAP.tif",
        "```",
        "",
        "## Data",
        "",
        f"{manifest.attribution} These terms apply to the weights; whatever is manet's own in them is under "
        "Apache-2.0.",
        "",
        *(f"- {split}: {_extent(manifest, index)}" for index, split in enumerate(SPLITS) if manifest.pixels.get(split)),
        "",
        "## Training",
        "",
        f"{card.recipe.training.epochs} epochs, of which the best on the validation split was kept "
        f"(epoch {card.scores['epoch'] + 1}). The file holds the whole recipe; it differs from the paper's in:",
        "",
        *(f"- `{difference}`" for difference in card.recipe.differences(Recipe())),
        "",
        *_scores(evaluation, card).markdown(),
        "## Limits",
        "",
        *(f"- {limit}" for limit in _limits(card, evaluation, manifest)),
        "",
    ]
    return "\n".join(lines)


def _extent(manifest: Manifest, index: int) -> str:
    split = SPLITS[index]
    pixels = manifest.pixels[split]
    shares = ", ".join(
        f"{name} {100 * count / sum(pixels):.0f} %" for name, count in zip(manifest.legend.names, pixels, strict=True)
    )
    scenes = len({area.scene for area in manifest.splits[split]})
    return f"{sum(pixels) / 1e6:.1f} Mpx labelled, in {scenes} scene{'s' * (scenes != 1)}: {shares}"


def _scores(evaluation: Evaluation, card: Card) -> TextTable:
    scores, protocol = evaluation.scores, evaluation.protocol
    rows = [
        (name, *map(_percent, (c.precision, c.recall, c.f1, c.iou)), f"{c.pixels / 1e6:.2f}")
        for name, c in scores.classes.items()
    ]
    rows.append(
        (f"mean of {', '.join(protocol.foreground)}", "", "", *map(_percent, (scores.mean_f1, scores.mean_iou)), "")
    )
    notes = (
        f"Overall accuracy {_percent(scores.overall_accuracy)} %. Measured with this file, in windows of "
        f"{protocol.window} pixels that overlap by {protocol.overlap}, without augmentation. On the validation split, "
        f"where the epoch was chosen: mean IoU {_percent(card.scores['mean_iou'])} %.",
    )
    title = f"Scores on the {protocol.split} split, %"
    return TextTable(title, ("class", "precision", "recall", "F1", "IoU", "Mpx"), rows, notes)


def _limits(card: Card, evaluation: Evaluation, manifest: Manifest) -> list[str]:
    weak = [f"{name} ({_percent(c.iou)} %)" for name, c in evaluation.scores.classes.items() if _is_weak(c)]
    scenes = len({area.scene for area in manifest.splits["train"]})
    return [
        f"It was trained on {'one scene' if scenes == 1 else f'{scenes} scenes'} of one collection. Other places, "
        "seasons, sensors and heights of the sun were not measured; expect lower scores there.",
        "The test split is from the same collection as the training split: its scores say nothing about other places.",
        *(
            [f"Imagery of another ground sampling distance than {card.gsd_m:.2g} m is resampled to it first."]
            if card.gsd_m
            else []
        ),
        *([f"Weak, with an IoU below {100 * WEAK:.0f} % on the test split: {', '.join(weak)}."] if weak else []),
        "Every pixel is given one of its classes, whatever it shows; `--uncertainty` shows where the network "
        "hesitated.",
    ]


def _is_weak(scores: ClassScores) -> bool:
    return scores.iou is not None and scores.iou < WEAK


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"

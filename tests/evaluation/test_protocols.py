"""Protocols: every number against scikit-learn on flattened pixels; augmentation against poses written out by hand."""

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from sklearn.metrics import accuracy_score, f1_score, jaccard_score
from torch import Tensor
from torch.nn.functional import conv2d, interpolate

from builders import FunctionRuntime, image_like, textured, write_data
from manet.datasets.manifest import Area, Manifest
from manet.errors import DatasetError, OptionError
from manet.evaluation.comparison import differences, score_rows
from manet.evaluation.metrics import confusion, scores
from manet.evaluation.protocol import AUGMENTATIONS, Grid, PredictionProtocol, parse_foreground
from manet.evaluation.report import read_scores
from manet.evaluation.scoring import Evaluation, label_versions, score_split
from manet.legend import BUILDINGS, IGNORED, ISPRS, Legend
from manet.prediction.augment import POSES, probabilities_of
from manet.prediction.settings import Augmentation
from manet.prediction.window_context import WindowContext
from manet.raster.windows import Window

KERNEL = torch.from_numpy(np.random.default_rng(0).standard_normal((6, 3, 5, 5)).astype(np.float32))
KERNEL -= KERNEL.mean((1, 2, 3), keepdim=True)  # contrast, not brightness


def crooked(images: Tensor, valid: Tensor | None) -> Tensor:
    """A network that no turn, flip or scale leaves as it is."""
    return conv2d(images / 40, KERNEL, padding=2)


def averaged(
    network: Callable[[Tensor, Tensor | None], Tensor],
    images: Tensor,
    augmentation: Augmentation,
    valid: Tensor | None = None,
) -> Tensor:
    given = None if valid is None else valid.numpy()
    return torch.from_numpy(probabilities_of(FunctionRuntime(network), images.numpy(), given, augmentation))


def by_hand(images: Tensor, augmentation: Augmentation) -> Tensor:
    """Probabilities: the poses one by one, in words of their own."""

    def once(posed: Tensor) -> Tensor:
        return crooked(posed, None).softmax(1)

    def resized(posed: Tensor, height: int, width: int) -> Tensor:
        return interpolate(posed, (height, width), mode="bilinear", antialias=True)

    across, down = [3], [2]
    height, width = images.shape[2:]
    flips = [once(images.flip(d)).flip(d) for d in ([], across, down, across + down)]
    if augmentation == "none":
        found = flips[:1]
    elif augmentation == "flips":
        found = flips
    elif augmentation == "d4":
        turned = images.transpose(2, 3)
        found = flips + [once(turned.flip(d)).flip(d).transpose(2, 3) for d in ([], across, down, across + down)]
    else:
        found = []
        for scale in (0.75, 1, 1.25):
            small = images if scale == 1 else resized(images, round(height * scale), round(width * scale))
            for d in ([], across):
                back = once(small.flip(d)).flip(d)
                found.append(back if scale == 1 else resized(back, height, width))
    return torch.stack(found).mean(0)


@pytest.mark.parametrize(("augmentation", "passes"), [("none", 1), ("flips", 4), ("d4", 8), ("multiscale", 6)])
def test_probabilities_are_the_mean_over_the_poses(augmentation: Augmentation, passes: int) -> None:
    images = 30 * textured(2, 3, 24, 41)
    found = averaged(crooked, images, augmentation)
    assert len(POSES[augmentation]) == passes
    torch.testing.assert_close(found, by_hand(images, augmentation), rtol=1e-4, atol=1e-6)
    if augmentation != "none":
        assert (found - by_hand(images, "none")).abs().max() > 0.1


def test_the_eight_symmetries_commute_with_turning() -> None:
    images = 30 * textured(1, 3, 24, 41)
    turned = averaged(crooked, torch.rot90(images, 1, (2, 3)).contiguous(), "d4")
    expected = torch.rot90(averaged(crooked, images, "d4"), 1, (2, 3))
    torch.testing.assert_close(turned, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("augmentation", ["flips", "d4", "multiscale"])
def test_valid_goes_with_the_images_and_invalid_values_are_not_seen(augmentation: Augmentation) -> None:
    images, valid = 30 * textured(1, 3, 40, 56), torch.ones(1, 1, 40, 56)
    valid[..., :13, 20:] = 0
    shares: list[float] = []

    def blind(posed: Tensor, posed_valid: Tensor | None) -> Tensor:
        assert posed_valid is not None and posed_valid.shape[2:] == posed.shape[2:]
        assert set(posed_valid.unique().tolist()) == {0, 1}
        shares.append(posed_valid.mean().item())
        return crooked(posed * posed_valid, None)

    found = averaged(blind, images * valid, augmentation, valid)
    other = torch.where(valid > 0, images, 1e6)
    assert shares == pytest.approx([valid.mean().item()] * len(shares), abs=0.02)
    torch.testing.assert_close(averaged(blind, other, augmentation, valid), found, rtol=1e-3, atol=1e-3)


def patchwork(folder: Path) -> Manifest:
    """Two scenes, of which one has two areas; nodata in the image, ignored pixels in both versions of the labels."""
    rng = np.random.default_rng(1)
    scenes = {}
    for name, (height, width) in {"north": (70, 101), "south": (64, 48)}.items():
        image = image_like(height, width)
        truth = crooked(torch.from_numpy(image[None].astype(np.float32)), None)[0].argmax(0).numpy().astype(np.uint8)
        noise = rng.random(truth.shape) < 0.4
        truth[noise] = rng.integers(0, 6, noise.sum())
        truth[truth == 4] = 2  # nothing is labelled car, much is predicted
        truth[rng.random(truth.shape) < 0.05] = IGNORED
        image[:, 10:20, 7:31] = 0
        eroded = np.where(rng.random(truth.shape) < 0.3, IGNORED, truth).astype(np.uint8)
        scenes[name] = image, truth, eroded
    areas = [("north", 0, 0, 70, 40), ("north", 5, 50, 60, 51), ("south", 0, 0, 64, 48)]
    return write_data(folder, scenes, [Area(scene=s, row=r, col=c, height=h, width=w) for s, r, c, h, w in areas])


def flattened(
    folder: Path, manifest: Manifest, labels: str, augmentation: Augmentation
) -> tuple[np.ndarray, np.ndarray]:
    """The scored pixels: labels and prediction."""
    truths, predictions = [], []
    for area in manifest.splits["test"]:
        rows, columns = slice(area.row, area.row + area.height), slice(area.col, area.col + area.width)
        with rasterio.open(folder / f"images/{area.scene}.tif") as image:
            values = image.read()[:, rows, columns]
        with rasterio.open(folder / f"{'labels' if labels == 'full' else 'eroded'}/{area.scene}.tif") as raster:
            truth = raster.read(1)[rows, columns]
        valid = torch.from_numpy((values > 0).all(0).astype(np.float32))[None, None]
        images = torch.from_numpy(values[None].astype(np.float32))
        # tested above, without nodata against poses by hand
        prediction = averaged(crooked, images, augmentation, valid)[0].argmax(0).numpy()
        scored = (truth != IGNORED) & (values > 0).all(0)
        truths.append(truth[scored])
        predictions.append(prediction[scored])
    return np.concatenate(truths), np.concatenate(predictions)


def test_every_protocol_is_what_scikit_learn_says(tmp_path: Path) -> None:
    manifest = patchwork(tmp_path)
    assert label_versions(manifest, "test") == ("full", "eroded")
    seen = set()
    for augmentation in AUGMENTATIONS:
        passes = 0

        def counting(images: Tensor, valid: Tensor | None) -> Tensor:
            nonlocal passes
            passes += 1
            return crooked(images, valid)

        predictor = WindowContext(FunctionRuntime(counting), 6, 512, 0, augmentation)
        evaluations = score_split(
            predictor.classes,
            tmp_path,
            manifest,
            "test",
            PredictionProtocol(window=512, overlap=0, augmentation=augmentation),
            labels=("full", "eroded"),
            foregrounds=("legend", "all"),
        )
        assert passes == 3 * len(POSES[augmentation])  # one prediction an area, whatever the protocols
        for evaluation, (labels, foreground) in zip(
            evaluations, product(("full", "eroded"), (range(5), range(6))), strict=True
        ):
            truth, prediction = flattened(tmp_path, manifest, labels, augmentation)
            protocol, found = evaluation.protocol, evaluation.scores
            assert (protocol.labels, protocol.augmentation) == (labels, augmentation)
            assert protocol.foreground == tuple(ISPRS.names[i] for i in foreground)
            f1 = f1_score(truth, prediction, labels=range(6), average=None)
            iou = jaccard_score(truth, prediction, labels=range(6), average=None)
            assert found.overall_accuracy == pytest.approx(accuracy_score(truth, prediction))
            assert [c.f1 for c in found.classes.values()] == pytest.approx(f1)
            assert [c.iou for c in found.classes.values()] == pytest.approx(iou)
            assert found.mean_f1 == pytest.approx(f1[: len(foreground)].mean())
            assert found.mean_iou == pytest.approx(iou[: len(foreground)].mean())
            seen.add((round(found.overall_accuracy, 9), round(found.mean_f1 or 0, 9), round(found.mean_iou or 0, 9)))
    assert len(seen) == 16  # the protocols are different quantities


def test_padding_that_is_all_predicted_right_changes_no_score(tmp_path: Path) -> None:
    """A fifth of a scene is padding. Whatever says so, labels or nodata, and whatever is predicted there."""
    image, rng = image_like(60, 80), np.random.default_rng(2)
    right = crooked(torch.from_numpy(image[None].astype(np.float32)), None)[0].argmax(0).numpy().astype(np.uint8)
    labels = np.where(rng.random(right.shape) < 0.5, rng.integers(0, 6, right.shape), right).astype(np.uint8)
    plain = scores(confusion(labels, right, 6), ISPRS)
    for padding_labels, padding_prediction in ((IGNORED, 0), (0, IGNORED), (IGNORED, IGNORED)):
        padded = [
            np.pad(values, ((0, 0), (0, 20)), constant_values=value)
            for values, value in ((labels, padding_labels), (right, padding_prediction))
        ]
        assert scores(confusion(padded[0], padded[1], 6), ISPRS) == plain
    naively = np.pad(labels, ((0, 0), (0, 20))), np.pad(right, ((0, 0), (0, 20)))
    assert scores(confusion(*naively, 6), ISPRS).overall_accuracy > plain.overall_accuracy + 0.05

    evaluations = []
    for name, nodata, padding in (("plain", False, None), ("labels", False, IGNORED), ("image", True, 0)):
        width = 80 if padding is None else 100
        scene, truth = (
            np.full((3, 60, width), 0 if nodata else 200, np.uint8),
            np.full((60, width), padding or 0, np.uint8),
        )
        scene[:, :, :80], truth[:, :80] = image, labels
        areas = [Area(scene="a", row=0, col=0, height=60, width=width)]
        manifest = write_data(tmp_path / name, {"a": (scene, truth, None)}, areas)
        predictor = WindowContext(FunctionRuntime(lambda images, valid: right_or_0(right, images)), 6, 512, 0)
        protocol = PredictionProtocol(window=512, overlap=0)
        evaluations += score_split(predictor.classes, tmp_path / name, manifest, "test", protocol)
    assert [evaluation.scores for evaluation in evaluations] == [plain] * 3


def right_or_0(right: np.ndarray, images: Tensor) -> Tensor:
    """A network that knows the answer, and says class 0 of padding."""
    answer = np.zeros(images.shape[2:], np.int64)
    answer[:, :80] = right
    return torch.nn.functional.one_hot(torch.from_numpy(answer), 6).permute(2, 0, 1)[None].float()


def test_the_prediction_may_come_in_windows_or_not_at_all(tmp_path: Path) -> None:
    manifest = write_data(
        tmp_path,
        {"a": (image_like(40, 33), np.zeros((40, 33), np.uint8), None)},
        [Area(scene="a", row=4, col=3, height=30, width=20)],
    )

    def predict(scene: object, area: Window) -> list[tuple[Window, np.ndarray]]:
        return [
            (Window(area.row + 10, area.col, 8, 20), np.ones((8, 20), np.uint8)),
            (Window(area.row, area.col + 5, 10, 2), np.zeros((10, 2), np.uint8)),
        ]

    (found,) = score_split(predict, tmp_path, manifest, "test", PredictionProtocol(window=64, overlap=0))
    assert np.array(found.confusion).sum() == 180 and found.confusion[0][:2] == (20, 160)


def test_labels_that_are_wrong_are_said_before_anything_is_predicted(tmp_path: Path) -> None:
    image, labels = image_like(40, 33), np.zeros((40, 33), np.uint8)
    area, settings = Area(scene="a", row=0, col=0, height=40, width=33), PredictionProtocol(window=64, overlap=0)

    def never(scene: object, area: Window) -> list[tuple[Window, np.ndarray]]:
        raise AssertionError

    manifest = write_data(tmp_path / "none", {"a": (image, labels, None)}, [area])
    assert label_versions(manifest, "test") == ("full",)
    with pytest.raises(DatasetError, match="no eroded labels of scene 'a'"):
        score_split(never, tmp_path / "none", manifest, "test", settings, labels=("full", "eroded"))
    manifest = write_data(tmp_path / "size", {"a": (image, labels, labels[:-1])}, [area])
    with pytest.raises(DatasetError, match="has 39 x 33 pixels, its scene has 40 x 33"):
        score_split(never, tmp_path / "size", manifest, "test", settings, labels=("eroded",))
    labels[3, 4] = 6
    manifest = write_data(tmp_path / "stray", {"a": (image, labels, None)}, [area])
    with pytest.raises(DatasetError, match="holds the value 6; expected 0 to 5, or 255"):
        score_split(lambda scene, area: [], tmp_path / "stray", manifest, "test", settings)


def test_foregrounds_by_name_and_by_number() -> None:
    assert [parse_foreground(text, ISPRS) for text in ("legend", "all", "5", "6")] == ["legend", "all", "legend", "all"]
    assert parse_foreground("1", BUILDINGS) == "legend"
    with pytest.raises(OptionError, match=r"'4'; expected legend \(5 classes\) or all \(6 classes\)"):
        parse_foreground("4", ISPRS)


def test_a_grid_holds_what_there_is_and_begins_with_the_chosen() -> None:
    chosen = Grid(("eroded",), ("all",), ("d4",))
    wide = chosen.widened(("full", "eroded"), ISPRS, "window")
    assert wide == Grid(("eroded", "full"), ("all", "legend"), ("d4", "none", "flips", "multiscale"))
    everything = Legend(classes=tuple(c.model_copy(update={"foreground": True}) for c in ISPRS.classes))
    narrow = Grid(("full",), ("legend",), ("none",)).widened(("full",), everything, "scene")
    assert narrow == Grid(("full",), ("legend",), ("none",))


OLD = {
    "protocol": {
        "window": 512,
        "overlap": 64,
        "dataset": "town",
        "split": "test",
        "classes": ["background", "building"],
        "foreground": ["building"],
    },
    "scores": {
        "overall_accuracy": 0.75,
        "mean_f1": 0.5,
        "mean_iou": 0.25,
        "classes": {
            "background": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "iou": 0.5, "pixels": 60},
            "building": {"precision": None, "recall": 0.0, "f1": 0.0, "iou": 0.25, "pixels": 40},
        },
    },
    "confusion": [[50, 10], [15, 25]],
}


def changed(evaluation: Evaluation, **settings: object) -> Evaluation:
    return evaluation.model_copy(update={"protocol": evaluation.protocol.model_copy(update=settings)})


def test_scores_of_the_first_version_are_read(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text(json.dumps(OLD))
    old = read_scores(tmp_path)
    assert old == read_scores(tmp_path / "scores.json")
    assert (old.protocol.labels, old.protocol.augmentation, old.protocol.context) == ("full", "none", "window")
    assert old.boundary is None and old.protocol.name == "full-1-none"


def test_scores_that_name_the_energy(tmp_path: Path) -> None:
    """Earlier versions could scale the channel attention's energy; only the paper's form is left."""
    named = json.loads(json.dumps(OLD))
    named["protocol"]["energy"] = "paper"
    (tmp_path / "scores.json").write_text(json.dumps(named))
    assert read_scores(tmp_path) == Evaluation.model_validate(OLD)
    assert "energy" not in read_scores(tmp_path).model_dump_json()
    named["protocol"]["energy"] = "training"
    (tmp_path / "scores.json").write_text(json.dumps(named))
    with pytest.raises(DatasetError, match="energy 'training'.*only 'paper'"):
        read_scores(tmp_path)


def test_what_makes_scores_different_quantities_is_named() -> None:
    old = Evaluation.model_validate(OLD)
    assert differences(old, old) == []
    for name, value in (
        ("labels", "eroded"),
        ("augmentation", "d4"),
        ("window", 1024),
        ("overlap", 0),
        ("context", "scene"),
        ("dataset", "village"),
        ("split", "validation"),
    ):
        assert differences(old, changed(old, **{name: value})) == [f"{name}: {getattr(old.protocol, name)} and {value}"]
    both = changed(old, foreground=("background", "building"), window=256)
    assert differences(old, both) == ["window: 512 and 256", "foreground: (building) and (background, building)"]
    fewer = Evaluation.model_validate(json.loads(json.dumps(OLD).replace("40", "39")))
    assert differences(old, fewer) == ["the labelled pixels of the classes"]
    scenes = [
        changed(old, context="scene", window=window, overlap=overlap) for window, overlap in ((1024, 128), (768, 256))
    ]
    assert differences(*scenes) == []  # exact, so windows do not matter


def test_scores_stand_side_by_side() -> None:
    old = Evaluation.model_validate(OLD)
    rows = score_rows([old, changed(old, window=64)])
    assert rows["overall accuracy"] == [0.75, 0.75] and rows["IoU building"] == [0.25, 0.25]
    assert list(rows)[:3] == ["overall accuracy", "mean F1", "mean IoU"] and len(rows) == 7

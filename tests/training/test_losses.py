"""Losses against twins that are written from their equations, and what never counts in any of them."""

import math

import pytest
import torch
from torch import Tensor

from manet.legend import IGNORED
from manet.recipe import LossSettings
from manet.training.losses import LOSSES, cross_entropy, dice, hard_cross_entropy, lovasz, training_loss

CLASSES = 4


def example(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits and labels of two images of 6 x 9 pixels, a few of them ignored; class 3 is in no label."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(2, CLASSES, 6, 9, generator=generator, dtype=torch.float64)
    labels = torch.randint(3, (2, 6, 9), generator=generator)
    labels[:, 2, 3:7] = IGNORED
    return logits.requires_grad_(), labels


def pixels(logits: Tensor, labels: Tensor) -> list[tuple[Tensor, int]]:
    """The logits and the class of every labelled pixel."""
    return [
        (logits[b, :, row, col], int(labels[b, row, col]))
        for b in range(2)
        for row in range(6)
        for col in range(9)
        if labels[b, row, col] != IGNORED
    ]


def naive_smooth(logits: Tensor, labels: Tensor, smoothing: float, weights: list[float]) -> Tensor:
    total, shares = torch.zeros((), dtype=torch.float64), 0.0
    for values, label in pixels(logits, labels):
        target = [smoothing / CLASSES + (1 - smoothing) * (k == label) for k in range(CLASSES)]
        probabilities = values.exp() / values.exp().sum()
        total = total - weights[label] * sum(t * p.log() for t, p in zip(target, probabilities, strict=True))
        shares += weights[label]
    return total / shares


def naive_dice(logits: Tensor, labels: Tensor) -> Tensor:
    found = pixels(logits, labels)
    losses = []
    for k in {label for _, label in found}:
        p = [values.softmax(0)[k] for values, _ in found]
        g = [float(label == k) for _, label in found]
        common = sum(a * b for a, b in zip(p, g, strict=True))
        losses.append(1 - 2 * common / (sum(a * a for a in p) + sum(b * b for b in g)))
    return torch.stack(losses).mean()  # type: ignore[arg-type]


def naive_lovasz(logits: Tensor, labels: Tensor) -> Tensor:
    """The Lovász extension by its definition, on sets: sum over i of m_i (J({1..i}) - J({1..i-1}))."""
    found = pixels(logits, labels)
    losses = []
    for k in {label for _, label in found}:
        of_class = {i for i, (_, label) in enumerate(found) if label == k}
        errors = {}
        for i, (values, label) in enumerate(found):
            p = values.softmax(0)[k]
            errors[i] = 1 - p if label == k else p
        order = sorted(errors, key=lambda i: -errors[i].item())
        total = torch.zeros((), dtype=torch.float64)
        for n, i in enumerate(order, start=1):
            with_it, before = set(order[:n]), set(order[: n - 1])
            jaccard = [len(wrong) / len(of_class | wrong) for wrong in (with_it, before)]
            total = total + errors[i] * (jaccard[0] - jaccard[1])
        losses.append(total)
    return torch.stack(losses).mean()


@pytest.mark.parametrize(("loss", "naive"), [(dice, naive_dice), (lovasz, naive_lovasz)])
def test_losses_and_gradients_are_their_twins(loss, naive) -> None:
    logits, labels = example()
    found, expected = loss(logits, labels), naive(logits, labels)
    torch.testing.assert_close(found, expected)
    assert 0.1 < found.item() < 1
    torch.testing.assert_close(torch.autograd.grad(found, logits), torch.autograd.grad(expected, logits))


def test_label_smoothing_is_its_twin_with_and_without_class_weights() -> None:
    logits, labels = example()
    for weights in ([1.0] * CLASSES, [0.5, 3.0, 1.0, 7.0]):
        expected = naive_smooth(logits, labels, 0.1, weights)
        torch.testing.assert_close(cross_entropy(logits, labels, torch.tensor(weights).double(), 0.1), expected)
    torch.testing.assert_close(cross_entropy(logits, labels, None, 0.1), naive_smooth(logits, labels, 0.1, [1.0] * 4))
    assert abs(cross_entropy(logits, labels, None, 0.1) - cross_entropy(logits, labels)) > 1e-3


def test_smoothing_makes_no_easy_pixel_hard() -> None:
    """Sure and right: the hardest sixteenth counts, smoothed or not."""
    labels = torch.randint(CLASSES, (1, 8, 10))
    logits = 6.0 * torch.nn.functional.one_hot(labels, CLASSES).movedim(-1, 1)
    logits[0, :, 0, 0] = 0  # undecided, and with four more the hardest sixteenth
    probability = math.exp(6) / (math.exp(6) + 3)
    easy = -0.9 * math.log(probability) - 0.1 / 4 * (math.log(probability) + 3 * math.log((1 - probability) / 3))
    expected = (math.log(4) + 4 * easy) / 5
    assert hard_cross_entropy(logits, labels, smoothing=0.1).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("loss", [*LOSSES.values(), dice, lovasz])
def test_what_is_ignored_never_counts(loss) -> None:
    logits, labels = example()
    changed = logits.detach().clone()
    changed[:, :, 2, 4:6] = torch.randn(2, CLASSES, 2).double() * 9
    assert loss(changed, labels) == loss(logits, labels)
    nothing = loss(logits, torch.full_like(labels, IGNORED))
    assert nothing == 0
    (gradient,) = torch.autograd.grad(nothing, logits)
    assert not gradient.any()


@pytest.mark.parametrize("loss", [dice, lovasz])
def test_losses_end_at_0_and_1(loss) -> None:
    labels = torch.randint(CLASSES, (2, 7, 5))
    right = 200.0 * torch.nn.functional.one_hot(labels, CLASSES).movedim(-1, 1).double()
    assert loss(right, labels).item() == pytest.approx(0, abs=1e-9)
    assert loss(right.roll(1, dims=1), labels).item() == pytest.approx(1, abs=1e-9)


def test_lovasz_is_one_minus_iou_where_the_network_is_sure() -> None:
    """At the corners of the cube the extension is the set function itself."""
    labels, predicted = torch.randint(3, (1, 12, 8)), torch.randint(3, (1, 12, 8))
    logits = 200.0 * torch.nn.functional.one_hot(predicted, 3).movedim(-1, 1).double()
    ious = [
        float(((labels == k) & (predicted == k)).sum() / ((labels == k) | (predicted == k)).sum()) for k in range(3)
    ]
    assert lovasz(logits, labels).item() == pytest.approx(1 - sum(ious) / 3)


def test_half_precision_is_summed_in_float32() -> None:
    """With the pixels of a real batch a sum of halves would stand still at 256."""
    labels = torch.randint(2, (1, 300, 400))
    logits = torch.randn(1, 2, 300, 400).bfloat16()
    for loss in (dice, lovasz):
        assert loss(logits, labels).dtype == torch.float32
        torch.testing.assert_close(loss(logits, labels), loss(logits.double(), labels).float(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", LOSSES)
def test_the_training_loss_is_the_sum_of_its_parts(kind: str) -> None:
    logits, labels = example()
    auxiliary, _ = example(1)
    weights = torch.tensor([0.5, 3.0, 1.0, 7.0]).double()
    settings = LossSettings(label_smoothing=0.1, dice=0.7, lovasz=0.3)
    own, other = (LOSSES[kind](each, labels, weights, 0.1) for each in (logits, auxiliary))
    expected = own + 0.4 * other + 0.7 * dice(logits, labels) + 0.3 * lovasz(logits, labels)
    outputs = [(logits, 1.0), (auxiliary, 0.4)]
    torch.testing.assert_close(training_loss(kind, outputs, labels, settings, weights), expected)
    plain = LOSSES[kind](logits, labels) + 0.4 * LOSSES[kind](auxiliary, labels)
    torch.testing.assert_close(training_loss(kind, outputs, labels, LossSettings()), plain, rtol=0, atol=0)

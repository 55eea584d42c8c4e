"""Accuracy by the size of objects, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from manet.evaluation.objects import SizeScores, size_names


def draw_objects(objects: Mapping[str, Sequence[SizeScores]], gsd_m: float | None, path: Path) -> None:
    """A PNG with a panel a class: recall, objects found and precision by size, with the number of labelled objects."""
    figure = Figure(figsize=(8, 0.6 + 2.2 * len(objects)), layout="constrained")
    panels = figure.subplots(len(objects), 1, sharex=True, squeeze=False)[:, 0]
    for panel, (name, sizes) in zip(panels, objects.items(), strict=True):
        counts = panel.twinx()
        counts.bar(range(len(sizes)), [size.objects for size in sizes], color="0.85", width=0.7)
        counts.set_ylabel("labelled objects", color="0.5")
        panel.set_zorder(counts.get_zorder() + 1)
        panel.patch.set_visible(False)
        for measure, style in (("recall", "o-"), ("found", "s--"), ("precision", "^:")):
            known = [
                (place, 100 * value) for place, s in enumerate(sizes) if (value := getattr(s, measure)) is not None
            ]
            panel.plot(*zip(*known, strict=True) if known else ([], []), style, label=measure)
        panel.set(ylim=(-2, 102), ylabel=f"{name}, %")
        panel.grid(axis="y", alpha=0.3)
    panels[0].legend(loc="lower right", fontsize=8)
    names = size_names(gsd_m)
    panels[-1].set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
    panels[-1].set_xlabel("size of the objects")
    figure.savefig(path, dpi=120)

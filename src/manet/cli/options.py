"""What `predict` and `evaluate` share: choosing how a scene is cut."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from manet.cli.console import console
from manet.errors import SceneError

if TYPE_CHECKING:
    import torch

    from manet.networks import Network
    from manet.prediction.augmentation import Augmentation
    from manet.prediction.context import SceneContext, WindowContext
    from manet.raster.scene import Scene
    from manet.raster.windows import Window
    from manet.runtime.exported import ExportedNetwork

ContextOption = Annotated[
    Literal["window", "scene"],
    typer.Option(help="What attention sees: each window by itself, or the whole scene, exactly."),
]
WindowOption = Annotated[
    int | None,
    typer.Option(help="Height and width that the network sees, pixels: 512; with scene context what memory allows."),
]
OverlapOption = Annotated[int, typer.Option(help="Window context: pixels that windows share with their neighbours.")]
HaloOption = Annotated[
    str | None,
    typer.Option(
        help="Scene context: outer pixels of a window that are context only: a number, measured (on the scene) or "
        "theoretical; if not given, what training measured, else measured."
    ),
]
CacheOption = Annotated[
    str, typer.Option(help="Scene context: memory for features kept between the two passes, such as 8GB or 500MB.")
]
EnergyOption = Annotated[
    Literal["paper", "training"],
    typer.Option(help="Channel energy of the paper, or scaled to the training size, which larger maps leave."),
]
AugmentationOption = Annotated[
    Literal["none", "flips", "d4", "multiscale"],
    typer.Option(
        "--tta",
        help="Window context: probabilities averaged over test-time augmentations: 4 flips, 8 flips and turns, or "
        "3 scales with a flip.",
    ),
]

BackendOption = Annotated[
    Literal["auto", "torch", "openvino", "onnxruntime"],
    typer.Option(help="Runtime; auto: an OpenVINO export of the checkpoint beside it, on a CPU, else torch."),
]


WINDOW = 512
"""Height and width that the network sees with window context, where nobody says otherwise."""


@dataclass(frozen=True)
class ContextChoice:
    """The options, as given."""

    context: Literal["window", "scene"]
    window: int | None
    overlap: int
    halo: str | None
    cache: str
    energy: Literal["paper", "training"]
    augmentation: "Augmentation" = "none"

    def predictor(
        self, network: "Network | ExportedNetwork", scene: "Scene", area: "Window", device: "torch.device"
    ) -> "WindowContext | SceneContext":
        """The predictor for an area. Raises SceneError, NetworkError where the options do not fit it."""
        from manet.prediction.augmentation import augmented
        from manet.prediction.context import HaloTiling, SceneContext, WindowContext
        from manet.prediction.predict import Tiling
        from manet.prediction.window_size import fitting_window

        card = network.card
        assert card is not None
        network.scale_energy(card.training_size if self.energy == "training" else None)
        if self.context == "window":
            tiling = Tiling(self.window or WINDOW, self.overlap)
            return WindowContext(augmented(network, self.augmentation), len(card.legend), tiling, device)
        if self.augmentation != "none":
            raise SceneError(
                f"got --tta {self.augmentation} with --context scene, which predicts a scene in one pose; "
                "expected one of them alone: leave out --tta, or take --context window"
            )
        network.check_local()
        halo, cache = self._halo(network, scene, area, device), parse_size(self.cache)
        window = self.window or fitting_window(network, len(card.bands), halo, device, cache)
        return SceneContext(network, HaloTiling(window, halo), device, cache)

    def _halo(
        self, network: "Network | ExportedNetwork", scene: "Scene", area: "Window", device: "torch.device"
    ) -> int:
        from manet.prediction.context import middle_of
        from manet.prediction.halo import TOLERANCE, measure_halo, theoretical_halo

        card = network.card
        assert card is not None
        if self.halo is not None and self.halo.isdecimal():
            return int(self.halo)
        if self.halo not in (None, "measured", "theoretical"):
            raise SceneError(f"got a halo of '{self.halo}'; expected a number of pixels, measured or theoretical")
        if self.halo is None and card.halo is not None:
            return card.halo
        measured = None
        if self.halo != "theoretical":
            measured = measure_halo(network, [middle_of(network, scene, area, device)])
        if measured is None:  # small scenes as well
            return theoretical_halo(network, len(card.bands))
        halo, error = measured
        off = f", off by {error:.0e} of a probability" if error > TOLERANCE else ""
        console.print(f"halo: {halo} pixels, measured on {scene.path}{off}", soft_wrap=True)
        return halo


def parse_size(text: str) -> int:
    """Bytes of 500MB, 8GB or a plain number. Raises SceneError for anything else."""
    units = {"": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(|[KMG]B)", text.strip().upper())
    if not match:
        raise SceneError(f"got a cache of '{text}'; expected a size such as 500MB or 8GB")
    return int(float(match[1]) * units[match[2]])

"""What `predict` and `evaluate` share: choosing how a scene is cut."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from manet.commands.console import console
from manet.errors import SceneError

if TYPE_CHECKING:
    import torch

    from manet.export.network import ExportedNetwork
    from manet.models import Network
    from manet.prediction.augmentation import Augmentation
    from manet.prediction.context import AreaPredictor
    from manet.raster.scene import Scene
    from manet.raster.windows import Window

ContextOption = Annotated[
    Literal["window", "scene"],
    typer.Option(help="What attention sees: each window by itself, or the whole scene, exactly."),
]
WindowOption = Annotated[
    int | None, typer.Option(help="Height and width that the network sees, pixels: 512, or 1024 with scene context.")
]
OverlapOption = Annotated[int, typer.Option(help="Window context: pixels that windows share with their neighbours.")]
HaloOption = Annotated[
    int | None,
    typer.Option(help="Scene context: outer pixels of a window that are context only; measured if not given."),
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


@dataclass(frozen=True)
class ContextChoice:
    """The options, as given."""

    context: Literal["window", "scene"]
    window: int | None
    overlap: int
    halo: int | None
    cache: str
    energy: Literal["paper", "training"]
    augmentation: "Augmentation" = "none"

    @property
    def seen(self) -> int:
        """Height and width that the network sees."""
        return self.window or {"window": 512, "scene": 1024}[self.context]

    def predictor(
        self, network: "Network | ExportedNetwork", scene: "Scene", area: "Window", device: "torch.device"
    ) -> "AreaPredictor":
        """The predictor for an area. Raises SceneError, NetworkError where the options do not fit it."""
        from manet.prediction.augmentation import augmented
        from manet.prediction.context import HaloTiling, SceneContext, WindowContext, halo_of
        from manet.prediction.predict import Tiling

        assert network.card is not None
        network.scale_energy(network.card.training_size if self.energy == "training" else None)
        if self.context == "window":
            tiling = Tiling(self.seen, self.overlap)
            return WindowContext(augmented(network, self.augmentation), len(network.card.legend), tiling, device)
        if self.augmentation != "none":
            raise SceneError(
                f"got --tta {self.augmentation} with --context scene, which predicts a scene in one pose; "
                "expected one of them alone: leave out --tta, or take --context window"
            )
        network.check_local()
        halo = self.halo
        if halo is None:
            halo = halo_of(network, scene, area, device)
            console.print(f"halo: {halo} pixels, measured on {scene.path}", soft_wrap=True)
        return SceneContext(network, HaloTiling(self.seen, halo), device, parse_size(self.cache))


def parse_size(text: str) -> int:
    """Bytes of 500MB, 8GB or a plain number. Raises SceneError for anything else."""
    units = {"": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(|[KMG]B)", text.strip().upper())
    if not match:
        raise SceneError(f"got a cache of '{text}'; expected a size such as 500MB or 8GB")
    return int(float(match[1]) * units[match[2]])

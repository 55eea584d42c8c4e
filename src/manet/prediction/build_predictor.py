"""From settings to what predicts: the window, and with scene context the halo, are decided here."""

from manet.card import Card
from manet.errors import OptionError
from manet.prediction.halo import TOLERANCE, measure_halo, middle_of
from manet.prediction.predictor import Predictor
from manet.prediction.scene_context import SceneContext
from manet.prediction.settings import WINDOW, PredictionSettings
from manet.prediction.window_context import WindowContext
from manet.prediction.window_size import fitting_batch, fitting_window, left_for_features, spare_memory
from manet.progress import QUIET, Progress
from manet.raster.scene import Scene
from manet.raster.windows import Window
from manet.runtime.protocol import Runtime


def build_predictor(
    runtime: Runtime,
    card: Card,
    settings: PredictionSettings,
    scene: Scene,
    region: Window | None = None,
    progress: Progress = QUIET,
) -> Predictor:
    """The predictor that settings ask for.

    Args:
        runtime: What computes the network.
        card: What the network was trained on.
        settings: How to predict.
        scene: The scene that a halo is measured on, where it has to be.
        region: The window of it that is predicted; None: all of it.
        progress: Is told of a measured halo.

    Raises:
        OptionError: The settings do not go together.
        NetworkError: Scene context would not be exact with this network.
    """
    classes = len(card.legend)
    if settings.context == "window":
        window = settings.window or min(runtime.only_size or (WINDOW, WINDOW))
        if runtime.only_size and window > min(runtime.only_size):
            raise OptionError(
                f"got a window of {window} pixels; the network takes images of {runtime.only_size[0]} x "
                f"{runtime.only_size[1]}",
                option="window",
            )
        batch = 1
        if runtime.device_name != "cpu":
            batch = fitting_batch(runtime.bytes_per_pixel(), window, spare_memory(runtime, settings.memory_bytes))
        return WindowContext(runtime, classes, window, settings.overlap, settings.augmentation, batch, progress)
    runtime.check_local()
    halo = _halo(runtime, card, settings, scene, region or scene.window, progress)
    runtime.prepare(scene_context=True, wait=True)  # graphs take memory of their own, which counts
    spare = spare_memory(runtime, settings.memory_bytes)
    per_pixel = runtime.bytes_per_pixel()
    window = settings.window or fitting_window(per_pixel, halo, runtime.stride, spare)
    return SceneContext(runtime, classes, window, halo, left_for_features(per_pixel, window, spare))


def _halo(
    runtime: Runtime, card: Card, settings: PredictionSettings, scene: Scene, region: Window, progress: Progress
) -> int:
    if isinstance(settings.halo, int):
        return settings.halo
    if settings.halo is None and card.halo is not None:
        return card.halo
    measured = None
    if settings.halo != "theoretical":
        measured = measure_halo(runtime, [middle_of(runtime, scene, region)])
    if measured is None:  # small scenes as well
        return runtime.theoretical_halo()
    halo, error = measured
    off = f", off by {error:.0e} of a probability" if error > TOLERANCE else ""
    progress.note(f"halo: {halo} pixels, measured on {scene.path}{off}")
    return halo

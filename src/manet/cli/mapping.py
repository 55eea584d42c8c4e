"""One scene after the other to its outputs: what `manet predict` does with each."""

import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import manet
from manet.cli.console import console, errors
from manet.cli.options import ContextChoice
from manet.cli.prediction_report import Pace, Report
from manet.errors import ManetError, OutputError

if TYPE_CHECKING:
    import torch

    from manet.card import Card
    from manet.export.backends import Backend, Runtime
    from manet.networks import Network
    from manet.prediction.map import Rasters
    from manet.raster.collar import Colour
    from manet.raster.polygons import PolygonSettings
    from manet.raster.scene import Scene
    from manet.runtime.exported import ExportedNetwork


@dataclass(frozen=True)
class Targets:
    """What to write of a scene, and where."""

    rasters: "Rasters"
    areas: Path | None = None
    polygons: Path | None = None
    polygon_settings: "PolygonSettings | None" = None

    @property
    def paths(self) -> list[Path]:
        from manet.raster.surfaces import areas_paths

        areas = areas_paths(self.areas) if self.areas is not None else ()
        return [*self.rasters.paths, *areas, *([self.polygons] if self.polygons is not None else [])]


@dataclass(frozen=True)
class Job:
    """A scene and its outputs."""

    scene: str
    targets: Targets


@dataclass(frozen=True)
class Mapper:
    """A checkpoint and how to predict with it."""

    checkpoint: Path
    choice: ContextChoice
    native: bool
    collar: "Colour | None"
    backend: "Backend"
    device: "torch.device"
    restart: bool
    overwrite: bool
    report: Report

    @cached_property
    def network(self) -> "Network | ExportedNetwork":
        from manet.export.backends import load_backend

        network, runs_on = load_backend(self.checkpoint, self.runtime, self.device, self.choice.energy)
        self.report.note(f"runs on {runs_on}")
        return network

    @cached_property
    def runtime(self) -> "Runtime":
        from manet.export.backends import choose_backend

        return choose_backend(self.checkpoint, self.backend, self.device, self.choice.energy)

    @cached_property
    def card(self) -> "Card":
        from manet.export.backends import read_any_card

        return read_any_card(self.checkpoint)

    @cached_property
    def digest(self) -> str:
        """Of the bytes of the checkpoint, or of an exported network's card, which names its checkpoint's."""
        from manet.runtime.export_card import CARD, fingerprint

        return fingerprint(self.checkpoint / CARD if self.checkpoint.is_dir() else self.checkpoint)

    def map(self, scene: str, targets: Targets) -> None:
        """Predict a scene, or go on with it, and write its outputs."""
        from manet.prediction.adapt import OwnGrid, fit_scene
        from manet.prediction.map import write_map
        from manet.prediction.resume import Journal
        from manet.raster.polygons import check_polygon_file, write_polygons
        from manet.raster.scene import Scene
        from manet.raster.surfaces import class_areas, write_areas

        if len(set(targets.paths)) < len(targets.paths):
            names = ", ".join(str(path) for path in targets.paths)
            raise OutputError(f"two outputs have one name ({names}); give each another name or folder")
        if targets.polygons is not None:
            check_polygon_file(targets.polygons)
        card, out = self.card, targets.rasters.classes
        with Scene(scene) as image, Journal(out, self._settings(image, targets.rasters), self.restart) as journal:
            journal.clear_way(targets.paths, self.overwrite)
            fit = fit_scene(image, card, self.native)
            for line in (*fit.notes, *(f"warning: {warning}" for warning in fit.warnings)):
                self.report.note(line)
            choice = replace(self.choice, **journal.chosen)
            if self.collar is not None:
                fit = fit.without_collar(self.collar)
            with fit.own as own, fit.resampled or own as seen:
                predictor = choice.predictor(self.network, seen, seen.window, self.device)
                journal.chosen = {"window": predictor.tiling.window}
                if choice.context == "scene":
                    journal.chosen["halo"] = str(predictor.overlap // 2)
                    self.report.note(f"windows of {predictor.tiling.window} pixels, halo of {journal.chosen['halo']}")
                if seen is not own:
                    predictor = OwnGrid(predictor, seen)
                if journal.parts.finished:
                    self.report.note(f"going on after {journal.parts.finished} finished strips")
                pace = Pace(predictor.windows(own.window), own.height * own.width / 1e6)
                with self.report.progress(pace) as advance:
                    write_map(
                        predictor, own, targets.rasters, card.legend, journal, overwrite=self.overwrite, advance=advance
                    )
            if targets.areas is not None:
                write_areas(class_areas(out, card.legend), targets.areas, overwrite=True)
            if targets.polygons is not None:
                write_polygons(
                    out, targets.polygons, targets.rasters.probabilities, targets.polygon_settings, overwrite=True
                )
        self.report.note(f"{image.height} x {image.width} pixels mapped to {', '.join(card.legend.names)}: {out}")

    def _settings(self, scene: "Scene", rasters: "Rasters") -> dict[str, Any]:
        """Everything that a map depends on."""
        import torch

        choice = self.choice
        scene_settings = {f"scene ({name})": value for name, value in scene.identity().items()}
        return scene_settings | {
            "checkpoint (SHA-256)": self.digest,
            "--context": choice.context,
            "--window": choice.window,
            "--overlap": choice.overlap,
            "--halo": choice.halo,
            "--energy": choice.energy,
            "--tta": choice.augmentation,
            "--native": self.native,
            "--collar": self.collar,
            "--probabilities": rasters.probabilities is not None,
            "--uncertainty": rasters.uncertainty is not None,
            "--backend": self.runtime,
            "device": self.device.type,
            "version": f"manet {manet.__version__}, torch {torch.__version__}",
        }


def run(mapper: Mapper, job: Job) -> None:
    """Map one scene and tell of it. Raises what `Mapper.map` does."""
    begin, report = time.monotonic(), mapper.report
    outputs = [str(path) for path in job.targets.paths]
    report.event("started", scene=job.scene, outputs=outputs)
    try:
        mapper.map(job.scene, job.targets)
    except ManetError as error:
        report.event("failed", scene=job.scene, error=str(error))
        raise
    report.event("finished", scene=job.scene, outputs=outputs, seconds=round(time.monotonic() - begin, 1))


def run_all(mapper: Mapper, jobs: list[Job]) -> None:
    """Map every scene. Those that fail are named at the end, and the exit status is 1."""
    _ = mapper.card  # a wrong checkpoint is no scene's fault
    failed: list[str] = []
    for number, job in enumerate(jobs, 1):
        console.print(f"{number} of {len(jobs)}: {job.scene}", markup=False, highlight=False, soft_wrap=True)
        try:
            run(mapper, job)
        except ManetError as error:
            failed.append(job.scene)
            errors.print(f"failed: {error}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(jobs) - len(failed)} of {len(jobs)} scenes mapped", highlight=False)
    if failed:
        errors.print(f"not mapped: {', '.join(failed)}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)

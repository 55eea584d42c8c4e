"""From a publisher's files to the one form."""

from pathlib import Path

from manet.datasets.manifest import MANIFEST, SPLITS, Area, Manifest
from manet.datasets.prepare import Progress, SourceScene, refuse_all, write_dataset
from manet.datasets.sources.published.archives import SourceFolder
from manet.datasets.sources.published.gather import gather, whole_scenes
from manet.datasets.sources.published.publication import Publication, PublicationSettings
from manet.datasets.sources.published.scenes import look_at
from manet.errors import DatasetError, SceneError
from manet.files import refuse_existing

PARTIAL = "-partial"
"""Ends the name of a dataset that lacks scenes of its publisher's: scores on it are others."""


def prepare_publication(
    publication: Publication,
    source: Path | None,
    out: Path,
    overwrite: bool,
    progress: Progress,
    settings: PublicationSettings,
) -> Manifest:
    """Archives or their contents, wherever they lie under `source`, to scenes and class rasters.

    That archives are whole, files there and sizes alike is checked before anything is written; colours and checksums
    are while a scene is. Raises DatasetError with what is wrong, by name.
    """
    if publication.note:
        progress(publication.note)
    if source is None:
        raise DatasetError(f"{publication.name} is made from files; give their folder with --source")
    refuse_existing(out / MANIFEST, overwrite)
    with SourceFolder(source, out, publication.nested) as folder:
        found = gather(publication, folder, source, progress)
        names = whole_scenes(publication, found, settings.incomplete, progress)
        scenes, wrong = list[SourceScene](), list[str]()
        for name in names:
            try:
                scenes.append(look_at(publication, folder, name, found[name], settings.stray, progress))
            except (DatasetError, SceneError) as error:
                wrong.append(str(error))
        refuse_all(wrong)
        return write_dataset(
            out,
            dataset=publication.name + (PARTIAL if len(names) < len(publication.scenes) else ""),
            legend=publication.legend.legend,
            bands=publication.bands,
            scenes=scenes,
            splits={
                split: tuple(_area(scene) for scene in scenes if publication.scenes[scene.name] == split)
                for split in SPLITS
            },
            attribution=publication.attribution,
            overwrite=overwrite,
            progress=progress,
            gsd_m=publication.gsd_m,
        )


def _area(scene: SourceScene) -> Area:
    return Area(scene=scene.name, row=0, col=0, height=scene.height, width=scene.width)

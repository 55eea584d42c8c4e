"""From a publisher's files to the one form of a prepared dataset."""

from pathlib import Path

from manet.datasets.manifest import MANIFEST, SPLITS, Area, Manifest
from manet.datasets.prepare import SourceDataset, SourceScene, refuse_all, write_dataset
from manet.datasets.sources.published.archives import SourceFolder
from manet.datasets.sources.published.gather import gather, whole_scenes
from manet.datasets.sources.published.publication import Publication, PublicationSettings
from manet.datasets.sources.published.scenes import open_scene
from manet.errors import DatasetError, ManetError, SceneError
from manet.files import refuse_existing
from manet.progress import QUIET, Progress

PARTIAL = "-partial"
"""Added to the name of a dataset that lacks some of the publisher's scenes, since scores on it are not comparable."""


def prepare_publication(
    publication: Publication,
    source: Path,
    out: Path,
    settings: PublicationSettings,
    *,
    overwrite: bool = False,
    progress: Progress = QUIET,
) -> Manifest:
    """Turn a publisher's archives, or what they unpack to, into scenes and class rasters.

    Before anything is written it is checked that archives are whole, files are there and sizes agree. Colours and
    checksums are checked while a scene is written.

    Args:
        publication: What the dataset consists of.
        source: Folder that the files are in, however deep.
        out: Folder of the prepared dataset.
        settings: What happens to stray labels and incomplete scenes.
        overwrite: Whether a dataset that is in `out` is replaced.
        progress: Told of every step, and of what is left out.

    Raises:
        DatasetNotFoundError: Files are missing.
        DatasetError: Files are damaged, do not belong together, or hold labels that are not in the legend.
        OutputError: There is a dataset in `out`, or it cannot be written.
    """
    if publication.note:
        progress.note(publication.note)
    refuse_existing(out / MANIFEST, overwrite)
    with SourceFolder(source, out, publication.nested) as folder:
        found = gather(publication, folder, source, progress)
        names = whole_scenes(publication, found, settings.incomplete, progress)
        scenes, wrong = list[SourceScene](), list[ManetError]()
        for name in names:
            try:
                scenes.append(open_scene(publication, folder, name, found[name], settings.stray, progress))
            except (DatasetError, SceneError) as error:
                wrong.append(error)
        refuse_all(wrong)
        dataset = SourceDataset(
            name=publication.name + (PARTIAL if len(names) < len(publication.scenes) else ""),
            legend=publication.legend.legend,
            bands=publication.bands,
            scenes=scenes,
            splits={
                split: tuple(_area(scene) for scene in scenes if publication.scenes[scene.name] == split)
                for split in SPLITS
            },
            attribution=publication.attribution,
            gsd_m=publication.gsd_m,
        )
        return write_dataset(out, dataset, overwrite=overwrite, progress=progress)


def _area(scene: SourceScene) -> Area:
    return Area(scene=scene.name, row=0, col=0, height=scene.height, width=scene.width)

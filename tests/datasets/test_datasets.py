"""The prepared form: manifests and splits, patches, augmentation, Banepa, downloads."""

import http.server
import shutil
import statistics
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from pydantic import ValidationError

from builders import Recorded
from manet.datasets.augment import Pose, apply_pose, draw_pose
from manet.datasets.band_statistics import Moments, band_statistics
from manet.datasets.catalogue import RemoteDataset, RemoteFile, remote_dataset
from manet.datasets.class_pixels import class_pixels
from manet.datasets.download import fetch
from manet.datasets.manifest import Manifest, read_manifest
from manet.datasets.patches import EpochSampler, Patches
from manet.datasets.sources import prepare_source
from manet.datasets.sources.town.prepare import GSD_M
from manet.errors import DatasetError, DatasetNotFoundError, DownloadError, OutputError
from manet.legend import IGNORED
from manet.raster.scene import Scene
from manet.recipe import AugmentationSettings

Town = tuple[Path, Manifest]


def altered(manifest: Manifest, **changes: object) -> Manifest:
    return Manifest.model_validate(manifest.model_dump() | changes)


def test_the_manifest_describes_what_was_written(town: Town) -> None:
    folder, manifest = town
    assert read_manifest(folder) == manifest
    assert manifest.gsd_m == pytest.approx(GSD_M, rel=2e-3)
    with Scene(folder / "images/town.tif") as scene, Scene(folder / "labels/town.tif") as labels:
        image, _ = scene.read(scene.window)
        truth = labels.read(labels.window)[0][0]
    train = image[:, : manifest.splits["train"][0].height].reshape(3, -1)
    assert manifest.statistics.mean == pytest.approx(train.mean(axis=1))
    assert manifest.statistics.std == pytest.approx(train.std(axis=1))
    assert manifest.statistics.maximum == tuple(train.max(axis=1))
    assert sum(sum(counts) for counts in manifest.pixels.values()) == truth.size
    assert np.add.reduce(list(manifest.pixels.values())).tolist() == np.bincount(truth.ravel(), minlength=6).tolist()


def test_statistics_of_whole_numbers_are_exact() -> None:
    """Whatever the order and the machine: a dataset is known by its manifest's digest."""
    values = np.random.default_rng(0).integers(0, 40_000, (2, 5000), np.uint16)
    moments = Moments(values[:, 77:100])
    for part in np.array_split(values, 7, axis=1):
        moments.add(part)
    found = moments.statistics()
    assert found.mean == tuple(statistics.mean(map(int, band)) for band in values)
    assert found.std == tuple(statistics.pstdev(map(int, band)) for band in values)


def test_statistics_of_values_far_from_zero(town: Town, tmp_path: Path) -> None:
    """Sums of squares in one go would lose every digit here."""
    folder, manifest = town
    shutil.copytree(folder, tmp_path / "data")
    with rasterio.open(folder / "images/town.tif") as dataset:
        profile, values = dataset.profile, dataset.read().astype(np.float64) * 1e-3 + 1e6
    with rasterio.open(
        tmp_path / "data/images/town.tif", "w", **(profile | {"dtype": "float64", "predictor": 3})
    ) as out:
        out.write(values)
    found = band_statistics(tmp_path / "data", manifest.scenes, manifest.splits["train"])
    assert found.std == pytest.approx([s * 1e-3 for s in manifest.statistics.std], rel=1e-4)


def test_splits_that_overlap_are_refused(town: Town) -> None:
    areas = {s: [a.model_dump() for a in areas] for s, areas in town[1].splits.items()}
    areas["test"][0]["row"] -= 1
    with pytest.raises(DatasetError, match="validation and test overlap"):
        altered(town[1], splits=areas)
    areas["test"][0]["row"] += 2
    with pytest.raises(DatasetError, match="reaches beyond"):
        altered(town[1], splits=areas)
    areas["test"][0]["scene"] = "village"
    with pytest.raises(DatasetError, match="names scene 'village'"):
        altered(town[1], splits=areas)
    with pytest.raises(ValidationError):
        altered(town[1], colour="red")


def test_manifests_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError, match=r"no manifest\.json"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(DatasetError, match="not a manifest"):
        read_manifest(tmp_path)


def test_preparing_twice_overwrites_nothing_unasked(town: Town) -> None:
    with pytest.raises(OutputError, match="exists already") as info:
        prepare_source("town", town[0], height=640, width=320)
    assert info.value.option == "overwrite"


def test_labels_outside_the_legend_are_counted_and_refused(town: Town, tmp_path: Path) -> None:
    folder, manifest = town
    shutil.copytree(folder, tmp_path / "data")
    with rasterio.open(tmp_path / "data/labels/town.tif", "r+") as labels:
        labels.write(np.full((1, 2, 3), 17, np.uint8), window=rasterio.windows.Window(5, 5, 3, 2))
    with pytest.raises(DatasetError, match="value 17 .*6 pixels.*255"):
        class_pixels(tmp_path / "data", manifest.scenes, manifest.splits["train"], 6)


def test_patches_without_augmentation_are_the_windows(town: Town) -> None:
    folder, manifest = town
    patches = Patches(folder, manifest, "validation", 48)
    area = manifest.splits["validation"][0].window
    with Scene(folder / "images/town.tif") as scene, Scene(folder / "labels/town.tif") as labels:
        image, truth = scene.read(area)[0], labels.read(area)[0][0]
    assert len(patches) == 2 * 7
    seen = np.zeros(truth.shape, bool)
    for index, (_, cell) in enumerate(patches.cells):
        item = patches[0, index]
        rows, columns = cell.within(area).slices
        np.testing.assert_array_equal(item["image"], image[:, rows, columns])
        np.testing.assert_array_equal(item["labels"], truth[rows, columns])
        seen[rows, columns] = True
    assert seen.all()


def test_a_patch_depends_on_seed_epoch_and_index_alone(town: Town) -> None:
    folder, manifest = town

    def patches(seed: int) -> Patches:
        return Patches(folder, manifest, "train", 64, AugmentationSettings(rotation="any"), seed)

    first, second = patches(1), patches(1)
    torch.rand(7)
    a = first[3, 4]
    second[0, 0]
    b = second[3, 4]
    torch.testing.assert_close(a["image"], b["image"], rtol=0, atol=0)
    assert a["name"] == b["name"]
    for other in (first[4, 4], first[3, 5], patches(2)[3, 4]):
        assert not torch.equal(a["image"], other["image"])


def test_pixels_outside_the_area_are_never_read(town: Town, tmp_path: Path) -> None:
    """Whatever surrounds an area, its patches are the same; what a pose takes from beyond it is ignored."""
    folder, manifest = town
    areas = {s: [a.model_dump() for a in areas] for s, areas in manifest.splits.items()}
    areas["train"] = [{"scene": "town", "row": 100, "col": 100, "height": 50, "width": 70}]
    narrow = altered(manifest, splits=areas)
    shutil.copytree(folder, tmp_path / "painted")
    with rasterio.open(tmp_path / "painted/images/town.tif", "r+") as dataset:
        image = dataset.read()
        painted = np.full_like(image, 255)
        painted[:, 100:150, 100:170] = image[:, 100:150, 100:170]
        dataset.write(painted)
    settings = AugmentationSettings(rotation="any")
    original, other = (Patches(f, narrow, "train", 64, settings) for f in (folder, tmp_path / "painted"))
    shares = []
    for epoch in range(20):
        a, b = original[epoch, 0], other[epoch, 0]
        torch.testing.assert_close(a["image"], b["image"], rtol=0, atol=0)
        assert torch.equal(a["labels"] == IGNORED, a["valid"][0] == 0)
        shares.append(a["valid"].mean().item())
    assert 0.1 < min(shares) < 0.9


def test_a_split_without_labels_has_no_patch(town: Town, tmp_path: Path) -> None:
    folder, manifest = town
    shutil.copytree(folder, tmp_path / "data")
    with rasterio.open(tmp_path / "data/labels/town.tif", "r+") as labels:
        labels.write(np.full((1, *labels.shape), IGNORED, np.uint8))
    with pytest.raises(DatasetError, match="no patch in the train split"):
        Patches(tmp_path / "data", manifest, "train", 64)
    with pytest.raises(DatasetError, match="no patch in the test split"):
        Patches(folder, altered(manifest, splits={"train": manifest.splits["train"]}), "test", 64)


def test_labels_of_another_size_than_the_image(town: Town, tmp_path: Path) -> None:
    shutil.copytree(town[0], tmp_path / "data")
    with rasterio.open(tmp_path / "data/labels/town.tif") as labels:
        profile = labels.profile | {"height": 600}
    with rasterio.open(tmp_path / "data/labels/town.tif", "w", **profile):
        pass
    with pytest.raises(DatasetError, match="600 x 320 .*640 x 320"):
        Patches(tmp_path / "data", town[1], "train", 64)


def test_the_sampler_shows_every_patch_once_an_epoch_and_can_go_on() -> None:
    first = list(EpochSampler(17, seed=3, epoch=5))
    assert sorted(first) == [(5, i) for i in range(17)]
    assert first != list(EpochSampler(17, seed=3, epoch=6))
    assert list(EpochSampler(17, seed=3, epoch=5, start=6)) == first[6:]


@pytest.mark.parametrize("size", [64, 65])
def test_poses_move_image_and_labels_together(size: int) -> None:
    generator = torch.Generator().manual_seed(0)
    settings = AugmentationSettings(rotation="any", resize=(0.6, 1.6))
    angles = set()
    for _ in range(20):
        pose = draw_pose(settings, generator)
        angles.add(round(pose.angle / 30))
        reach = pose.reach(size)
        checks = (torch.arange(reach).view(-1, 1) // 16 + torch.arange(reach).view(1, -1) // 16) % 2
        image = apply_pose(checks[None].float(), pose, size, smooth=True)
        labels = apply_pose(checks[None].to(torch.uint8), pose, size, smooth=False)
        assert image.shape == labels.shape == (1, size, size)
        assert ((image > 0.5) == labels.bool()).float().mean() > 0.9
        everything = apply_pose(torch.ones(1, reach, reach, dtype=torch.uint8), pose, size, smooth=False)
        assert everything.float().mean() > 0.99  # the reach suffices: no empty corners
    assert len(angles) > 5


def test_right_angles_are_exact() -> None:
    values = torch.arange(12.0).view(1, 3, 4)[:, :, :3]
    turned = apply_pose(values, Pose(angle=90.0, flip_rows=True), 3, smooth=True)
    torch.testing.assert_close(turned, values.rot90(1, dims=(1, 2)).flip(1), rtol=0, atol=0)


def test_banepa_from_the_mirror(mirror: Path, tmp_path: Path) -> None:
    fetch(remote_dataset("banepa"), tmp_path / "sources/banepa", mirror)
    manifest = prepare_source("banepa", tmp_path / "banepa", tmp_path / "sources")
    assert (manifest.scenes[0].height, manifest.scenes[0].width) == (4096, 3072)
    assert manifest.gsd_m == pytest.approx(0.132, abs=5e-4)
    assert sum(manifest.pixels["train"]) == 2048 * 3072
    buildings = sum(counts[1] for counts in manifest.pixels.values())
    assert buildings / (4096 * 3072) == pytest.approx(0.45, abs=0.01)
    with (
        Scene(tmp_path / "banepa/images/banepa.tif") as scene,
        Scene(next(mirror.rglob("OAM-386692-220245-19.tif"))) as chip,
    ):
        expected = chip.read(chip.window)[0]
        place = type(chip.window)(4 * 512, 2 * 512, 512, 512)
        np.testing.assert_array_equal(scene.read(place)[0], expected)
    (tmp_path / "sources/banepa/data/sample/train/oam/OAM-386692-220245-19.tif").unlink()
    with pytest.raises(DatasetError, match=r"OAM-386692-220245-19\.tif"):
        prepare_source("banepa", tmp_path / "again", tmp_path / "sources")
    assert not (tmp_path / "again").exists()
    with pytest.raises(DatasetError, match="no data/sample/train"):
        prepare_source("banepa", tmp_path / "again", tmp_path)


CONTENT = bytes(range(256)) * 400
FILE = RemoteFile("folder/file.bin", len(CONTENT), "0c5d4f6d1c1d5fb9")


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one file, from where it is asked to."""

    ranges: list[str | None] = []

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.ranges.append(asked)
        if self.path != "/folder/file.bin":
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.send_response(206 if asked else 200)
        self.end_headers()
        self.wfile.write(CONTENT[start:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.ranges = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()


def remote(url: str, monkeypatch: pytest.MonkeyPatch, digest: str | None = None) -> RemoteDataset:
    import hashlib

    file = RemoteFile(FILE.path, FILE.size, digest or hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(RemoteDataset, "remote_files", property(lambda self: (file,)))
    return RemoteDataset("thing", "A thing", url, "nobody")


def test_downloads_are_verified_continued_and_kept(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    thing, target = remote(server, monkeypatch), tmp_path / "folder/file.bin"
    progress = Recorded()
    target.parent.mkdir()
    target.with_name("file.bin.partial").write_bytes(CONTENT[:1000])
    fetch(thing, tmp_path, progress=progress)
    assert target.read_bytes() == CONTENT
    assert Handler.ranges == ["bytes=1000-"]
    fetch(thing, tmp_path, progress=progress)
    assert len(Handler.ranges) == 1  # what is whole is not fetched again
    assert progress.counts == [("fetching thing (kB)", 102, 102)] * 2
    assert [p.name for p in target.parent.iterdir()] == ["file.bin"]


def test_downloads_that_fail(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="another checksum"):
        fetch(remote(server, monkeypatch, digest="0" * 64), tmp_path)
    assert not list(tmp_path.rglob("*.bin*"))
    with pytest.raises(DownloadError, match="answers 404"):
        fetch(remote(server.replace("/folder", "") + "no", monkeypatch), tmp_path)
    with pytest.raises(DownloadError, match="cannot be reached"):
        fetch(remote("http://127.0.0.1:9/", monkeypatch), tmp_path)
    with pytest.raises(DownloadError, match="mirror has no"):
        fetch(remote(server, monkeypatch), tmp_path, mirror=tmp_path)

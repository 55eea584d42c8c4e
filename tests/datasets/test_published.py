"""Publishers' archives with faults: one clear line for each, nothing half-written, and a second run."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import publishers
from builders import Recorded
from manet.datasets.manifest import Manifest
from manet.datasets.sources import prepare_source
from manet.datasets.sources.isprs import vaihingen
from manet.datasets.sources.published import archives
from manet.datasets.unfinished import UNFINISHED
from manet.errors import DatasetError, DatasetNotFoundError, ManetError
from manet.legend import IGNORED
from manet.raster.scene import Scene

BASE = "ISPRS_semantic_labeling_Vaihingen"
IMAGES, FULL, ERODED = (f"{BASE}{end}.zip" for end in ("", "_ground_truth_COMPLETE", "_ground_truth_eroded_COMPLETE"))
AREA = "top_mosaic_09cm_area4.tif"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """All archives; the tests look at five areas only."""
    return publishers.write(tmp_path / "source", publishers.vaihingen_archives())


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"area1": "train", "area3": "train", "area30": "validation", "area2": "test", "area4": "test"}
    monkeypatch.setattr(vaihingen, "SCENES", names)


def run(source: Path, **settings: object) -> tuple[Manifest, list[str]]:
    progress = Recorded()
    return prepare_source("vaihingen", source.parent / "out", source, progress=progress, **settings), progress.lines


def refused(source: Path, written: bool = False, **settings: object) -> str:
    """The one line of an error, and the setting that it names."""
    with pytest.raises(ManetError) as info:
        run(source, **settings)
    assert "\n" not in str(info.value) and "--" not in str(info.value)
    out = source.parent / "out"
    assert out.exists() == written
    assert not (out / "manifest.json").exists()
    assert not [path for path in source.parent.rglob("*") if "partial" in path.name or "unpacking" in path.name]
    return f"{info.value} ({info.value.option})"


def change(path: Path, edit: Callable[[publishers.Members], None]) -> None:
    """Write an archive again with other members."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    edit(members)
    path.write_bytes(publishers.archive(members))


def labels(classes: np.ndarray) -> bytes:
    return publishers.tiff(publishers.coloured(classes))


def test_no_folder_and_a_folder_with_neither_archive(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "holiday.jpg").write_bytes(b"")
    line = refused(tmp_path / "source")
    assert "holds nothing of vaihingen" in line
    assert IMAGES in line
    assert FULL in line
    with pytest.raises(DatasetNotFoundError, match="nowhere"):
        run(tmp_path / "nowhere")


def test_a_truncated_archive(source: Path) -> None:
    content = (source / FULL).read_bytes()
    (source / FULL).write_bytes(content[:-100])
    line = refused(source)
    assert line.startswith(f"{FULL} cannot be read as a zip archive")
    assert "truncated" in line


@pytest.mark.parametrize("name", ["../evil.tif", "a/../../evil.tif", "/etc/evil.tif", "..\\evil.tif", "C:\\evil.tif"])
def test_a_member_that_would_leave_its_folder(source: Path, name: str) -> None:
    change(source / FULL, lambda members: members.update({name: b"evil"}))
    line = refused(source)
    assert f"{FULL} has a member whose name leads out of its folder" in line
    assert not list(source.parent.rglob("evil*"))


def test_a_member_that_is_a_link(source: Path) -> None:
    with zipfile.ZipFile(source / FULL, "a") as file:
        link = zipfile.ZipInfo("link.tif")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    assert "a member that is a link, 'link.tif'" in refused(source)


def test_a_member_larger_than_any_image(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LARGEST_IMAGE", 1000)
    assert "no publisher" in refused(source, written=False)


def test_an_encrypted_archive(source: Path) -> None:
    content = bytearray((source / ERODED).read_bytes())
    place = 0
    while (place := content.find(b"PK\1\2", place)) >= 0:
        content[place + 8] |= archives.ENCRYPTED
        place += 4
    (source / ERODED).write_bytes(content)
    assert "is encrypted; unpack the archive" in refused(source)


def test_missing_files_are_named_and_the_rest_is_usable(source: Path) -> None:
    change(source / FULL, lambda members: members.pop(AREA) and None)
    change(source / IMAGES, lambda members: members.pop("top/top_mosaic_09cm_area3.tif") and None)
    line = refused(source)
    assert line.startswith("3 of 5 scenes of vaihingen") and "images of 1 (area3), from " in line
    assert "labels of 1 (area4), from " + FULL in line
    assert line.endswith("(incomplete)")
    manifest, told = run(source, incomplete=True)
    assert manifest.dataset == "vaihingen-partial"
    assert {scene.name for scene in manifest.scenes} == {"area1", "area2", "area30"}
    assert any("3 of 5 scenes of vaihingen" in line and "left out" in line for line in told)


def test_without_eroded_labels_there_are_none(source: Path) -> None:
    (source / ERODED).unlink()
    manifest, told = run(source)
    assert all(scene.eroded is None for scene in manifest.scenes)
    assert manifest.dataset == "vaihingen"
    assert any("no labels with eroded boundaries" in line for line in told)


def test_sizes_that_differ(source: Path) -> None:
    classes = publishers.vaihingen_cut(4).classes
    change(source / FULL, lambda members: members.update({AREA: labels(classes[:-1])}))
    height, width = classes.shape
    assert f"{AREA} has {height - 1} x {width} pixels, its image" in refused(source)


def test_files_that_are_there_twice(source: Path, tmp_path: Path) -> None:
    classes = publishers.vaihingen_cut(4).classes.copy()
    publishers.write(source / "unpacked", {AREA: publishers.tiff(publishers.coloured(classes), "EPSG:32632")})
    _, told = run(source)
    assert any("more than once, with the same content" in line for line in told)  # other bytes, the same pixels
    classes[0, 0] = (classes[0, 0] + 1) % 6
    publishers.write(source / "unpacked", {AREA: labels(classes)})
    with pytest.raises(DatasetError, match=f"unpacked/{AREA} and {FULL}: {AREA} are both labels of scene area4"):
        prepare_source("vaihingen", tmp_path / "other", source)


def test_a_stray_colour_and_the_second_run_after_the_mend(source: Path) -> None:
    classes = publishers.vaihingen_cut(4).classes
    stray = publishers.coloured(classes).copy()
    stray[:, 5, 7:9] = np.array([[1], [2], [3]])
    change(source / FULL, lambda members: members.update({AREA: publishers.tiff(stray)}))
    line = refused(source, written=True)
    assert f"colour (1, 2, 3) in 2 pixels (first: row 5, column 7 of {FULL}: {AREA})" in line
    assert line.endswith("kept for the next run: 4 (stray)")
    out = source.parent / "out"
    assert not (out / "labels/area4.tif").exists()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.tif")}
    assert len(before) == 12

    change(source / FULL, lambda members: members.update({AREA: labels(classes)}))
    manifest, told = run(source)
    assert "scenes kept from an earlier run: 4" in told
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not (out / UNFINISHED).exists()
    with Scene(out / manifest.scene("area4").labels) as scene:
        assert (scene.read(scene.window)[0][0] == classes).all()


def test_stray_colours_ignored_on_request(source: Path) -> None:
    stray = publishers.coloured(publishers.vaihingen_cut(4).classes).copy()
    stray[:, 5, 7:9] = np.array([[1], [2], [3]])
    change(source / FULL, lambda members: members.update({AREA: publishers.tiff(stray)}))
    manifest, told = run(source, stray="ignore")
    with Scene(source.parent / "out" / manifest.scene("area4").labels) as scene:
        assert (np.argwhere(scene.read(scene.window)[0][0] == IGNORED) == [[5, 7], [5, 8]]).all()
    assert any("scene 'area4', labels: ignored" in line and "(1, 2, 3) in 2 pixels" in line for line in told)


def test_a_scene_made_otherwise_is_made_again(source: Path) -> None:
    """What a stopped run left counts only where files and settings are the same."""
    stray = publishers.coloured(publishers.vaihingen_cut(4).classes).copy()
    stray[:, 5, 7:9] = 9
    change(source / FULL, lambda members: members.update({AREA: publishers.tiff(stray)}))
    refused(source, written=True)
    _, told = run(source, stray="ignore")
    assert not any("from an earlier run" in line for line in told)


def test_a_damaged_member(source: Path) -> None:
    """Found by its checksum; the scene is not written, and where it lies is named."""
    with zipfile.ZipFile(source / ERODED) as file:
        info = file.getinfo("top_mosaic_09cm_area2_noBoundary.tif")
        start = info.header_offset + 30 + len(info.filename)
    content = bytearray((source / ERODED).read_bytes())
    content[start + info.compress_size - 12] ^= 0x55
    (source / ERODED).write_bytes(content)
    line = refused(source, written=True)
    assert f"{ERODED}: top_mosaic_09cm_area2_noBoundary.tif is damaged" in line
    assert "kept for the next run: 4" in line


def test_a_truncated_image_names_itself(source: Path) -> None:
    """Unpacked, so that no checksum tells."""
    with zipfile.ZipFile(source / IMAGES) as file:
        content = file.read("top/top_mosaic_09cm_area2.tif")
    change(source / IMAGES, lambda members: members.pop("top/top_mosaic_09cm_area2.tif") and None)
    publishers.write(source, {"top/top_mosaic_09cm_area2.tif": content[: len(content) // 2]})
    line = refused(source, written=True)
    assert "top/top_mosaic_09cm_area2.tif cannot be read as an image" in line

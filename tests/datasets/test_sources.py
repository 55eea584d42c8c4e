"""Every source can be prepared by one call, with settings that are checked, and the command line offers the same."""

from pathlib import Path
from typing import Any

import pytest
import typer

from manet.cli.prepare import app
from manet.datasets.sources import SOURCES, prepare_source
from manet.errors import DatasetError, DatasetNotFoundError, OptionError


def test_the_command_line_offers_the_librarys_sources_and_settings() -> None:
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert commands.keys() == SOURCES.keys()
    for name, command in commands.items():
        preparation = SOURCES[name]
        shared = {"out", "overwrite"} | ({"source"} if preparation.has_files else set())
        options = {parameter.name for parameter in command.params} - {"help"} - shared
        known = set(preparation.settings.model_fields)
        assert options == (known if name != "town" else set()), name


@pytest.mark.parametrize(
    ("name", "settings", "option"),
    [
        ("town", {"heigth": 640}, "heigth"),
        ("town", {"height": 63}, "height"),
        ("folder", {"outside_polygons": "nothing"}, "outside_polygons"),
        ("banepa", {"stray": "ignore"}, "stray"),
        ("potsdam", {"bands": "bgr"}, "bands"),
        ("loveda", {}, "source"),
    ],
)
def test_wrong_settings_are_named(name: str, settings: dict[str, Any], option: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError) as info:
        prepare_source(name, tmp_path / "out", **settings)
    assert info.value.option == option and "\n" not in str(info.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", [name for name, preparation in SOURCES.items() if preparation.has_files])
def test_files_that_are_not_there(name: str, tmp_path: Path) -> None:
    settings = {"legend": "buildings"} if name == "folder" else {}
    with pytest.raises(DatasetNotFoundError):
        prepare_source(name, tmp_path / "out", tmp_path / "nowhere", **settings)
    with pytest.raises(DatasetError, match="nearest: town"):
        prepare_source("towm", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []

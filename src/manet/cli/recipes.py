"""`manet recipes`: the recipes that come with manet."""

import re

from manet.cli.console import console


def recipes() -> None:
    """List the recipes that come with manet, one per line."""
    from manet.recipe import shipped_recipes

    files = shipped_recipes()
    for name, file in files.items():
        line = f"{name:<{max(map(len, files))}}  {purpose(file.read_text(encoding='utf-8'))}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print("\nuse: manet train --recipe NAME, or a TOML file of your own in the same form", highlight=False)


def purpose(text: str) -> str:
    """The first sentence of the comment at the beginning of a recipe."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return re.split(r"(?<!\bal)\.(?:\s|$)", " ".join(lines), maxsplit=1)[0]

"""The commands by panel; the file of each is imported when it is called, or when help lists it."""

from importlib import import_module
from typing import Any

import typer
from typer.main import get_command

from manet.cli.hints import CommandGroup
from manet.errors import OptionError

PANELS = {
    "Maps": ("predict", "polygons", "assess", "models", "info", "demo"),
    "Your own network": ("fetch", "prepare", "check", "recipes", "train", "evaluate", "report"),
    "Share": ("export", "card", "release", "convert", "submit"),
    "Research": ("compare", "experiments", "benchmark"),
}
"""Every command, in the order of help."""

PANEL_OF = {name: panel for panel, names in PANELS.items() for name in names}


class LazyCommands(CommandGroup):
    """A group whose commands are functions `NAME`, or groups `app`, in `manet.cli.NAME`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse empty arguments, which would be the current folder where a name is expected."""
        if empty := [arg for arg in args if not arg or (arg.startswith("--") and arg.endswith("="))]:
            after = f" after {args[args.index('') - 1]}" if empty[0] == "" and args.index("") else f" {empty[0]}"
            raise OptionError(f"got an empty argument{after}; give a value: a variable of the shell may be unset")
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(PANEL_OF)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in PANEL_OF:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _import(cmd_name)
        return self.commands[cmd_name]


def _import(name: str) -> Any:
    module = import_module(f"manet.cli.{name}")
    group = getattr(module, "app", None)
    if group is None:
        group = typer.Typer(add_completion=False)
        group.command(name)(getattr(module, name))
    command: Any = get_command(group)
    command.name, command.rich_help_panel = name, PANEL_OF[name]
    return command

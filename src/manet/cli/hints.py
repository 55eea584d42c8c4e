"""What the command line adds to the library's errors: the option that sets what an error is about."""

from typing import Any

from typer.core import TyperGroup

from manet.errors import ManetError


class CommandGroup(TyperGroup):
    """Commands whose errors end with the option for the setting that the library names, such as "(see --stray)".

    The library says `OptionError(..., option="stray")`. Where the command that was called has a parameter of that
    name, the message gets the parameter's flag; any other command leaves the message as it is.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command that `ctx` names. Raises ManetError with the flag added to its message."""
        try:
            return super().invoke(ctx)
        except ManetError as error:
            command = self.get_command(ctx, ctx.invoked_subcommand) if ctx.invoked_subcommand else None
            add_flag(error, command)
            raise


def add_flag(error: ManetError, command: Any) -> None:
    """Add the flag to an error's message, once: of groups within groups, the innermost has the command's options."""
    for parameter in command.params if command else ():
        if parameter.name == error.option and parameter.param_type_name == "option":
            error.args = (f"{error} (see {parameter.opts[0]})",)
            error.option = None
            return

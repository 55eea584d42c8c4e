"""What can be chosen when a source is prepared."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from manet.errors import OptionError
from manet.files import choices
from manet.wrong_values import explain


class SourceSettings(BaseModel):
    """Settings of a source, which are the fields of a subclass; this one has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Settings = TypeVar("Settings", bound=SourceSettings)


def read_settings(kind: type[Settings], name: str, given: dict[str, object]) -> Settings:
    """Check the settings of a source.

    Args:
        kind: The source's settings.
        name: The source's name, for messages.
        given: Values by the names of settings.

    Raises:
        OptionError: A setting is unknown or has a value that it cannot have.
    """
    for setting in given:
        if setting not in kind.model_fields:
            known = choices(setting, kind.model_fields)
            raise OptionError(f"source '{name}' has no setting '{setting}'; expected: {known}", option=setting)
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        setting = str(error.errors()[0]["loc"][0])
        raise OptionError(f"source '{name}': {explain(error, kind)}", option=setting) from error

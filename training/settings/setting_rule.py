"""What is known of one setting of a training: the values that it may have, and help. Its texts are put into the
language of the reader where they are shown.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

SettingValue = str | int | float | None


class SettingRule(NamedTuple):
    """The values that a setting may have, with help for a lay reader: `choices` (name -> help), or `low` to `high`.

    `unset` says what None stands for, "" where None is not allowed; `advanced` settings are folded away in the dialog.
    `others` says which names beside those of `choices` are allowed, "" where none are.
    """

    help: str
    choices: Mapping[str, str] = {}
    low: float = -math.inf
    high: float = math.inf
    unset: str = ""
    advanced: bool = False
    others: str = ""

    @property
    def is_open(self) -> bool:
        """Whether names are allowed that are none of `choices`."""
        return bool(self.others)


class SettingField(NamedTuple):
    """One setting as the command line and the dialog need it; `kind` is str, int or float."""

    name: str
    kind: type
    default: SettingValue
    rule: SettingRule

    @property
    def option_name(self) -> str:
        """The name on the command line: --image-size for image_size."""
        return "--" + self.name.replace("_", "-")

    @property
    def allows_none(self) -> bool:
        """Whether the setting may be None, which stands for `rule.unset`."""
        return bool(self.rule.unset)


def format_value(value: str | float) -> str:
    """A value as a user types it: "0.0003", "6"."""
    return value if isinstance(value, str) else f"{value:g}"

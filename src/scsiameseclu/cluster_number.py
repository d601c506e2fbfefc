"""How many clusters a user asks for: a number, a range, or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scsiameseclu.errors import UserError


@dataclass(frozen=True)
class ClusterNumber:
    """The numbers of clusters that a user admits.

    Attributes
    ----------
    smallest, largest
        Both ends admitted; the same where the number is given, None where it is open.
    """

    smallest: int | None = None
    largest: int | None = None

    @property
    def is_given(self) -> bool:
        """Whether there is nothing to estimate."""
        return self.smallest is not None and self.smallest == self.largest

    def __str__(self) -> str:
        if self.smallest is None:
            return "estimated"
        return f"{self.smallest}" if self.is_given else f"{self.smallest}-{self.largest}"

    @classmethod
    def parse(cls, value: int | str | tuple[int, int] | ClusterNumber | None) -> ClusterNumber:
        """From a number, a range as ``(8, 15)`` or ``"8-15"``, or None.

        Raises
        ------
        UserError
            It is none of these, starts below 2, or ends before it starts.

        Examples
        --------
        >>> str(ClusterNumber.parse("8-15"))
        '8-15'
        >>> ClusterNumber.parse(12).is_given
        True
        """
        if value is None or isinstance(value, cls):
            return value or cls()
        found = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", _written(value))
        if not found:
            raise UserError(
                f"n_clusters is {value!r}; it must be a number of 2 or more, a range such as 8-15, "
                "or None to have it estimated"
            )
        smallest = int(found[1])
        largest = int(found[2] or found[1])
        if smallest < 2:
            raise UserError(f"n_clusters is {_written(value)}; it must be 2 or more")
        if largest < smallest:
            raise UserError(f"n_clusters is {_written(value)}; the range ends before it starts")
        return cls(smallest, largest)


def _written(value: object) -> str:
    if isinstance(value, tuple | list) and len(value) == 2:
        return f"{value[0]}-{value[1]}"
    return str(value)

"""The requested number of clusters: a number, a range, or None."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scsiameseclu.errors import UserError


@dataclass(frozen=True)
class ClusterNumber:
    """The requested number of clusters.

    Attributes
    ----------
    smallest, largest
        Inclusive range; equal if the number is fixed, None if it is to be estimated.
    """

    smallest: int | None = None
    largest: int | None = None

    @property
    def is_given(self) -> bool:
        """Whether the number is fixed, so that nothing has to be estimated."""
        return self.smallest is not None and self.smallest == self.largest

    def __str__(self) -> str:
        if self.smallest is None:
            return "estimated"
        return f"{self.smallest}" if self.is_given else f"{self.smallest}-{self.largest}"

    def shortfall(self, n_clusters: int) -> str:
        """A sentence where there are fewer clusters than requested; empty otherwise."""
        if self.smallest is None or n_clusters >= self.smallest:
            return ""
        return f"{self} clusters were requested; only {n_clusters} contain cells"

    @classmethod
    def parse(cls, value: int | str | tuple[int, int] | ClusterNumber | None) -> ClusterNumber:
        """Parse a number, a range such as ``(8, 15)`` or ``"8-15"``, or None.

        Raises
        ------
        UserError
            The value is none of these, is below 2, or is a range that ends before it starts.

        Examples
        --------
        >>> str(ClusterNumber.parse("8-15"))
        '8-15'
        >>> ClusterNumber.parse(12).is_given
        True
        """
        if value is None or isinstance(value, cls):
            return value or cls()
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", _as_text(value))
        if not match:
            raise UserError(
                f"n_clusters is {value!r}; it must be a number of 2 or more, a range such as 8-15, "
                "or None to have it estimated"
            )
        smallest = int(match[1])
        largest = int(match[2] or match[1])
        if smallest < 2:
            raise UserError(f"n_clusters is {_as_text(value)}; it must be 2 or more")
        if largest < smallest:
            raise UserError(f"n_clusters is {_as_text(value)}; the range ends before it starts")
        return cls(smallest, largest)


def _as_text(value: object) -> str:
    if isinstance(value, tuple | list) and len(value) == 2:
        return f"{value[0]}-{value[1]}"
    return str(value)

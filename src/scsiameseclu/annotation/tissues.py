"""Tissues of the canonical markers.

Only the standard library is required, since Snakemake checks the config on hosts without pandas.
"""

import csv
from functools import cache
from importlib.resources import files

from scsiameseclu.errors import UserError

TABLE = "canonical_markers.tsv"
AUTO = "auto"
ANY = "any"
"""Tissue of types that occur in every tissue, such as immune and endothelial cells."""


def tissue_names(text: str) -> list[str]:
    """The tissues of a line of the table, which are separated by semicolons."""
    return [name.strip() for name in text.split(";")]


@cache
def known_tissues() -> tuple[str, ...]:
    """The tissues of the table, sorted, without ``"any"``."""
    source = files("scsiameseclu.annotation") / TABLE
    with source.open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        names = {name for row in rows for name in tissue_names(row["tissue"])}
    return tuple(sorted(names - {ANY}))


def tissues_of(text: str) -> list[str] | None:
    """The tissues in the setting ``tissue``; None for ``"auto"``.

    Raises
    ------
    UserError
        The table has no such tissue.
    """
    requested = [name.strip() for name in text.split(",") if name.strip()]
    if requested == [AUTO]:
        return None
    unknown = sorted(set(requested) - set(known_tissues()))
    if unknown or not requested:
        raise UserError(
            f"tissue: {', '.join(unknown) or repr(text)} is not in the table of markers; "
            f"available: {AUTO}, {', '.join(known_tissues())}"
        )
    return requested

"""What is this? Reads every sample of a sheet and reports all problems of all samples at once."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.errors import UserError
from scsiameseclu.io.loaded import names
from scsiameseclu.io.request import Format, Orientation, ReadRequest
from scsiameseclu.io.sample import read_sample

if TYPE_CHECKING:
    import pandas as pd

Finding = tuple[str, str, str]
REQUEST_COLUMNS = (
    "format", "layer", "genome", "orientation", "metadata", "label", "batch", "subset",
)  # fmt: skip


def read_sheet(sheet: str | Path) -> pd.DataFrame:
    """A sample sheet as text; empty fields are empty strings.

    Raises
    ------
    UserError
        It is missing, no table, or lacks the columns ``sample`` and ``path``.
    """
    import pandas as pd

    if not Path(sheet).is_file():
        raise UserError(f"the sample sheet {sheet} does not exist; correct its path")
    try:
        lines = Path(sheet).read_text(encoding="utf-8-sig").splitlines()
        text = "\n".join(line for line in lines if not line.startswith("#"))
        table = pd.read_csv(StringIO(text), sep="\t", dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise UserError(f"the sample sheet {sheet} is no tab-separated table ({error})") from error
    lacking = [name for name in ("sample", "path") if name not in table]
    if lacking:
        raise UserError(
            f"the sample sheet {sheet} lacks column {names(lacking)}; it has: "
            f"{names(table.columns)} (columns are separated by tabs)"
        )
    return table.apply(lambda column: column.str.strip())


def request_of(row: dict[str, str]) -> ReadRequest:
    """The reading part of a sheet's line."""
    given: dict[str, Any] = {name: row[name] for name in REQUEST_COLUMNS if row.get(name)}
    for name, allowed in (("format", get_args(Format)), ("orientation", get_args(Orientation))):
        if given.get(name, "auto") not in allowed:
            raise UserError(
                f"sample {row['sample']}: `{name}` is {given[name]!r}; "
                f"it must be one of {names(allowed)}"
            )
    return ReadRequest(**given)


def check_sheet(sheet: str | Path) -> list[Finding]:
    """Read every sample's file, one at a time, and say everything that is wrong or odd.

    Returns
    -------
    list of (sample, level, sentence)
        Level is ``"error"`` (the sample cannot be done), ``"warning"`` (look at it) or ``"note"``
        (what was detected). In the sheet's order.
    """
    table = read_sheet(sheet)
    findings: list[Finding] = []
    if table.empty:
        raise UserError(f"the sample sheet {sheet} names no sample; add a line for each")
    for repeated in table["sample"][table["sample"].duplicated()].unique():
        findings.append((repeated, "error", f"sample {repeated}: named twice in {sheet}"))
    for row in table.to_dict("records"):
        findings += _check_row({str(key): value for key, value in row.items()})
    return findings


def _check_row(row: dict[str, str]) -> Iterator[Finding]:
    name = row["sample"]
    try:
        found = read_sample(row["path"], request_of(row), sample=name)
    except UserError as error:
        yield name, "error", str(error)
        return
    n_cells, n_genes = found.loaded.matrix.shape
    yield name, "note", f"sample {name}: {n_cells} cells x {n_genes} genes in {row['path']}"
    yield from ((name, "note", f"sample {name}: {sentence}") for sentence in found.notes)
    yield from ((name, "warning", f"sample {name}: {sentence}") for sentence in found.warnings)
    yield from ((name, "error", sentence) for sentence in found.errors)
    asked = row.get("n_clusters", "")
    try:
        number = ClusterNumber.parse(asked or None)
    except UserError as error:
        yield name, "error", f"sample {name}: {error}"
        return
    if number.largest and number.largest >= n_cells:
        yield (
            name,
            "error",
            f"sample {name}: `n_clusters` is {asked}; it must be 2 to {n_cells - 1}, for its "
            f"{n_cells} cells",
        )

"""The ambient profile from the raw matrix that the sheet names in column ``raw``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import Counts, ReadRequest
from scsiameseclu.run_settings import LimitSettings
from scsiameseclu.stages.input_files import raw_matrix

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

READING = ("genome", "counts")
"""Columns of the sheet that also apply to the raw matrix."""
LIMITS = LimitSettings()
FALL_BACK = "the profile of the ambient RNA is that of all cells instead"


def soup_of_raw(
    raw: str,
    genes: pd.DataFrame,
    cells: pd.Index,
    *,
    genome: str | None = None,
    counts: Counts = "whole",
    limits: LimitSettings = LIMITS,
) -> np.ndarray:
    """Counts of each gene in the empty droplets, (n_genes,).

    Parameters
    ----------
    raw
        File or folder with the counts of all droplets of the run; of a folder such as ``outs``, the
        raw matrix below it is read.
    genes
        ``var`` of the sample.
    cells
        Barcodes of the cells.
    genome, counts
        How to read the file, as for the sample.
    limits
        Limits of what is read.

    Raises
    ------
    UserError
        The file cannot be read, has other genes, or has too few counts in empty droplets.
    """
    from scsiameseclu.io.readers import read_counts
    from scsiameseclu.preprocess.ambient.droplets import soup_of_droplets

    try:
        request = ReadRequest(genome=genome, counts=counts)
        adata = read_counts(raw_matrix(raw), request, limits)
        return soup_of_droplets(adata, genes, cells=set(cells))
    except UserError as error:
        raise UserError(f"column raw, {raw}: {error}") from error


def check_raw(
    row: Mapping[str, Any],
    config: Mapping[str, Any],
    genes: pd.DataFrame,
    cells: pd.Index,
    limits: LimitSettings = LIMITS,
) -> tuple[str, str] | None:
    """What would be wrong with the raw matrix of a sample in the stage ambient.

    Returns
    -------
    ``"error"`` or ``"warning"``, and a message; None if the raw matrix can be used, is not given,
    or would not be read.
    """
    from scsiameseclu.store.files import first_line

    mode = config["ambient"].get("mode", "estimate")
    if not row.get("raw") or mode == "off":
        return None
    try:
        reading = {key: row[key] for key in READING if key in row}
        soup_of_raw(row["raw"], genes, cells, **reading, limits=limits)
    except UserError as error:
        problem = str(error)
    except Exception as error:  # whatever a file does, the other samples are checked
        problem = f"column raw, {row['raw']} cannot be read ({type(error).__name__}: "
        problem += f"{first_line(error)}); check the file"
    else:
        return None
    if mode == "correct":
        return "error", problem
    return "warning", f"{problem}; {FALL_BACK}"

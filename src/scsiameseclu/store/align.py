"""Alignment of tables by cell or gene name."""

import numpy as np
import pandas as pd

from scsiameseclu.errors import UserError


def positions(names: pd.Index, wanted: pd.Index, what: str, reference: str) -> np.ndarray:
    """Position of each wanted name in ``names``.

    Parameters
    ----------
    names, wanted
        Unique names of cells or genes, (n,) and (n_wanted,).
    what, reference
        The sources of ``names`` and of ``wanted``, for messages.

    Returns
    -------
    Non-negative integers, (n_wanted,).

    Raises
    ------
    UserError
        A wanted name is missing.
    """
    if names.equals(wanted):
        return np.arange(len(wanted))
    indices = names.get_indexer(wanted)
    missing = np.flatnonzero(indices < 0)
    if missing.size:
        raise UserError(
            f"{what} lacks {missing.size} of the {len(wanted)} names in {reference} "
            f"(first: {wanted[missing[0]]}); recreate {what}"
        )
    return np.asarray(indices)

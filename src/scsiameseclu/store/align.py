"""One way to bring two tables of cells into the same order, or to say which cells are missing."""

import numpy as np
import pandas as pd

from scsiameseclu.errors import UserError


def positions(names: pd.Index, wanted: pd.Index, what: str, reference: str) -> np.ndarray:
    """Where each wanted name lies among ``names``.

    Parameters
    ----------
    names, wanted
        Unique names of cells or genes, (n,) and (n_wanted,).
    what, reference
        How to call the holder of ``names`` and that of ``wanted`` in a message.

    Returns
    -------
    Integers (n_wanted,), none of them negative.

    Raises
    ------
    UserError
        A wanted name is missing.
    """
    if names.equals(wanted):
        return np.arange(len(wanted))
    places = names.get_indexer(wanted)
    missing = np.flatnonzero(places < 0)
    if missing.size:
        raise UserError(
            f"{what} lacks {missing.size} of the {len(wanted)} names in {reference} "
            f"(first: {wanted[missing[0]]}); make {what} again"
        )
    return np.asarray(places)

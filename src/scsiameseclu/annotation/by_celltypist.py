"""The vote of a CellTypist model (Domínguez Conde et al. 2022, doi:10.1126/science.abl5197).

CellTypist is an optional package, and the model is a file of the user: nothing is downloaded.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse import csr_matrix

from scsiameseclu.annotation.cell_types import UNKNOWN
from scsiameseclu.annotation.votes import Vote
from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames, Match, check_overlap, match_genes

TOTAL = 1e4  # counts per cell that CellTypist normalises to
MIN_PROBABILITY = 0.5


def load_model(path: str | Path) -> Any:
    """Read a CellTypist model.

    Raises
    ------
    UserError
        The package is missing, or the file is missing or no model.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"CellTypist model {path} is not a file; check celltypist_model")
    # on import it makes a folder for models that it fetches, by default in the home
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("CELLTYPIST_FOLDER", folder)
        try:
            models = importlib.import_module("celltypist.models")
        except ImportError as error:
            raise UserError(
                f"a CellTypist model is given ({path}), but the package celltypist is not "
                "installed; pip install celltypist, or set celltypist_model to null"
            ) from error
    try:
        return models.Model.load(str(path.absolute()))
    except Exception as error:  # the package raises bare exceptions
        raise UserError(
            f"CellTypist model {path} cannot be read: {str(error).splitlines()[0]}"
        ) from error


def celltypist_vote(
    genes: pd.DataFrame, counts: Iterable[csr_matrix], path: str | Path
) -> tuple[Vote, Match]:
    """The most probable type of each cell, "Unknown" below a probability of 0.5.

    Parameters
    ----------
    genes
        The ``var`` table; genes are named as
        :meth:`scsiameseclu.genes.matching.GeneNames.of` says.
    counts
        Raw counts in blocks of cells, each (n_cells, n_genes).
    path
        The model file. It is a pickle, which can run code when it is read: use only a file that
        you trust.

    Raises
    ------
    UserError
        The model cannot be read, or less than a fifth of its genes are in the data.
    """
    model = load_model(path)
    classifier = importlib.import_module("celltypist.classifier")
    features = [str(gene) for gene in model.features]
    wanted, available = GeneNames(features, features), GeneNames.of(genes)
    match = match_genes(wanted, available)
    check_overlap(match, wanted, available, f"CellTypist model {path}", "the data")
    # all genes count in the normalisation; those of the model take its names
    names = np.array([f"gene {number}" for number in range(len(genes))], dtype=object)
    matched = match.positions >= 0
    names[match.positions[matched]] = np.array(features, dtype=object)[matched]
    best, probabilities = [], []
    for block in counts:
        part = sp.csr_matrix(block, dtype=np.float32)
        totals = np.maximum(np.asarray(part.sum(axis=1)).ravel(), 1)
        logged = sp.csr_matrix(sp.diags(TOTAL / totals) @ part).log1p()
        cells = ad.AnnData(logged, var=pd.DataFrame(index=names))
        result = classifier.Classifier(filename=cells, model=model).celltype()
        probability = result.probability_matrix
        best.append(probability.columns.to_numpy().astype(str)[probability.to_numpy().argmax(1)])
        probabilities.append(probability.to_numpy().max(axis=1))
    strength = np.concatenate(probabilities)
    types = np.concatenate(best).astype(object)
    types[strength < MIN_PROBABILITY] = UNKNOWN
    return Vote("celltypist", types, strength.astype(np.float32)), match

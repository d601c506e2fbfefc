"""Cells of several samples in one file, copied in blocks without loading whole matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata.utils import make_index_unique

from scsiameseclu.cohort.joint_genes import JointGenes
from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames
from scsiameseclu.limits import MIN_CELLS
from scsiameseclu.store.files import read_blocks, read_parts, write_h5ad
from scsiameseclu.store.folder import SampleFolder
from scsiameseclu.store.sparse import write_sparse

BLOCK_CELLS = 20_000
"""Number of cells whose counts are in memory at once."""
SEPARATOR = ":"
"""Between sample and barcode in names of cells; names of samples do not contain it."""
DOUBLET = "predicted doublet"


@dataclass(frozen=True)
class Member:
    """The kept cells of a sample of a cohort.

    Attributes
    ----------
    name
        Name of the sample.
    matrix
        The h5ad file and the key of its counts.
    mask
        The cells of the matrix to join, (n_cells_of_matrix,).
    cells, quality
        Columns of the samples' files and quality metrics of the joined cells, indexed by their
        names in the cohort.
    batches
        Their batches in the sample's file, (n_cells,).
    genes
        ``var`` of the matrix.
    table
        The quality table of all cells of the file, with those left out.
    source, quality_notes
        ``uns["source"]`` and ``uns["quality"]`` of the sample.
    """

    name: str
    matrix: tuple[Path, str]
    mask: np.ndarray
    cells: pd.DataFrame
    quality: pd.DataFrame
    batches: np.ndarray
    genes: pd.DataFrame
    table: pd.DataFrame
    source: dict[str, Any]
    quality_notes: dict[str, Any]

    @property
    def n_cells(self) -> int:
        """Number of cells to join."""
        return len(self.cells)

    @property
    def n_ingested(self) -> int:
        """Number of cells in the sample's file."""
        return len(self.table)

    @cached_property
    def gene_names(self) -> GeneNames:
        """Ids and symbols of the genes of the matrix."""
        return GeneNames.of(self.genes)

    @classmethod
    def of(
        cls, folder: SampleFolder, *, doublets: Literal["remove", "keep"], corrected: bool
    ) -> Member:
        """Read a finished sample, without its counts.

        Parameters
        ----------
        folder
            Folder of the sample.
        doublets
            Whether predicted doublets are left out.
        corrected
            Whether to use counts without ambient RNA.
        """
        counts = read_parts(folder.path("counts"), ["obs", "var", "uns/source"])
        filtered = read_parts(folder.path("filtered"), ["obs", "uns/quality"])
        kept = filtered["obs"]
        table = folder.table("quality_table").set_index("barcode")
        if doublets == "remove":
            called = (kept["predicted_doublet"] == "yes").to_numpy()
            table.loc[kept.index[called], ["kept", "reason"]] = ["False", DOUBLET]
            kept = kept[~called]
        matrix, obs, genes = (folder.path("counts"), "X"), counts["obs"], counts["var"]
        if corrected:
            matrix = (folder.path("expression"), "layers/counts")
            parts = read_parts(matrix[0], ["obs", "var"])
            genes = parts["var"][[n for n in counts["var"] if n in parts["var"]]]
            stored = parts["obs"].index
        else:
            stored = obs.index
        mask = stored.isin(kept.index)
        names = stored[mask]
        prefix = f"{folder.sample}{SEPARATOR}"
        cells = obs.loc[names].drop(columns="sample")
        return cls(
            name=folder.sample,
            matrix=matrix,
            mask=mask,
            cells=cells.drop(columns="batch").set_axis(prefix + names),
            quality=kept.loc[names].set_axis(prefix + names),
            batches=cells["batch"].astype(str).to_numpy(dtype=object),
            genes=genes,
            table=table.set_axis(prefix + table.index),
            source=counts["uns/source"],
            quality_notes=filtered["uns/quality"],
        )

    def blocks(self, positions: np.ndarray) -> Iterator[sp.csr_matrix]:
        """Counts of the joined cells in the genes of the cohort, block by block.

        Parameters
        ----------
        positions
            Position of each gene of the cohort in the matrix, -1 for none.
        """
        present = (positions >= 0).nonzero()[0]
        ones = np.ones(present.size, dtype=np.float32)
        shape = (len(self.genes), positions.size)
        columns = sp.csr_matrix((ones, (positions[present], present)), shape)
        first = 0
        for block in read_blocks(*self.matrix, BLOCK_CELLS):
            chosen = self.mask[first : first + block.shape[0]]
            first += block.shape[0]
            joined = sp.csr_matrix(block[chosen] @ columns)
            joined.sort_indices()
            yield joined


@dataclass
class Totals:
    """What is counted while matrices are copied.

    Attributes
    ----------
    n_values
        Number of stored counts.
    cells_per_gene
        Number of cells in which each gene is detected, (n_genes,).
    """

    n_values: int
    cells_per_gene: np.ndarray


def write_joined(
    adata: ad.AnnData, members: Sequence[Member], genes: JointGenes, path: Path
) -> Totals:
    """Write ``adata`` with the counts of all members as ``X``, in CSR format.

    Peak memory is that of one block of cells and of ``adata`` without a matrix.
    """
    totals = Totals(0, np.zeros(genes.n_genes, dtype=np.int64))

    def counted() -> Iterator[sp.csr_matrix]:
        for member in members:
            for block in member.blocks(genes.positions[member.name]):
                totals.n_values += block.nnz
                totals.cells_per_gene += np.bincount(
                    block.indices[block.data > 0], minlength=genes.n_genes
                )
                yield block

    def fill(file: h5py.File) -> None:
        write_sparse(file, "X", counted())

    write_h5ad(adata, path, fill=fill)
    return totals


def joined_table(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate tables of cells: numbers stay numbers, all else becomes categories."""
    columns = list(dict.fromkeys(name for table in tables for name in table))
    index = pd.Index([name for table in tables for name in table.index])
    joined = {}
    for column in columns:
        parts = [table[column] for table in tables if column in table]
        numeric = all(pd.api.types.is_numeric_dtype(part) for part in parts)
        complete = len(parts) == len(tables)
        if all(part.dtype == bool for part in parts) and complete:
            joined[column] = pd.concat(parts)
        elif numeric and all(part.dtype != bool for part in parts):
            joined[column] = pd.concat(parts).reindex(index)
        else:
            text = pd.concat([_as_text(part) for part in parts]).reindex(index)
            joined[column] = text.astype("category")
    return pd.DataFrame(joined, index=index)


def _as_text(values: pd.Series) -> pd.Series:
    """Text, with missing values."""
    return values.astype(object).where(values.isna(), values.astype(str))


def joined_genes(members: Sequence[Member], genes: JointGenes) -> pd.DataFrame:
    """``var`` of a cohort: names, ids and symbols as in the first sample that has the gene."""
    tables = {member.name: member for member in members}
    names, ids, symbols = [], [], []
    for sample, position in genes.first():
        member = tables[sample]
        names.append(str(member.genes.index[position]))
        ids.append(member.gene_names.ids[position])
        symbols.append(member.gene_names.symbols[position])
    index = make_index_unique(pd.Index(names))
    return pd.DataFrame({"gene_id": ids, "gene_symbol": symbols}, index=index)


@dataclass(frozen=True)
class JoinedQuality:
    """Quality control of a cohort: that of its samples, and the genes that are left.

    Attributes
    ----------
    cells
        Metrics of the joined cells.
    genes
        Column ``n_cells``, for genes in enough cells.
    summary
        Numbers of cells after each step, and of genes.
    """

    cells: pd.DataFrame
    genes: pd.DataFrame
    summary: dict[str, Any] = field(default_factory=dict)


def joined_quality(
    members: Sequence[Member], genes: pd.DataFrame, totals: Totals, min_cells: int
) -> JoinedQuality:
    """Select the genes that are detected in enough cells of the cohort.

    Raises
    ------
    UserError
        Too few cells or genes remain.
    """
    cells = joined_table([member.quality for member in members])
    kept = totals.cells_per_gene >= min_cells
    if len(cells) < MIN_CELLS or not kept.any():
        raise UserError(
            f"{len(cells)} cells of {len(members)} samples and {int(kept.sum())} genes in "
            f"{min_cells} cells or more remain; at least {MIN_CELLS} cells and a gene are required"
        )
    of_file = sum(member.n_ingested for member in members)
    passed = sum(int((member.table["reason"] != DOUBLET).sum()) for member in members)
    doublets = of_file - passed
    steps = ["ingested", "quality control of the samples", "predicted doublets"]
    of_first = members[0].quality_notes
    summary = {
        "thresholds": {},
        "organism": of_first["organism"],
        "mito_prefix": of_first["mito_prefix"],
        "doublets": "doublets were predicted in each sample"
        + (f", and {doublets:,} predicted doublets were removed" if doublets else ""),
        "funnel": {
            "step": np.array(steps, dtype=object),
            "cells": np.array([of_file, len(cells) + doublets, len(cells)], dtype=np.int64),
        },
        "genes_before": len(genes),
        "genes_after": int(kept.sum()),
    }
    table = pd.DataFrame({"n_cells": totals.cells_per_gene[kept]}, index=genes.index[kept])
    return JoinedQuality(cells, table, summary)

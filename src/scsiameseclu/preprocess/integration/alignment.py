"""Batches aligned one after another, from the largest to the smallest."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.one_thread import one_thread
from scsiameseclu.preprocess.integration.matching import Match, find_match
from scsiameseclu.preprocess.integration.micro import (
    MatchingSpace,
    MicroClusters,
    interpolate,
    spacing,
)

log = logging.getLogger(__name__)

PCA, UNCORRECTED, RECORD = "X_pca", "X_pca_uncorrected", "integration"
"""Slots of the components after and before alignment, and of its summary."""

MIN_CELLS = 40
"""Fewest cells of a batch that is moved."""


@dataclass(frozen=True)
class Field:
    """What a batch is moved by.

    Attributes
    ----------
    anchors, masses, bandwidth
        Directions of the micro-clusters, their numbers of cells, and the bandwidth between them.
    shifts
        Displacements of the micro-clusters in one block of values, (n_micro, d).
    """

    anchors: np.ndarray
    masses: np.ndarray
    bandwidth: float
    shifts: np.ndarray

    def at(self, directions: np.ndarray) -> np.ndarray:
        """Displacements of cells with these directions, (n_cells, d)."""
        return interpolate(directions, self.anchors, self.masses, self.bandwidth, self.shifts)


@dataclass(frozen=True)
class AlignedBatch:
    """One batch of an alignment.

    Attributes
    ----------
    name
        Of the batch.
    cells
        Positions of its cells, (n_cells,).
    directions
        Of its cells before they were moved, (n_cells, n_components).
    clusters
        Its micro-clusters.
    match
        With the batches before it; None if it stays where it is.
    """

    name: str
    cells: np.ndarray
    directions: np.ndarray
    clusters: MicroClusters
    match: Match | None

    def field(self, means: np.ndarray, reference: np.ndarray) -> Field | None:
        """What moves its cells in a block of values; arguments as of ``Match.displacements``."""
        if self.match is None or self.match.strength == 0:
            return None
        anchors = self.clusters.means(self.directions)
        anchors /= np.maximum(np.linalg.norm(anchors, axis=1, keepdims=True), 1e-12)
        shifts = self.match.displacements(means, reference)
        return Field(anchors, self.clusters.masses, spacing(anchors), shifts)


@dataclass(frozen=True)
class Aligned:
    """A block of values after alignment.

    Attributes
    ----------
    values
        (n_cells, d).
    fields
        What each batch was moved by, None for one that was not, by name.
    reference
        Means of the values in the micro-clusters of all batches, (n_micro, d).
    """

    values: np.ndarray
    fields: dict[str, Field | None]
    reference: np.ndarray


@dataclass(frozen=True)
class Alignment:
    """Batches matched by their components; the same matches move any block of values.

    Attributes
    ----------
    space
        Where cells are compared.
    batches
        From the largest, which stays where it is, to the smallest.
    masses
        Numbers of cells in the micro-clusters of all batches, in their order.
    components
        The components after alignment.
    seed
        Of the micro-clusters.
    """

    space: MatchingSpace
    batches: list[AlignedBatch]
    masses: np.ndarray
    components: Aligned
    seed: int

    @one_thread()
    def carry(self, values: np.ndarray) -> Aligned:
        """Move other values of the cells, (n_cells, d), by the same matches."""
        moved = np.asarray(values, dtype=np.float64).copy()
        fields, parts = dict[str, Field | None](), list[np.ndarray]()
        for batch in self.batches:
            means = batch.clusters.means(moved[batch.cells])
            field = batch.field(means, np.vstack(parts)) if parts else None
            if field is not None:
                moved[batch.cells] += field.at(batch.directions)
            fields[batch.name] = field
            parts.append(batch.clusters.means(moved[batch.cells]))
        return Aligned(moved, fields, np.vstack(parts))

    def summary(self) -> dict[str, Any]:
        """Plain values by batch, from the largest to the smallest.

        ``batch`` (names), ``n_cells``, ``strength`` (how much of the displacement is more than
        chance explains; 0 for the first, which stays in place) and ``matched`` (share of the cells
        with a partner in an earlier batch; 1 for the first).
        """
        matches = [batch.match for batch in self.batches]
        return {
            "batch": [batch.name for batch in self.batches],
            "n_cells": [len(batch.cells) for batch in self.batches],
            "strength": [0.0 if match is None else match.strength for match in matches],
            "matched": [
                float(n == 0) if match is None else match.matched for n, match in enumerate(matches)
            ],
        }


@one_thread()
def align(components: np.ndarray, batches: pd.Series, seed: int) -> Alignment | None:
    """Align the batches of cells; None if there are not two batches.

    The largest batch stays where it is; each following one is moved onto all before it, so that
    a type that the largest lacks can be matched later. Time is linear in cells, and memory that of
    the components.

    Parameters
    ----------
    components
        Principal components, (n_cells, n_components).
    batches
        Categorical batch of each cell.
    seed
        Of the micro-clusters.
    """
    codes, names = batches.cat.codes.to_numpy(), [str(name) for name in batches.cat.categories]
    sizes = np.bincount(codes, minlength=len(names))
    order = [int(n) for n in np.argsort(-sizes, kind="stable") if sizes[n]]
    if len(order) < 2:
        return None
    values = np.asarray(components, dtype=np.float64)
    space, moved = MatchingSpace.of(values), values.copy()
    done: list[AlignedBatch] = []
    fields: dict[str, Field | None] = {}
    reference, masses = np.empty((0, values.shape[1])), np.empty(0)
    for code in order:
        cells = np.flatnonzero(codes == code)
        directions = space.directions(values[cells]).astype(np.float32)
        clusters = MicroClusters.of(directions, seed)
        match = None
        if done and len(cells) >= MIN_CELLS:
            match = find_match(values[cells], clusters, reference, masses, space, seed)
        batch = AlignedBatch(names[code], cells, directions, clusters, match)
        field = batch.field(clusters.means(values[cells]), reference)
        if field is not None:
            moved[cells] += field.at(directions)
        done.append(batch)
        fields[batch.name] = field
        reference = np.vstack([reference, clusters.means(moved[cells])])
        masses = np.concatenate([masses, clusters.masses])
        _report(batch, first=len(done) == 1)
    return Alignment(space, done, masses, Aligned(moved, fields, reference), seed)


def integrate(adata: ad.AnnData, batches: pd.Series | None, seed: int) -> Alignment | None:
    """Align the batches of ``adata`` in its principal components; nothing with fewer than two.

    Returns
    -------
    The alignment, or None. Sets the following fields:

    ``obsm["X_pca"]``
        Components after alignment, float32 (n_cells, n_pcs).
    ``obsm["X_pca_uncorrected"]``
        Components before, the projection of the cells on ``varm["PCs"]``.
    ``uns["integration"]``
        :meth:`Alignment.summary` as arrays.
    """
    alignment = None if batches is None else align(adata.obsm[PCA], batches, seed)
    if alignment is None:
        return None
    adata.obsm[UNCORRECTED] = adata.obsm[PCA]
    adata.obsm[PCA] = np.ascontiguousarray(alignment.components.values, dtype=np.float32)
    adata.uns[RECORD] = {key: np.asarray(value) for key, value in alignment.summary().items()}
    return alignment


def _report(batch: AlignedBatch, first: bool) -> None:
    if batch.match is not None:
        log.info(
            "batch %s: %.0f %% of its displacement is more than chance, %.0f %% of its cells have "
            "partners",
            batch.name,
            100 * batch.match.strength,
            100 * batch.match.matched,
        )
    elif not first:
        log.warning(
            "batch %s has %d cells, fewer than %d, and is not aligned",
            batch.name,
            len(batch.cells),
            MIN_CELLS,
        )

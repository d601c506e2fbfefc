"""What a model keeps of the integration of its batches, to place cells of any batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scsiameseclu.module.joint_space import EmbeddingLayout
from scsiameseclu.preprocess.integration import Alignment
from scsiameseclu.preprocess.integration.alignment import (
    MIN_CELLS,
    Aligned,
    AlignedBatch,
    Field,
)
from scsiameseclu.preprocess.integration.matching import find_match
from scsiameseclu.preprocess.integration.micro import MatchingSpace, MicroClusters

NEW = ""
"""Name of the batch of cells that come without one."""


@dataclass(frozen=True)
class Placement:
    """New cells matched with the fitted ones.

    Attributes
    ----------
    components
        After alignment, (n_cells, n_components).
    """

    integration: Integration
    batches: list[AlignedBatch]
    components: np.ndarray

    def move(self, values: np.ndarray, block: int) -> np.ndarray:
        """Cells' values in a block, before and after alignment, (n_cells, d)."""
        moved = np.asarray(values, dtype=np.float64).copy()
        for batch in self.batches:
            field = self.integration.field(batch, moved[batch.cells], block)
            if field is not None:
                moved[batch.cells] += field.at(batch.directions)
        return moved


@dataclass(frozen=True)
class Integration:
    """The fitted cells' micro-clusters, and what each fitted batch was moved by.

    Blocks are the components (block 0) and each network's latents.

    Attributes
    ----------
    space
        Where cells are compared.
    masses
        Numbers of cells in the micro-clusters of all fitted batches, (n_reference,).
    reference
        Their means in each block after alignment, (n_reference, d).
    fields
        Of each fitted batch in each block; empty for a batch that was not moved.
    seed
        Of the micro-clusters of new batches.
    """

    space: MatchingSpace
    masses: np.ndarray
    reference: list[np.ndarray]
    fields: dict[str, list[Field]]
    seed: int

    @classmethod
    def of(cls, alignment: Alignment, latents: list[Aligned]) -> Integration:
        """From an alignment and the latents that it was carried to."""
        blocks = [alignment.components, *latents]
        fields: dict[str, list[Field]] = {}
        for batch in alignment.batches:
            moved = [block.fields[batch.name] for block in blocks]
            fields[batch.name] = [_as_saved(field) for field in moved if field is not None]
        space = MatchingSpace(_single(alignment.space.centre), _single(alignment.space.weights))
        reference = [_single(block.reference) for block in blocks]
        return cls(space, _single(alignment.masses), reference, fields, alignment.seed)

    def field(self, batch: AlignedBatch, values: np.ndarray, block: int) -> Field | None:
        """What moves a batch of new cells in one block."""
        if batch.name in self.fields:
            known = self.fields[batch.name]
            return known[block] if known else None
        return batch.field(batch.clusters.means(values), self.reference[block])

    def place(self, components: np.ndarray, batches: np.ndarray | None) -> Placement:
        """Match new cells with the fitted ones.

        Cells of a fitted batch are moved as that batch was. Every other batch is matched with the
        fitted cells' micro-clusters as the fitted batches were with each other; one of fewer than
        40 cells stays where it is.

        Parameters
        ----------
        components
            Before alignment, (n_cells, n_components).
        batches
            Names of the cells' batches, (n_cells,); by default they are one batch, a new one.
        """
        if batches is None:
            batches = np.full(len(components), NEW)
        placed = []
        for name in np.unique(batches):
            cells = np.flatnonzero(batches == name)
            own = np.asarray(components[cells], dtype=np.float64)
            directions = self.space.directions(own).astype(np.float32)
            match, clusters = None, MicroClusters(np.zeros(len(cells), dtype=int), np.ones(1))
            if name not in self.fields and len(cells) >= MIN_CELLS:
                clusters = MicroClusters.of(directions, self.seed)
                match = find_match(
                    own, clusters, self.reference[0], self.masses, self.space, self.seed
                )
            placed.append(AlignedBatch(str(name), cells, directions, clusters, match))
        placement = Placement(self, placed, components)
        return Placement(self, placed, placement.move(components, 0))

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything but plain values, by name."""
        arrays = {
            "centre": self.space.centre,
            "weights": self.space.weights,
            "masses": self.masses,
        }
        for block, means in enumerate(self.reference):
            arrays[f"reference.{block}"] = means
        for number, fields in enumerate(self.fields.values()):
            for block, field in enumerate(fields):
                if block == 0:
                    arrays[f"batch{number}.anchors"] = field.anchors
                    arrays[f"batch{number}.masses"] = field.masses
                arrays[f"batch{number}.shifts.{block}"] = field.shifts
        return arrays

    def values(self) -> dict[str, Any]:
        """Plain values for JSON."""
        bandwidths = [fields[0].bandwidth if fields else None for fields in self.fields.values()]
        return {"batches": list(self.fields), "bandwidths": bandwidths, "seed": self.seed}

    @classmethod
    def load(cls, arrays: dict[str, np.ndarray], values: dict[str, Any]) -> Integration:
        """The inverse of :meth:`arrays` and :meth:`values`."""
        n_blocks = sum(name.startswith("reference.") for name in arrays)
        fields: dict[str, list[Field]] = {}
        pairs = zip(values["batches"], values["bandwidths"], strict=True)
        for number, (name, bandwidth) in enumerate(pairs):
            start = f"batch{number}"
            fields[name] = [
                Field(
                    arrays[f"{start}.anchors"],
                    arrays[f"{start}.masses"],
                    bandwidth,
                    arrays[f"{start}.shifts.{block}"],
                )
                for block in range(n_blocks if bandwidth is not None else 0)
            ]
        return cls(
            space=MatchingSpace(arrays["centre"], arrays["weights"]),
            masses=arrays["masses"],
            reference=[arrays[f"reference.{block}"] for block in range(n_blocks)],
            fields=fields,
            seed=values["seed"],
        )


def moved_latents(
    blocks: Sequence[np.ndarray],
    layout: EmbeddingLayout,
    move: Callable[[np.ndarray, int], np.ndarray],
) -> list[np.ndarray]:
    """Blocks of an embedding with the latents moved and of unit rows again.

    The shared components are of aligned cells already.

    Parameters
    ----------
    blocks
        As of :meth:`TrainedNetworks.parts`.
    layout
        Of the embedding.
    move
        Moves values (n_cells, d) of the block with a number; components are block 0.
    """
    n_shared = len(blocks) - layout.n_networks
    latents = (move(latent, n + 1) for n, latent in enumerate(blocks[n_shared:]))
    return [*blocks[:n_shared], *(_unit_rows(latent) for latent in latents)]


def _unit_rows(values: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-12), dtype=np.float32)


def _single(values: np.ndarray) -> np.ndarray:
    """In the precision of a saved model, so that a loaded one gives equal results."""
    return np.asarray(values, dtype=np.float32)


def _as_saved(field: Field) -> Field:
    arrays = (_single(array) for array in (field.anchors, field.masses, field.shifts))
    anchors, masses, shifts = arrays
    return Field(anchors, masses, field.bandwidth, shifts)

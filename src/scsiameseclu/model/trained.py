"""Trained networks: what embeds cells, seen or new, and how it is saved to disk."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import scipy.sparse as sp
import torch

from scsiameseclu.clustering.evidence import Evidence
from scsiameseclu.errors import UserError
from scsiameseclu.model.integration import Integration, moved_latents
from scsiameseclu.model.landmarks import Landmarks
from scsiameseclu.model.scaling import GeneScaling
from scsiameseclu.model.storage import (
    check_seal,
    group,
    read_lines,
    read_part,
    reading,
    require,
    seal,
    write_part,
)
from scsiameseclu.module.build import build_network, layout_of, load_space
from scsiameseclu.module.joint_space import EmbeddingLayout, LatentSpace, join
from scsiameseclu.module.network import SiameseNetwork
from scsiameseclu.preprocess.matrices import find_counts, find_logged, gene_positions
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings
from scsiameseclu.store.atomic import write_text

BLOCK = 2048
NETWORKS, GENES = "networks", "genes.txt"


@dataclass(frozen=True)
class FirstSearch:
    """The clustering that joint training started from.

    Attributes
    ----------
    asked
        The number of clusters asked for, as text.
    n_clusters
        The number that was chosen; joint training keeps it.
    evidence
        For the number of clusters.
    """

    asked: str
    n_clusters: int
    evidence: Evidence

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "asked": self.asked,
            "n_clusters": self.n_clusters,
            "evidence": self.evidence.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FirstSearch:
        """The inverse of :meth:`to_dict`."""
        evidence = Evidence.from_dict(values["evidence"])
        return cls(values["asked"], values["n_clusters"], evidence)


@dataclass
class TrainedNetworks:
    """Networks, gene scaling and reference cells: everything that embeds cells.

    Attributes
    ----------
    networks
        On the CPU, in evaluation mode.
    space
        Where cells are clustered; on the CPU.
    scaling
        Scaling of the variable genes.
    landmarks
        Fitted cells among which new cells find their neighbours.
    settings, expression_settings, graph_settings
        Settings of the fit.
    device
        The device asked for: ``auto``, ``cpu`` or ``cuda``.
    first_search
        The clustering before joint training; None without joint training.
    summary
        Plain values: ``seed``, ``device`` (the one used), ``device_note``, ``n_steps``,
        ``stopped`` and ``params``.
    integration
        Places cells of any batch; None where the fitted cells are of one.
    """

    networks: list[SiameseNetwork]
    space: LatentSpace
    scaling: GeneScaling
    landmarks: Landmarks
    settings: ModelSettings
    expression_settings: ExpressionSettings
    graph_settings: GraphSettings
    device: str
    first_search: FirstSearch | None
    summary: dict[str, Any]
    integration: Integration | None = None

    @property
    def layout(self) -> EmbeddingLayout:
        """Where the blocks of the embedding are."""
        return layout_of(self.space, self.settings)

    def parts(self, embedding: np.ndarray) -> list[np.ndarray]:
        """The blocks of an embedding, each (n_cells, size): components, if any, then latents."""
        tensor = torch.from_numpy(np.asarray(embedding, dtype=np.float32))
        return [block.numpy() for block in self.layout.parts(tensor)]

    def embed(
        self,
        adata: ad.AnnData,
        columns: np.ndarray | None = None,
        totals: np.ndarray | None = None,
        *,
        layer: str | None = None,
        batches: np.ndarray | None = None,
    ) -> np.ndarray:
        """Embedding of any cells from their counts alone, float32 (n_cells, n_dimensions).

        Parameters
        ----------
        adata
            Cells with raw counts.
        columns
            Where the model's genes are in ``adata``, (n_genes,); by their names where not given. A
            gene at -1 is taken to be expressed in each cell as it is in the mean fitted cell.
        totals
            Total counts of each cell, (n_cells,), where they are to be of some genes only; by
            default of all genes of ``adata``.
        layer
            Layer of the values; by default as for :class:`scsiameseclu.ScSiameseClu`.
        batches
            Names of the cells' batches, (n_cells,); by default one batch, a new one. Read where
            the fitted cells were integrated, see :meth:`Integration.place`.

        Raises
        ------
        UserError
            A gene of the model is missing from ``adata`` or repeated in it, and ``columns`` is not
            given.
        """
        counts = (find_logged if self.scaling.logged else find_counts)(adata, layer)
        columns = self._columns(adata) if columns is None else columns
        if totals is None:
            totals = np.asarray(counts.sum(axis=1)).ravel()

        def values(part: slice) -> sp.csr_matrix:
            block = self.scaling.log_normalised(
                sp.csr_matrix(counts[part][:, columns]), totals[part]
            )
            return self.scaling.filled(block, columns < 0)

        parts = [slice(first, first + BLOCK) for first in range(0, adata.n_obs, BLOCK)]
        if not parts:
            return np.empty((0, self.layout.n_dimensions), np.float32)
        if self.integration is None:
            return np.concatenate([_join(self._blocks(values(part))) for part in parts])
        projected = np.concatenate([self.scaling.projected(values(part)) for part in parts])
        placement = self.integration.place(projected, batches)
        components = self.scaling.unit(placement.components)
        found = [self._blocks(values(part), components[part]) for part in parts]
        blocks = [np.concatenate(block) for block in zip(*found, strict=True)]
        return _join(moved_latents(blocks, self.layout, placement.move))

    @torch.no_grad()
    def _blocks(
        self, values: sp.csr_matrix, components: np.ndarray | None = None
    ) -> list[np.ndarray]:
        """Blocks of the embedding for a block of cells, each of unit rows (n_cells, size)."""
        if components is None:
            components = self.scaling.components(values)
        near = self.landmarks.neighbourhood(components)
        views = self.landmarks.propagate(components, near, self.settings.restart)
        genes = self.scaling.scaled(values).toarray()  # one block of cells
        inputs = [torch.from_numpy(array) for array in (genes, *views)]
        blocks = [block.numpy() for block in self.space.shared(torch.from_numpy(components))]
        for number, network in enumerate(self.networks):
            latent = self.landmarks.read_out(network.encode(*inputs).numpy(), number, near)
            blocks.append(network.block(torch.from_numpy(latent)).numpy())
        return blocks

    def _columns(self, adata: ad.AnnData) -> np.ndarray:
        positions = gene_positions(adata.var_names, self.scaling.genes)
        missing = [g for g, at in zip(self.scaling.genes, positions, strict=True) if at < 0]
        if missing:
            raise UserError(
                f"adata lacks {len(missing)} of the model's {len(self.scaling.genes)} genes "
                f"({', '.join(missing[:3])}, …); it has names like "
                f"{', '.join(map(str, adata.var_names[:3]))}; give the genes it was fitted on"
            )
        return positions

    def save(self, directory: str | Path) -> None:
        """Write networks.safetensors, networks.json and genes.txt, each atomically."""
        folder = Path(directory)
        tensors = {}
        for number, network in enumerate(self.networks):
            for name, value in network.state_dict().items():
                tensors[f"network{number}.{name}"] = value
        for name, value in self.space.tensors().items():
            tensors[f"space.{name}"] = value
        for name in ("mean", "deviation", "loadings", "centre"):
            tensors[f"scaling.{name}"] = _tensor(getattr(self.scaling, name))
        for item in fields(Landmarks):
            array = getattr(self.landmarks, item.name)
            if array is not None:
                tensors[f"landmarks.{item.name}"] = _tensor(array)
        if self.integration is not None:
            for name, array in self.integration.arrays().items():
                tensors[f"integration.{name}"] = _tensor(array)
        values = {
            "settings": self.settings.to_dict(),
            "expression_settings": self.expression_settings.to_dict(),
            "graph_settings": self.graph_settings.to_dict(),
            "device": self.device,
            "median_total": self.scaling.median_total,
            "max_value": self.scaling.max_value,
            "component_deviation": self.scaling.component_deviation,
            "first_search": self.first_search and self.first_search.to_dict(),
            "summary": self.summary,
            "integration": self.integration and self.integration.values(),
        }
        write_part(folder, NETWORKS, tensors, values)
        write_text(folder / GENES, "\n".join(self.scaling.genes) + "\n")
        seal(folder)

    @classmethod
    def load(cls, directory: str | Path) -> TrainedNetworks:
        """Read what :meth:`save` wrote.

        Raises
        ------
        UserError
            A file is missing or damaged, or was written in another format.
        """
        folder = Path(directory)
        check_seal(folder)
        tensors, values = read_part(folder, NETWORKS)
        require(folder / GENES)
        with reading(folder):
            return cls._of(tensors, values, read_lines(folder / GENES).splitlines())

    @classmethod
    def _of(
        cls, tensors: dict[str, torch.Tensor], values: dict[str, Any], genes: list[str]
    ) -> TrainedNetworks:
        n_genes = len(tensors["scaling.mean"])
        if len(genes) != n_genes:
            raise ValueError(f"{GENES} has {len(genes)} names, not {n_genes}")
        settings = ModelSettings(**values["settings"])
        if settings.diffusion and "landmarks.diffused" not in tensors:
            raise ValueError("landmarks.diffused is missing")
        sizes = len(genes), tensors["landmarks.components"].shape[1]
        first_search = values["first_search"]
        return cls(
            networks=[
                _network(group(tensors, f"network{number}"), *sizes, settings)
                for number in range(settings.networks)
            ],
            space=load_space(group(tensors, "space")),
            scaling=GeneScaling(
                genes=genes,
                median_total=values["median_total"],
                max_value=values["max_value"],
                component_deviation=values["component_deviation"],
                **{name: tensor.numpy() for name, tensor in group(tensors, "scaling").items()},
            ),
            landmarks=Landmarks(
                **{name: tensor.numpy() for name, tensor in group(tensors, "landmarks").items()}
            ),
            settings=settings,
            expression_settings=ExpressionSettings(**values["expression_settings"]),
            graph_settings=GraphSettings(**values["graph_settings"]),
            device=values["device"],
            first_search=first_search and FirstSearch.from_dict(first_search),
            summary=values["summary"],
            integration=values["integration"] and _integration(tensors, values["integration"]),
        )


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _join(blocks: list[np.ndarray]) -> np.ndarray:
    joined: np.ndarray = join([torch.from_numpy(block) for block in blocks]).numpy()
    return joined


def _integration(tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> Integration:
    arrays = {name: t.numpy() for name, t in group(tensors, "integration").items()}
    return Integration.load(arrays, values)


def _network(
    state: dict[str, torch.Tensor], n_genes: int, n_components: int, settings: ModelSettings
) -> SiameseNetwork:
    network = build_network(n_genes, n_components, settings)
    network.restore(state)
    return network.eval()

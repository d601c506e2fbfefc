"""A fitted model: what embeds and assigns cells, old or new, and what is saved to disk."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import scipy.sparse as sp
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from scsiameseclu.clustering.consensus import Consensus
from scsiameseclu.clustering.members import Member
from scsiameseclu.errors import UserError
from scsiameseclu.model.landmarks import Reference
from scsiameseclu.model.scaling import GeneScaling
from scsiameseclu.module.graph_views import scaled_expression
from scsiameseclu.module.joint_space import join, split
from scsiameseclu.module.network import SiameseNetwork
from scsiameseclu.preprocess.expression import project
from scsiameseclu.preprocess.matrices import find_counts, find_logged
from scsiameseclu.settings import ModelSettings
from scsiameseclu.store.atomic import atomic_path, write_json, write_text

BLOCK = 2048
FORMAT = 2
WEIGHTS, CONFIG, GENES = "weights.safetensors", "config.json", "genes.txt"


@dataclass
class FittedModel:
    """Networks, their consensus, gene scaling and reference cells.

    Parameters
    ----------
    networks
        On the CPU, in evaluation mode.
    consensus
        The ensemble's members, each with centres in the space of one network.
    scaling
        Of the variable genes.
    component_deviation
        What components are divided by before the network sees them.
    reference
        Fitted cells for new cells' neighbourhoods.
    settings
        Of the fit.
    summary
        Plain values kept with the model: evidence for k, seed, device, how training ended.
    """

    networks: list[SiameseNetwork]
    consensus: Consensus
    scaling: GeneScaling
    component_deviation: float
    reference: Reference
    settings: ModelSettings
    summary: dict[str, Any]

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return self.consensus.n_clusters

    @property
    def n_dimensions(self) -> int:
        """Dimensions of the embedding."""
        joint = self.networks[0].joint
        return joint.n_dimensions + (len(self.networks) - 1) * self.settings.latent_size

    def blocks(self, embedding: torch.Tensor) -> list[list[torch.Tensor]]:
        """The blocks of unit rows that each network's members see.

        The components, if the networks cluster in them, then the network's own latent.
        """
        size = self.settings.latent_size
        return split(embedding, self.networks[0].joint.n_dimensions - size, size)

    def parts(self, embedding: np.ndarray) -> list[np.ndarray]:
        """The blocks of an embedding, each (n_cells, size): components, if any, then latents."""
        tensor = torch.from_numpy(np.asarray(embedding, dtype=np.float32))
        first, *others = self.blocks(tensor)
        return [block.numpy() for block in (*first, *(own[-1] for own in others))]

    @torch.no_grad()
    def probability(self, embedding: np.ndarray) -> np.ndarray:
        """Probability of each cluster for cells in the embedding, float32 (n_cells, n_clusters).

        The mean vote of the ensemble's members.
        """
        blocks = []
        for first in range(0, embedding.shape[0], BLOCK):
            part = torch.from_numpy(np.asarray(embedding[first : first + BLOCK], dtype=np.float32))
            blocks.append(self.consensus.probability([join(b) for b in self.blocks(part)]))
        return torch.cat(blocks).numpy()

    def embed(
        self,
        adata: ad.AnnData,
        columns: np.ndarray | None = None,
        totals: np.ndarray | None = None,
        *,
        layer: str | None = None,
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

        Raises
        ------
        UserError
            A gene of the model is missing from ``adata``, and ``columns`` is not given.
        """
        find = find_logged if self.scaling.median_total == 0 else find_counts
        counts = find(adata, layer)
        columns = self._columns(adata) if columns is None else columns
        if totals is None:
            totals = np.asarray(counts.sum(axis=1)).ravel()
        out = []
        for first in range(0, adata.n_obs, BLOCK):
            part = counts[first : first + BLOCK]
            size = totals[first : first + BLOCK]
            out.append(self._embed_block(sp.csr_matrix(part[:, columns]), size, columns < 0))
        return np.concatenate(out) if out else np.empty((0, self.n_dimensions), np.float32)

    @torch.no_grad()
    def _embed_block(
        self, counts: sp.csr_matrix, totals: np.ndarray, missing: np.ndarray
    ) -> np.ndarray:
        scaling = self.scaling
        normalised = counts
        if scaling.median_total > 0:
            size_factors = np.where(totals > 0, totals / scaling.median_total, 1.0)
            normalised = sp.csr_matrix(sp.diags(1.0 / size_factors) @ counts).log1p()
        if missing.any():
            normalised = _fill(normalised, missing, scaling.mean)
        components = project(
            sp.csr_matrix(normalised),
            scaling.mean,
            scaling.deviation,
            scaling.loadings,
            scaling.centre,
            scaling.max_value,
        )
        components = (components / self.component_deviation).astype(np.float32)
        alpha = self.settings.diffusion_alpha if self.settings.diffusion else None
        twice, diffused, indices, weights, own = self.reference.propagate(components, alpha)
        genes = scaled_expression(normalised, scaling.deviation).toarray()  # one block of cells
        inputs = [torch.from_numpy(array) for array in (genes, twice, diffused)]
        where = torch.from_numpy(components)
        blocks: list[torch.Tensor] = []
        for number, network in enumerate(self.networks):
            latent = network.encode(*inputs)
            if self.settings.propagate_latent:
                latent = torch.from_numpy(
                    self.reference.smooth(latent.numpy(), number, indices, weights, own)
                )
            own_blocks = network.joint.blocks(where, latent)
            blocks += own_blocks if number == 0 else own_blocks[-1:]
        return np.asarray(join(blocks).numpy(), dtype=np.float32)

    def _columns(self, adata: ad.AnnData) -> np.ndarray:
        positions = adata.var_names.get_indexer(self.scaling.genes)
        missing = [g for g, at in zip(self.scaling.genes, positions, strict=True) if at < 0]
        if missing:
            raise UserError(
                f"adata lacks {len(missing)} of the model's {len(self.scaling.genes)} genes "
                f"({', '.join(missing[:3])}, …); it has names like "
                f"{', '.join(map(str, adata.var_names[:3]))}; give the genes it was fitted on"
            )
        return np.asarray(positions)

    def save(self, directory: str | Path) -> None:
        """Write weights.safetensors, config.json and genes.txt, each atomically."""
        folder = Path(directory)
        tensors = {}
        for number, network in enumerate(self.networks):
            for name, value in network.state_dict().items():
                tensors[f"network{number}.{name}"] = value.contiguous()
        pairs = zip(self.consensus.members, self.consensus.translations, strict=True)
        for number, (member, translated) in enumerate(pairs):
            tensors[f"member{number}.centres"] = member.centres.contiguous()
            tensors[f"member{number}.potential"] = member.potential.contiguous()
            tensors[f"member{number}.translation"] = translated.contiguous()
        for name in ("mean", "deviation", "loadings", "centre"):
            array = np.ascontiguousarray(getattr(self.scaling, name), dtype=np.float32)
            tensors[f"scaling.{name}"] = torch.from_numpy(array)
        for item in fields(Reference):
            array = np.ascontiguousarray(getattr(self.reference, item.name), dtype=np.float32)
            tensors[f"reference.{item.name}"] = torch.from_numpy(array)
        with atomic_path(folder / WEIGHTS) as temporary:
            save_file(tensors, temporary)
        write_text(folder / GENES, "\n".join(self.scaling.genes) + "\n")
        write_json(
            folder / CONFIG,
            {
                "format": FORMAT,
                "settings": self.settings.to_dict(),
                "median_total": self.scaling.median_total,
                "max_value": self.scaling.max_value,
                "component_deviation": self.component_deviation,
                "members": [[m.network, m.temperature] for m in self.consensus.members],
                "summary": self.summary,
            },
        )

    @classmethod
    def load(cls, directory: str | Path) -> FittedModel:
        """Read what :meth:`save` wrote.

        Raises
        ------
        UserError
            A file is missing or damaged, or written by another version of the format.
        """
        folder = Path(directory)
        for name in (WEIGHTS, CONFIG, GENES):
            if not (folder / name).is_file():
                raise UserError(f"{folder} holds no {name}; name a folder that a fit has saved")
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            tensors = load_file(folder / WEIGHTS)
        except (ValueError, SafetensorError) as error:
            raise UserError(f"the model in {folder} is damaged ({error}); fit it again") from error
        if config.get("format") != FORMAT:
            raise UserError(
                f"the model in {folder} has format {config.get('format')}, this version reads "
                f"{FORMAT}; fit it again"
            )
        genes = (folder / GENES).read_text(encoding="utf-8").splitlines()
        return cls._from_parts(config, tensors, genes)

    @classmethod
    def _from_parts(
        cls, config: dict[str, Any], tensors: dict[str, torch.Tensor], genes: list[str]
    ) -> FittedModel:
        def group(prefix: str) -> dict[str, torch.Tensor]:
            start = prefix + "."
            return {k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)}

        settings = ModelSettings(**config["settings"])
        networks = [
            _network(group(f"network{number}"), len(genes), settings)
            for number in range(settings.networks)
        ]
        scaling = GeneScaling(
            genes=genes,
            median_total=config["median_total"],
            max_value=config["max_value"],
            **{name: tensor.numpy() for name, tensor in group("scaling").items()},
        )
        reference = Reference(**{name: t.numpy() for name, t in group("reference").items()})
        consensus = _consensus(
            config, [group(f"member{number}") for number in range(len(config["members"]))]
        )
        deviation = config["component_deviation"]
        return cls(networks, consensus, scaling, deviation, reference, settings, config["summary"])


def _fill(matrix: sp.csr_matrix, missing: np.ndarray, mean: np.ndarray) -> sp.csr_matrix:
    """One block of cells with the mean in the columns of missing genes, whatever stood there."""
    filled = matrix.toarray()
    filled[:, missing] = mean[missing]
    return sp.csr_matrix(filled)


def _network(
    state: dict[str, torch.Tensor], n_genes: int, settings: ModelSettings
) -> SiameseNetwork:
    n_components, n_clusters = state["joint.component_centre"].shape[0], state["centres"].shape[0]
    network = SiameseNetwork(n_genes, n_components, settings, n_clusters)
    network.load_state_dict(state)
    return network.eval()


def _consensus(config: dict[str, Any], parts: list[dict[str, torch.Tensor]]) -> Consensus:
    members = [
        Member(network, temperature, part["centres"], part["potential"])
        for (network, temperature), part in zip(config["members"], parts, strict=True)
    ]
    summary = config["summary"]
    return Consensus(
        members,
        [part["translation"] for part in parts],
        np.asarray(summary["stability"], dtype=float),
        float(summary["agreement"]),
    )

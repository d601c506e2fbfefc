"""A fitted model: trained networks and the clusters that an ensemble agrees on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import torch

from scsiameseclu.clustering.clusters import Clustering
from scsiameseclu.clustering.consensus import Consensus
from scsiameseclu.clustering.members import Member
from scsiameseclu.model.scaling import GeneScaling
from scsiameseclu.model.storage import check_seal, group, read_part, reading, seal, write_part
from scsiameseclu.model.trained import BLOCK, TrainedNetworks
from scsiameseclu.module.joint_space import join

CONSENSUS = "consensus"


@dataclass(frozen=True)
class FittedModel:
    """Networks that embed cells, and a consensus that assigns embedded cells to clusters.

    Attributes
    ----------
    trained
        The networks with their gene scaling, settings and reference cells.
    consensus
        The ensemble's members, each with centres in the space of one network; on the CPU.
    clusters
        How the fitted cells were clustered, as plain values: ``n_clusters_given``,
        ``n_clusters_asked``, ``evidence``, ``stability``, ``alternatives``, ``agreement`` and
        ``n_members``.
    """

    trained: TrainedNetworks
    consensus: Consensus
    clusters: dict[str, Any]

    @classmethod
    def of(cls, trained: TrainedNetworks, clustering: Clustering) -> FittedModel:
        """A model of the networks and a clustering of the cells they were trained on."""
        return cls(trained, clustering.consensus.to("cpu"), clustering.summary())

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return self.consensus.n_clusters

    @property
    def scaling(self) -> GeneScaling:
        """Scaling of the variable genes."""
        return self.trained.scaling

    @property
    def summary(self) -> dict[str, Any]:
        """What training and clustering report, as plain values; ``params`` holds the settings."""
        params = {"n_clusters": self.clusters["n_clusters_asked"], **self.trained.summary["params"]}
        return {**self.trained.summary, **self.clusters, "params": params}

    def parts(self, embedding: np.ndarray) -> list[np.ndarray]:
        """See :meth:`TrainedNetworks.parts`."""
        return self.trained.parts(embedding)

    def embed(
        self,
        adata: ad.AnnData,
        columns: np.ndarray | None = None,
        totals: np.ndarray | None = None,
        *,
        layer: str | None = None,
        batches: np.ndarray | None = None,
    ) -> np.ndarray:
        """See :meth:`TrainedNetworks.embed`."""
        return self.trained.embed(adata, columns, totals, layer=layer, batches=batches)

    @torch.no_grad()
    def probability(self, embedding: np.ndarray) -> np.ndarray:
        """Probability of each cluster for cells in the embedding, float32 (n_cells, n_clusters).

        The calibrated votes of the ensemble's members.
        """
        blocks = []
        for first in range(0, embedding.shape[0], BLOCK):
            part = torch.from_numpy(np.asarray(embedding[first : first + BLOCK], dtype=np.float32))
            spaces = [join(parts) for parts in self.trained.layout.split(part)]
            blocks.append(self.consensus.probability(spaces))
        if not blocks:
            return np.empty((0, self.n_clusters), dtype=np.float32)
        return torch.cat(blocks).numpy()

    def save(self, directory: str | Path) -> None:
        """Write the networks' files, consensus.safetensors and consensus.json."""
        folder = Path(directory)
        self.trained.save(folder)
        tensors = {}
        pairs = zip(self.consensus.members, self.consensus.translations, strict=True)
        for number, (member, translation) in enumerate(pairs):
            tensors[f"{number}.centres"] = member.centres
            tensors[f"{number}.potential"] = member.potential
            tensors[f"{number}.translation"] = translation
        members = [[m.network, m.temperature] for m in self.consensus.members]
        write_part(folder, CONSENSUS, tensors, {"members": members, "clusters": self.clusters})
        seal(folder)

    @classmethod
    def load(cls, directory: str | Path) -> FittedModel:
        """Read what :meth:`save` wrote.

        Raises
        ------
        UserError
            A file is missing or damaged, or was written in another format.
        """
        folder = Path(directory)
        check_seal(folder)
        trained = TrainedNetworks.load(folder)
        tensors, values = read_part(folder, CONSENSUS)
        with reading(folder):
            return cls._of(trained, tensors, values)

    @classmethod
    def _of(
        cls, trained: TrainedNetworks, tensors: dict[str, torch.Tensor], values: dict[str, Any]
    ) -> FittedModel:
        parts = [group(tensors, str(number)) for number in range(len(values["members"]))]
        members = [
            Member(network, temperature, part["centres"], part["potential"])
            for (network, temperature), part in zip(values["members"], parts, strict=True)
        ]
        clusters = values["clusters"]
        if "alternatives" not in clusters:
            raise KeyError("alternatives")
        consensus = Consensus(
            members,
            [part["translation"] for part in parts],
            np.asarray(clusters["stability"], dtype=float),
            float(clusters["agreement"]),
        )
        return cls(trained, consensus, clusters)

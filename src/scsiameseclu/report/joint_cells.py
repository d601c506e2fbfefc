"""The cells of a sample in the clusters of a cohort, for the page of the sample."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from scsiameseclu.annotation.cell_types import UNKNOWN
from scsiameseclu.cohort.joining import SEPARATOR
from scsiameseclu.palette import ABSENT, colour
from scsiameseclu.report.tables import Cell, Table, count, listed, percent, real, text, whole
from scsiameseclu.store.folder import SampleFolder


@dataclass(frozen=True)
class JointCells:
    """The clusters of a cohort that the cells of a sample are in.

    Attributes
    ----------
    cohort
        Name of the cohort.
    clusters
        Cluster of each kept cell, (n_cells,): missing for cells that the cohort leaves out.
    confidence
        Its confidence or probability, (n_cells,).
    shares
        Share of the cohort's cells in each cluster.
    types
        Predicted type of each cluster.
    link
        Relative link to the page of the cohort; empty for none.
    mapped
        Whether the sample was mapped onto the finished cohort, and is no part of it.
    """

    cohort: str
    clusters: pd.Series
    confidence: pd.Series
    shares: dict[str, float]
    types: dict[str, str]
    link: str = ""
    mapped: bool = False

    @property
    def note(self) -> str:
        """A sentence on where the cells fall."""
        known = self.clusters.dropna()
        unknown = int((known == UNKNOWN).sum())
        missing = len(self.clusters) - len(known)
        how = "were mapped onto" if self.mapped else "are part of"
        sentences = [f"The cells of this sample {how} cohort {self.cohort}."]
        if self.mapped:
            sentences.append(
                f"{count(unknown)} of {count(len(known))} cells ({percent(unknown, len(known))}) "
                "are Unknown: unlike the cells of the cohort, or between its clusters."
            )
        if missing:
            cells = "1 cell is" if missing == 1 else f"{count(missing)} cells are"
            sentences.append(f"{cells} not in the cohort (predicted doublets).")
        absent = [name for name in self.shares if not (known == name).any()]
        if absent:
            plural = "s" if len(absent) > 1 else ""
            sentences.append(f"Cluster{plural} without cells of this sample: {listed(absent)}.")
        return " ".join(sentences)

    def table(self, own: pd.Series) -> Table:
        """One row per cluster of the cohort, with the sample's own clusters of its cells."""
        rows = []
        known = self.clusters.notna().sum()
        for position, name in enumerate([*self.shares, UNKNOWN]):
            inside = (self.clusters == name).to_numpy()
            if name == UNKNOWN and not inside.any():
                continue
            parts = own[inside].value_counts()
            shown = [f"{part} ({count(n)})" for part, n in parts.items() if n]
            share = self.shares.get(name)
            rows.append(
                [
                    Cell(name, number=position, swatch=_ink(name, position)),
                    whole(int(inside.sum())),
                    Cell(percent(int(inside.sum()), int(known)), number=float(inside.mean())),
                    text("–") if share is None else Cell(percent(share, 1), number=share),
                    real(float(self.confidence[inside].mean()) if inside.any() else None, 2),
                    text(self.types.get(name, "–")),
                    text(listed(shown, limit=6) or "–"),
                ]
            )
        strength = "Mean probability" if self.mapped else "Mean confidence"
        header = (
            *("Cohort cluster", "Cells", "Share", "Share in the cohort", strength),
            *("Predicted type in the cohort", "Clusters of this sample (cells)"),
        )
        return Table("joint-table", f"Clusters of cohort {self.cohort}", header, rows)


def _ink(name: str, position: int) -> str:
    return ABSENT if name == UNKNOWN else colour(position)


def joint_cells(cohort: SampleFolder, sample: SampleFolder) -> JointCells:
    """The clusters of a cohort that the cells of one of its samples are in."""
    names = f"{sample.sample}{SEPARATOR}" + sample.cells
    obs = cohort.obs("clusters", ["siamese", "siamese_confidence"])
    shares = obs["siamese"].value_counts(normalize=True, sort=False)
    own = obs.reindex(names).set_axis(sample.cells)
    types = cohort.table("annotation_table").set_index("cluster")["cell_type"]
    return JointCells(
        cohort=cohort.sample,
        clusters=own["siamese"].astype(obs["siamese"].dtype),
        confidence=own["siamese_confidence"],
        shares={str(name): float(share) for name, share in shares.items()},
        types={str(name): str(kind) for name, kind in types.items()},
        link="../report.html",
    )


def mapped_cells(sample: SampleFolder) -> JointCells | None:
    """Where the cells of a sample were mapped; None if they were not."""
    if not sample.has("mapped"):
        return None
    obs, notes = sample.obs("mapped"), sample.uns("mapped", "mapped")
    pairs = obs[["cohort_cluster", "cohort_cell_type"]].astype(str).drop_duplicates()
    return JointCells(
        cohort=str(notes["cohort"]),
        clusters=obs["cohort_cluster"],
        confidence=obs["cohort_cluster_probability"],
        shares=dict(zip(map(str, notes["clusters"]), map(float, notes["shares"]), strict=True)),
        types=dict(pairs.itertuples(index=False, name=None)),
        mapped=True,
    )

"""Predicted cell types compared with published labels, on clusters computed without them.

    python benchmarks/annotation.py --data ../shared/data [--seeds 3]

All cells are clustered by default settings, the number of clusters unknown, and annotated by the
canonical markers, by cluster and by cell; where there is a reference (``zheng_sorted_ref`` for
pbmc3k), also by its vote. Cells count that have a label. A prediction is the *same* if both names
mean one type by the table of names, and *compatible* if one is a wider type of the other ("CD4 T"
for "Naive CD4 T"); Unassigned, Unknown and conflict are wrong in both. Labels are read to score
only.
"""

import argparse
import platform
import warnings
from datetime import date
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

RESULTS = Path(__file__).resolve().parent / "results"
SETS = {"pbmc3k": "zheng_sorted_ref.h5ad", "baron_mouse": None}


def agreement(predicted: np.ndarray, labels: pd.Series) -> dict[str, float]:
    """Scores as shares of the labelled cells."""
    from scsiameseclu.annotation.cell_types import ABSTENTIONS, vocabulary

    known = labels.notna().to_numpy()
    pairs = pd.DataFrame({"told": predicted[known], "label": labels[known].astype(str)})
    words = vocabulary()

    def compare(told: str, label: str) -> tuple[bool, bool]:
        if told in ABSTENTIONS:
            return False, False
        one, other = words.lineage(told), words.lineage(label)
        return one[0] == other[0], one[0] in other or other[0] in one

    found = pairs.groupby(["told", "label"]).size()
    judged = [(*compare(*names), n) for names, n in found.items()]
    total = sum(n for *_, n in judged)
    return {
        "n_labelled": total,
        "same": sum(n for same, _, n in judged if same) / total,
        "compatible": sum(n for _, fits, n in judged if fits) / total,
        "none": float(np.isin(predicted[known].astype(str), ABSTENTIONS).mean()),
    }


def measure(data: Path, name: str, seed: int) -> list[dict]:
    """Rows for one data set and seed."""
    from scsiameseclu import ScSiameseClu
    from scsiameseclu.annotation.by_markers import annotate_clusters
    from scsiameseclu.annotation.by_reference import transfer_labels
    from scsiameseclu.annotation.votes import Vote, consensus, vote_of_clusters
    from scsiameseclu.settings import AnnotationSettings

    given = ad.read_h5ad(data / f"{name}.h5ad")
    given.var_names_make_unique()
    columns = ["batch"] if "batch" in given.obs else []
    cells = ad.AnnData(given.X, obs=given.obs[columns], var=given.var[[]])
    batch_key = "batch" if columns else None
    ScSiameseClu(random_state=seed, batch_key=batch_key, device="cpu").fit(cells)
    clusters = cells.obs["siamese"]
    logged = ad.AnnData(cells.X.copy(), obs=cells.obs[[]], var=cells.var[[]])
    sc.pp.normalize_total(logged)
    sc.pp.log1p(logged)
    found = annotate_clusters(
        logged, clusters, AnnotationSettings(), embedding=cells.obsm["X_siamese"], seed=seed
    )
    of_clusters, of_cells = (
        Vote("markers", told, (told != "Unassigned").astype(float))
        for told in (t["cell_type"].to_numpy(dtype=object) for t in (found.table, found.cells))
    )
    codes = clusters.cat.codes.to_numpy()
    answers = {
        ("markers", "cluster"): of_clusters.names[codes],
        ("markers", "cell"): of_cells.names,
    }
    if SETS[name]:
        reference = ad.read_h5ad(data / SETS[name])
        reference.var_names_make_unique()
        transferred = transfer_labels(
            reference, cells, "cell_type", random_state=seed, device="cpu"
        ).cells
        vote = Vote(
            "reference",
            transferred["cell_type"].to_numpy(dtype=object),
            transferred["probability"].to_numpy(),
        )
        both = "markers and reference"
        by_cluster = [vote_of_clusters(vote, clusters), of_clusters]
        answers[both, "cluster"] = consensus(by_cluster)[0][codes]
        answers[both, "cell"] = consensus([vote, of_cells])[0]
    return [
        {
            "set": name,
            "votes": votes,
            "by": by,
            "seed": seed,
            "n_clusters": int(clusters.nunique()),
            "tissue": found.tissue,
            **agreement(told, given.obs["cell_type"].reset_index(drop=True)),
            "machine": platform.machine(),
            "date": date.today().isoformat(),
        }
        for (votes, by), told in answers.items()
    ]


def table(rows: pd.DataFrame) -> str:
    """The committed table: means over seeds."""
    lines = [
        "# Annotation",
        "",
        "Share of the labelled cells whose predicted type agrees with the published label, mean "
        "over seeds; clusters by default settings with their number unknown. *Same*: both names "
        "denote one type. *Compatible*: the same, or one type contains the other. *None*: "
        "Unassigned, Unknown or conflict, which count as wrong.",
        "",
        "| set | labelled cells | votes | by | seeds | same | compatible | none |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (name, votes, by), group in rows.groupby(["set", "votes", "by"], sort=False):
        mean = group.mean(numeric_only=True)
        lines.append(
            f"| {name} | {group['n_labelled'].iloc[0]} | {votes} | {by} | {len(group)} "
            f"| {mean['same']:.3f} | {mean['compatible']:.3f} | {mean['none']:.1%} |"
        )
    lines += ["", f"Machine: {rows['machine'].iloc[0]}. Date: {rows['date'].iloc[0]}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS / "annotation.csv")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = pd.DataFrame(
        [
            row
            for name in SETS
            for seed in range(arguments.seeds)
            for row in measure(arguments.data, name, seed)
        ]
    )
    rows.to_csv(arguments.output, index=False)
    arguments.output.with_suffix(".md").write_text(table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()

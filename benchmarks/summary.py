"""The table of the README from the rows of accuracy.csv: means over seeds, ours beside Leiden.

python benchmarks/summary.py benchmarks/results/accuracy.csv
"""

import sys

import pandas as pd

MEASURES = ["acc", "nmi", "ari"]


def main() -> None:
    """Print the table as Markdown."""
    rows = pd.read_csv(sys.argv[1], keep_default_na=False)
    rows = rows[(rows["n_clusters_given"].astype(str) == "True") & (rows["options"] == "")]
    print("| data set | cells | seeds | ours: ACC / NMI / ARI | Leiden 1.0 | train, s | peak, MB |")
    print("|---|---|---|---|---|---|---|")
    for name, group in rows.groupby("set", sort=False):
        ours, leiden = (group[group["method"] == m] for m in ("siamese", "leiden"))
        cells = [
            " / ".join(f"{part[m].astype(float).mean():.3f}" for m in MEASURES)
            for part in (ours, leiden)
        ]
        seconds = ours["train_seconds"].astype(float).mean()
        memory = ours["train_peak_mb"].astype(float).max()
        print(
            f"| {name} | {ours['n_cells'].iloc[0]} | {len(ours)} | {cells[0]} | {cells[1]} "
            f"| {seconds:.0f} | {memory:.0f} |"
        )


if __name__ == "__main__":
    main()

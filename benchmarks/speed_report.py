"""Curves, exponents and ratios from the rows of speed.py.

    python benchmarks/speed_report.py benchmarks/results/speed-x86_64-2cores-2026-11-22.csv

Writes a Markdown table and an SVG beside the CSV.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from speed import USUAL

FITTED_FROM = 10_000  # cells; below, starting the programs is most of the time
MODEL = ("train", "cluster")


def totals(rows: pd.DataFrame) -> pd.DataFrame:
    """Seconds and MB of the pipeline, the model and the scanpy analysis, by number of cells."""
    rows = rows[rows["status"] == "ok"].copy()
    ours = rows[rows["stage"] != USUAL]
    model = rows[rows["stage"].isin(MODEL)]
    usual = rows[rows["stage"] == USUAL].set_index("cells")
    return pd.DataFrame(
        {
            "pipeline_s": ours.groupby("cells")["wall_s"].sum(),
            "pipeline_mb": ours.groupby("cells")["peak_mb"].max(),
            "model_s": model.groupby("cells")["wall_s"].sum(),
            "model_mb": model.groupby("cells")["peak_mb"].max(),
            "usual_s": usual["wall_s"],
            "usual_mb": usual["peak_mb"],
        }
    )


def exponent(values: pd.Series) -> float:
    """Least-squares slope in log-log scale over cells; NaN for fewer than two sizes."""
    known = values[values.index >= FITTED_FROM].dropna()
    if len(known) < 2:
        return float("nan")
    return float(np.polyfit(np.log(known.index.to_numpy(float)), np.log(known), 1)[0])


def markdown(rows: pd.DataFrame) -> str:
    """Table of totals, with exponents and ratios to the scanpy analysis."""
    table = totals(rows)
    usual = rows[rows["stage"] == USUAL].set_index("cells")
    stopped = usual[usual["status"].str.startswith("stopped")]
    machine = ", ".join(sorted(set(rows["machine"])))
    days = ", ".join(sorted(set(rows["date"])))
    lines = [
        "# Time and memory",
        "",
        f"Machine: {machine}, {rows['threads'].iloc[0]} threads, device {rows['device'].iloc[0]}. "
        f"Date: {days}. Each stage is a separate process; memory is the largest of all stages.",
        "",
        "| cells | pipeline, s | MB | train + cluster, s | MB | scanpy, s | MB | ratio of times |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for cells, row in table.iterrows():
        cell = [f"{value:,.0f}" if np.isfinite(value) else "–" for value in row]
        ratio = row["pipeline_s"] / row["usual_s"]
        times = f"{ratio:.1f}" if np.isfinite(ratio) else "–"
        if cells in stopped.index:
            row_stopped = stopped.loc[cells]
            cell[4] = f"{row_stopped['status']} after {row_stopped['wall_s']:,.0f}"
            if row_stopped["status"] == "stopped: time":
                times = f"below {row['pipeline_s'] / row_stopped['wall_s']:.1f}"
        lines.append(f"| {cells:,} | {' | '.join(cell)} | {times} |")
    fitted = [exponent(table[name]) for name in table]
    shown = [f"{value:.2f}" if np.isfinite(value) else "–" for value in fitted]
    lines += [f"| exponent from {FITTED_FROM:,} cells | {' | '.join(shown)} |  |", ""]
    return "\n".join([*lines, *_stages(rows)])


def _stages(rows: pd.DataFrame) -> list[str]:
    """Seconds and MB per stage, and the memory limit of a stage."""
    rows = rows[(rows["status"] == "ok") & (rows["stage"] != USUAL)]
    sizes = sorted(set(rows["cells"]))
    head = ["", *(f"{size:,}" for size in sizes)]
    lines = ["## Each stage: seconds / MB", "", _line(head), _line(["---"] * len(head))]
    for stage, group in rows.groupby("stage", sort=False):
        group = group.set_index("cells")
        values = [
            f"{group['wall_s'][n]:,.0f} / {group['peak_mb'][n]:,.0f}" if n in group.index else "–"
            for n in sizes
        ]
        lines.append(_line([str(stage), *values]))
    bounds = rows.groupby("cells")["nonzeros"].first().map(allowed_mb)
    lines.append(_line(["**bound, MB**", *(f"{bounds[n]:,.0f}" for n in sizes)]))
    above = rows[rows["peak_mb"] > rows["nonzeros"].map(allowed_mb)]
    over = ", ".join(f"{r.stage} at {r.cells:,} cells" for r in above.itertuples()) or "none"
    return [
        *lines,
        "",
        f"The bound is three times the sparse counts and 2 GB. Above it: {over}.",
        "",
    ]


def allowed_mb(nonzeros: float) -> float:
    """Three times the counts as float32 with 32-bit indices, and 2 GB."""
    return 3 * nonzeros * 8 / 2**20 + 2048


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def draw(rows: pd.DataFrame, output: Path) -> None:
    """Two panels, seconds and MB over cells, both logarithmic."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "speed"
    import matplotlib.pyplot as plt

    table = totals(rows)
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    names = {"pipeline": "whole pipeline", "model": "train + cluster", "usual": "scanpy's path"}
    for axes, unit, label in zip(
        panels, ("s", "mb"), ("wall time, s", "peak memory, MB"), strict=True
    ):
        for (name, legend), marker in zip(names.items(), "os^", strict=True):
            values = table[f"{name}_{unit}"].dropna()
            slope = exponent(values)
            legend += f" (exponent {slope:.2f})" if np.isfinite(slope) else ""
            axes.loglog(values.index, values, marker=marker, label=legend)
        axes.set_xlabel("cells")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(output, metadata={"Date": None})


def main() -> None:
    """Read the CSV; write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", type=Path)
    path = parser.parse_args().csv
    rows = pd.read_csv(path).drop_duplicates(["cells", "stage"], keep="last")
    text = markdown(rows)
    path.with_suffix(".md").write_text(text)
    draw(rows, path.with_suffix(".svg"))
    print(text)


if __name__ == "__main__":
    main()

"""Memory and time of joining the samples of a large cohort.

    python benchmarks/joining.py --data ../shared/data [--samples 20] [--cells 50000]

The cells of every sample are drawn with replacement from a real data set; the sample's files are
those of the stages ingest and quality, without filtering. The stage join runs in a process of its
own. Rows go to ``benchmarks/results/joining.csv``: numbers of samples, cells, genes and stored
counts, the megabytes of the joined counts as a sparse matrix in memory, and the seconds and peak
megabytes of the stage.
"""

import argparse
import json
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from speed import measure

from scsiameseclu.preprocess.quality import COLUMNS
from scsiameseclu.store.files import sidecar, write_h5ad
from scsiameseclu.store.folder import SampleFolder

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent / "scripts" / "join.py"
ROWS = HERE / "results" / "joining.csv"
LIMIT_S = 3600


def write_sample(folder: SampleFolder, cells: ad.AnnData, n_cells: int, seed: int) -> None:
    """Write the files of a sample that the stage join reads."""
    drawn = np.random.default_rng(seed).integers(0, cells.n_obs, n_cells)
    names = [f"cell{n}" for n in range(n_cells)]
    sample = pd.Categorical([folder.sample] * n_cells)
    obs = pd.DataFrame({"sample": sample, "batch": sample}, index=names)
    counts = ad.AnnData(cells.X[drawn], obs=obs, var=cells.var)
    counts.uns["source"] = {"path": "made", "sha256": str(seed)}
    write_h5ad(counts, folder.path("counts"))
    metrics = pd.DataFrame(dict.fromkeys(COLUMNS, 0.0), index=names)
    metrics["predicted_doublet"] = pd.Categorical(["no"] * n_cells)
    quality = {"organism": "unknown", "mito_prefix": ""}
    write_h5ad(sidecar(metrics, uns={"quality": quality}), folder.path("filtered"))
    table = metrics.assign(kept=True, reason="").rename_axis("barcode")
    folder.write_table("quality_table", table, index=True)


def main() -> None:
    """Measure one size, and add its row to the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with pbmc_10x_4k.h5ad")
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--cells", type=int, default=50_000, help="cells of each sample")
    options = parser.parse_args()
    source = ad.read_h5ad(options.data / "pbmc_10x_4k.h5ad")
    source.var_names_make_unique()
    genes = pd.DataFrame(
        {"gene_id": source.var_names, "gene_symbol": source.var_names}, index=source.var_names
    )
    cells = ad.AnnData(source.X.tocsr().astype(np.float32), var=genes)
    with tempfile.TemporaryDirectory() as directory:
        results = Path(directory)
        names = [f"s{n}" for n in range(options.samples)]
        for number, name in enumerate(names):
            folder = SampleFolder(results / "samples" / name, name)
            write_sample(folder, cells, options.cells, number)
        cohort = results / "cohorts" / "all"
        settings = results / "settings.json"
        settings.write_text(json.dumps({"members": names, "settings": {}}))
        command = [sys.executable, SCRIPT, "--folder", cohort, "--features", "cohort"]
        took = measure([*command, "--settings", settings, "--threads", 1], results / "log", LIMIT_S)
        if took["status"] != "ok":
            sys.exit((results / "log").read_text()[-2000:])
        size = json.loads((cohort / "stages" / "size.json").read_text())
    row = {
        "samples": options.samples,
        **size,
        "sparse_mb": round(size["nonzeros"] * 8 / 1e6),
        **took,
        "machine": platform.machine(),
        "date": date.today().isoformat(),
    }
    print(row)
    rows = pd.read_csv(ROWS) if ROWS.exists() else pd.DataFrame()
    pd.concat([rows, pd.DataFrame([row])], ignore_index=True).to_csv(ROWS, index=False)


if __name__ == "__main__":
    main()

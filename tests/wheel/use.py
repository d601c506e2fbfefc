"""What a user does with the installed package; runs in an empty folder, without the checkout."""

import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

import scsiameseclu as ssc

assert Path(ssc.__file__).is_relative_to(sysconfig.get_path("purelib")), ssc.__file__
assert ssc.__version__ == version("scsiameseclu")

adata = ssc.datasets.pbmc()
model = ssc.ScSiameseClu(random_state=0, device="cpu", networks=2, pretrain_steps=60).fit(adata)
agreement = adjusted_rand_score(adata.obs["bulk_labels"], adata.obs["siamese"])
assert agreement > 0.4, f"adjusted Rand index {agreement:.2f}"
model.save("model")
again = ssc.ScSiameseClu.load("model").predict(adata)
assert np.mean(again == model.labels_) > 0.95

stages = [sys.executable, "-I", "-m", "scsiameseclu"]
for options in (
    ("ingest", "--folder", "sample", "--source", "demo:a"),
    ("quality", "--folder", "sample", "--doublets", "off"),
):
    subprocess.run([*stages, *options], check=True)
assert Path("sample/quality.tsv").stat().st_size
print(f"scsiameseclu {ssc.__version__}: {len(set(again))} clusters, ARI {agreement:.2f}")

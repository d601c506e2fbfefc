#!/usr/bin/env bash
# With three hashtags and no background, scanpy's hashsolo calls every cell Negative.
#
# Each of 300 cells has some 200 counts of one hashtag and none of the two others, as in data whose
# background was removed, or that a simulation made. That is the easiest case there can be. hashsolo
# fits normal distributions to the log counts; where a hashtag's noise has no spread, the likelihoods
# are not numbers, so are the probabilities, and the largest of three NaN is the first hypothesis:
# Negative. There is no error; warnings, if shown, are NumPy's. Some background makes it work.
#
# Seen: scanpy 1.11.5 with anndata 0.12.19: without background 300 of 300 cells Negative, all
# probabilities NaN; with a mean background of 5 counts, no cell Negative.
# Exits 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > look.py <<'PYTHON'
import importlib.metadata

import anndata
import numpy
import pandas
import scanpy.external

names = ["HTO1", "HTO2", "HTO3"]
for background in (0, 5):
    random = numpy.random.default_rng(0)
    own = numpy.repeat(numpy.eye(3), 100, axis=0)
    counts = random.poisson(own * 200 + background)
    cells = [f"cell{number}" for number in range(300)]
    adata = anndata.AnnData(
        numpy.ones((300, 1), dtype="float32"), obs=pandas.DataFrame(counts, cells, names)
    )
    scanpy.external.pp.hashsolo(adata, names)
    called = adata.obs["Classification"].astype(str)
    missing = int(adata.obs["negative_hypothesis_probability"].isna().sum())
    print(
        "scanpy", importlib.metadata.version("scanpy"), "background", background,
        "Negative", int((called == "Negative").sum()), "NaN", missing,
    )
PYTHON
python3 -m venv environment
environment/bin/pip install --quiet --disable-pip-version-check 'scanpy==1.11.5' 'anndata==0.12.19' 2>pip.log || { cat pip.log >&2; exit 1; }
environment/bin/python -W ignore look.py | grep '^scanpy' | tee seen
cat > expected <<'TEXT'
scanpy 1.11.5 background 0 Negative 300 NaN 300
scanpy 1.11.5 background 5 Negative 0 NaN 0
TEXT
diff expected seen || { echo "the behaviour has changed" >&2; exit 1; }

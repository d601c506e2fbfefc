#!/usr/bin/env bash
# With numba 0.62 or newer, umap-learn up to 0.5.11 gives all neighbours of a cell the weight 1.
#
# The width of a cell's neighbourhood is searched by bisection from an upper end of infinity, in a
# function that numba compiles with fastmath, which may assume that there is no infinity. Since numba
# 0.62 it does: where the width is above 1, as it usually is among principal components, the search
# ends at infinity. Nothing is raised or logged. scanpy.pp.neighbors then stores a graph that is
# hardly weighted, and Leiden clusters and UMAP are those of that graph. The same cells, divided by
# 10,000, get correct weights.
#
# Seen: scanpy 1.11.5, numba 0.68.1, 1,000 cells of a normal distribution of deviation 100 in 50 dimensions. Share of
# the weights that are 1: umap-learn 0.5.11: 1.00, 0.5.12: 0.08 (the nearest neighbour has 1). With
# numba 0.61.2, umap-learn 0.5.11 is right, too.
# Exits 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > look.py <<'PYTHON'
import importlib.metadata
import json

import anndata
import numpy
import scanpy

cells = numpy.random.default_rng(0).normal(size=(1_000, 50)).astype("float32")
shares = []
for scale in (100, 0.01):
    adata = anndata.AnnData(obsm={"X": scale * cells})
    scanpy.pp.neighbors(adata, use_rep="X")
    shares.append(round(float((adata.obsp["connectivities"].data > 0.99999).mean()), 2))
versions = [importlib.metadata.version(name) for name in ("umap-learn", "numba")]
print(*versions, json.dumps(shares))
PYTHON
for pins in "umap-learn==0.5.11 numba==0.61.2" "umap-learn==0.5.11 numba==0.68.1" "umap-learn==0.5.12 numba==0.68.1"; do
  "${PYTHON:-python3.11}" -m venv --clear environment
  # shellcheck disable=SC2086
  environment/bin/pip install --quiet --disable-pip-version-check $pins scanpy==1.11.5 2>pip.log || { cat pip.log >&2; exit 1; }
  environment/bin/python -W ignore look.py | tee -a seen
done
cat > expected <<'TEXT'
0.5.11 0.61.2 [0.08, 0.08]
0.5.11 0.68.1 [1.0, 0.08]
0.5.12 0.68.1 [0.08, 0.08]
TEXT
diff expected seen || { echo "the behaviour has changed" >&2; exit 1; }

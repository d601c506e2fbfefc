#!/usr/bin/env bash
# In anndata 0.13 the layers of an AnnData have a key None, which is X.
#
# `adata.layers` was a mapping of names to matrices; since 0.13 iterating over it also gives None,
# for X. What treats the keys as text, such as sorted(adata.layers) or ", ".join(adata.layers),
# raises a TypeError; what copies or counts the layers takes X for one of them. An AnnData without X
# has no such key, so that it depends on the data whether a program is hit.
#
# Seen: anndata 0.12.19 gives ['counts'], 0.13.4 gives [None, 'counts']; sorted() raises
#   TypeError: '<' not supported between instances of 'str' and 'NoneType'
# Exits 0 while that is so. anndata 0.13 needs Python 3.12: PYTHON=python3.12 findings/...
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > look.py <<'PYTHON'
import importlib.metadata
import json

import anndata
import numpy

adata = anndata.AnnData(numpy.ones((3, 2), dtype="float32"))
adata.layers["counts"] = adata.X.copy()
try:
    text = sorted(adata.layers)
except TypeError as error:
    text = f"TypeError: {error}"
bare = anndata.AnnData(shape=(3, 2), layers={"counts": numpy.ones((3, 2))})
print(importlib.metadata.version("anndata"), json.dumps([list(adata.layers), text, list(bare.layers)]))
PYTHON
for version in 0.12.19 0.13.4; do
  "${PYTHON:-python3.12}" -m venv "$version"
  "$version/bin/pip" install --quiet --disable-pip-version-check "anndata==$version" 2>pip.log || { cat pip.log >&2; exit 1; }
  "$version/bin/python" -W ignore look.py | tee -a seen
done
cat > expected <<'TEXT'
0.12.19 [["counts"], ["counts"], ["counts"]]
0.13.4 [[null, "counts"], "TypeError: '<' not supported between instances of 'str' and 'NoneType'", ["counts"]]
TEXT
diff expected seen || { echo "the behaviour has changed" >&2; exit 1; }

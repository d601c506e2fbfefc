#!/usr/bin/env bash
# A plain AnnData written by anndata 0.12 cannot be opened by anndata 0.11 or older.
#
# anndata 0.12 writes every None as an HDF5 null element. `write_elem` of a whole AnnData, as a
# program calls it that fills an open HDF5 file piece by piece, writes `raw` that way even where
# there is no raw; `write_h5ad` does so for any None in `uns`, such as the `base` that
# scanpy.pp.log1p leaves. Versions 0.11 and older, and whatever is pinned to them, then refuse the
# whole file, not the one element.
#
# Seen: anndata 0.12.19 wrote; 0.11.4 and 0.10.9 end in
#   IORegistryError: No read method registered for IOSpec(encoding_type='null', ...)
#   Error raised while reading key 'raw' ...
# Exits 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

install() { # name, packages
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}" 2>"$1.log" || { cat "$1.log" >&2; exit 1; }
}
install new 'anndata==0.12.19' 'numpy==2.3.5' 'pandas==2.3.3'
new/bin/python - <<'PYTHON'
import importlib.metadata

import anndata, h5py, numpy

print("written by anndata", importlib.metadata.version("anndata"))
adata = anndata.AnnData(numpy.ones((3, 2), dtype="float32"))
with h5py.File("written.h5ad", "w") as file:
    anndata.io.write_elem(file, "/", adata)
    print("raw is", dict(file["raw"].attrs)["encoding-type"])
adata.uns["log1p"] = {"base": None}
adata.write_h5ad("log1p.h5ad")
PYTHON

status=0
for version in 0.11.4 0.10.9; do
  install "old-$version" "anndata==$version" 'numpy==1.26.4' 'pandas==2.2.3' 'zarr<3'
  for file in written.h5ad log1p.h5ad; do
    if "old-$version/bin/python" -W ignore -c "import anndata; anndata.read_h5ad('$file')" 2>error; then
      echo "anndata $version, $file: opens"
      status=1
    else
      echo "anndata $version, $file: $(grep -o "No read method registered for [^)]*)" error | head -n 1)"
      grep -q "encoding_type='null'" error || status=1
    fi
  done
done
[ $status = 0 ] || echo "the behaviour has changed" >&2
exit $status

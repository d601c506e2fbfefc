#!/bin/sh
# A stage inside the image, as whoever runs it: reads the built-in data and checks its quality.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
/opt/venv/bin/python - "$folder" <<'PYTHON'
import sys
from pathlib import Path

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.settings import QualitySettings
from scsiameseclu.stages.ingest import ingest
from scsiameseclu.stages.quality import quality

folder = Path(sys.argv[1])
ingest("demo:a", folder / "counts.h5ad", sample="a", request=ReadRequest(), seed=0)
cells, table = folder / "filtered.h5ad", folder / "quality.tsv"
quality(folder / "counts.h5ad", cells, table, settings=QualitySettings(), seed=0, sample="a")
kept = sum(line.split("\t")[7] == "True" for line in table.read_text().splitlines()[1:])
assert kept > 300, f"{kept} cells are left"
print(f"stage quality: {kept} cells are left")
PYTHON
/opt/venv/bin/multiqc --version

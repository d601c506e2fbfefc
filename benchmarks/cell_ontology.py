"""Extract the part of the Cell Ontology that the table of cell types needs.

    make ontology

The Cell Ontology comes with the package ``cellxgene-ontology-guide``, which is too large to depend
on; run this program where that package is installed. The extract has the classes that
``cell_type_names.tsv`` names, and their ancestors: ``id``, ``name`` and ``parents`` (the nearest
ancestors, separated by semicolons).
"""

import argparse
import csv
import io
import json
from collections.abc import Mapping
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import Any

ANNOTATION = Path(__file__).resolve().parents[1] / "src" / "scsiameseclu" / "annotation"
NAMES, EXTRACT = ANNOTATION / "cell_type_names.tsv", ANNOTATION / "cell_ontology.tsv"
PACKAGE = "cellxgene-ontology-guide"
NOTE = (
    "# Cell Ontology {version} (https://obofoundry.org/ontology/cl.html), CC BY 4.0, "
    "doi:10.1186/s13326-016-0088-7. Extract of classes and of their superclasses, from "
    "{package} {package_version}.\n"
)


def extract(terms: Mapping[str, Mapping[str, Any]], wanted: set[str]) -> list[tuple[str, str, str]]:
    """Rows of the wanted classes and all their ancestors, sorted by id.

    Raises
    ------
    ValueError
        The ontology lacks a class, or has made it obsolete.
    """
    gone = sorted(one for one in wanted if one not in terms or terms[one]["deprecated"])
    if gone:
        raise ValueError(f"not in the ontology, or obsolete: {', '.join(gone)}")
    kept = wanted.union(*(terms[one]["ancestors"] for one in wanted))
    return [
        (one, str(terms[one]["label"]), ";".join(_parents(terms[one]["ancestors"])))
        for one in sorted(kept)
    ]


def _parents(ancestors: Mapping[str, int]) -> list[str]:
    return sorted(one for one, distance in ancestors.items() if distance == 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=EXTRACT)
    arguments = parser.parse_args()
    import zstandard

    data = files("cellxgene_ontology_guide") / "data"
    schemas = json.loads((data / "ontology_info.json").read_text())
    newest = max(schemas, key=lambda name: [int(part) for part in name.split(".")])
    version = schemas[newest]["ontologies"]["CL"]["version"]
    packed = (data / f"CL-ontology-{version}.json.zst").read_bytes()
    terms = json.load(zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed)))
    with NAMES.open(encoding="utf-8") as lines:
        wanted = {row["cl"] for row in csv.DictReader(lines, delimiter="\t")}
    rows = [("id", "name", "parents"), *extract(terms, wanted)]
    note = NOTE.format(
        version=version, package=PACKAGE, package_version=distribution(PACKAGE).version
    )
    arguments.output.write_text(
        note + "".join("\t".join(row) + "\n" for row in rows), encoding="utf-8"
    )


if __name__ == "__main__":
    main()

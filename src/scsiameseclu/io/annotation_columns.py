"""Numeric columns of a text table that describe its rows, recognised by their headers.

Some headers are clear (``n_counts``, ``gene_length``). Words such as ``size``, ``group`` or ``PC1``
may also be the names of a gene or of a cell: they describe the rows only if they fit the name of
the first column, are beside other annotation at the start or end of the table rather than between
counts, and do not continue a series (``PC1``, ``PC2``, ``PC3``, …). Lengths and positions are
seldom 0, and large if they are between counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from scsiameseclu.io.orientation import CELL_CORNERS, GENE_CORNERS, corner_key

ABOUT_GENES = re.compile(
    r"((gene|transcript|exon|exonic|eff|effective|total|mean|median)_*)?(gene_*)?"
    r"(length|sizes?|start|end|stop|strand|chr|chrom|chromosome|position|width)s?"
    r"(_*\(?bp\)?|_name|_position)?"
    r"|chromosome/scaffold_name|seqnames?|entrez(_?id|_?gene(_?id)?)?|(gene_)?biotype|gene_type"
    r"|(percentage_)?gc_content|n_?cells(_by_counts)?|exon_counts?|transcript_ids?(\(s\))?|(gene_)?description"
)
"""Headers of numeric or text columns that describe genes, in the form of ``corner_key``."""
ABOUT_CELLS = re.compile(
    r"n_?counts?(_rna)?|n_?genes?(_by_counts)?|n_?features?(_rna)?|n_?umis?|total_(counts|umis)"
    r"|(percent|pct)_?(counts_)?(mt|mito)|(percent|pct)_mito\w*|seurat_clusters?|louvain|leiden"
    r"|clusters?(_ids?)?|batch(_id)?|tsne_?[12]|umap_?[12]|pc_?[12]|pseudotime|orig_ident|plate"
    r"|doublet_scores?|size_factors?|samples?(_ids?)?|donors?(_ids?)?|patients?(_ids?)?|replicates?"
    r"|conditions?|groups?|cell_?types?|labels?|lane|library(_id)?"
    r"|array_(row|col(umn)?)|pxl_(row|col)_in_fullres|image_?(row|col)|[xyz]|row|col(umn)?"
    r"|[xyz]_?(coord(inate)?s?|pos(ition)?|centroid|pixels?)"
    r"|(coord(inate)?s?|pos(ition)?|centroid|pixels?|spatial)_?[xyz12]"
    r"|(n|total|raw|valid|mapped|unmapped|aligned|(uniquely|confidently)_mapped)_?reads"
    r"|ages?|age_(days?|weeks?|months?|years?)|time(_?points?)?|days?|doses?|sex|passages?"
)
"""Headers of numeric columns that describe cells, in the form of ``corner_key``."""
WORDS_ABOUT_GENES = re.compile(
    r"(lengths?|sizes?|starts?|ends?|stops?|strands?|chr|chroms?|chromosomes?|positions?|widths?)"
)
WORDS_ABOUT_CELLS = re.compile(
    r"clusters?|batch|plate|samples?|donors?|patients?|replicates?|conditions?|groups?|labels?|lane"
    r"|library|pc_?[12]|cells?|wells?|barcodes?|[xyz]|row|col(umn)?|ages?|time(_?points?)?|days?"
    r"|doses?|sex|passages?"
)
"""Headers that may also be names of genes or of cells."""
PAIRS = {"x": {"y"}, "y": {"x"}, "z": {"x"}, "row": {"col", "column"}}
PAIRS |= {"col": {"row"}, "column": {"row"}}
"""Headers of coordinates, each with those of which one must be there too."""
MAX_SERIES_SHARE = 0.5
"""Maximum fraction of columns with the same stem as that of annotation."""
MAX_ZERO_SHARE, MIN_SIZE = 0.2, 20
"""Maximum fraction of zeros in a column of lengths or positions; their minimum between counts."""


def annotation_columns(
    header: list[str], columns: list[list[str]], known: Collection[int], named: bool
) -> set[int]:
    """The columns that describe the rows by their headers.

    Parameters
    ----------
    columns
        The first fields of each column.
    known
        Columns that are annotation for other reasons, such as text.
    named
        Whether the first column contains the names of the rows.
    """
    corner = corner_key(header[0]) if named else ""
    places = range(int(named), len(header))
    annotation = {place for place in places if is_annotation(header[place])}
    words = {place for place in annotation if _is_word(header[place])}
    refused = {
        place for place in words - set(known)
        if _fits_badly(corner, header[place], columns[place]) or _is_of_series(header, place, named)
        or _is_unpaired(header, place)
    }  # fmt: skip
    annotation -= refused
    clear = (annotation - words) | set(known)
    beside = annotation | clear | _without_zeros(columns)
    at_edge = {*_run(places, beside), *_run(reversed(places), beside)}
    return {
        place for place in annotation
        if place not in words or place in at_edge or _are_large(header[place], columns[place])
    }  # fmt: skip


def is_annotation(name: str) -> bool:
    """Whether a header is that of a column about genes or cells."""
    key = corner_key(name)
    known = key in GENE_CORNERS or key in CELL_CORNERS
    return known or bool(ABOUT_GENES.fullmatch(key) or ABOUT_CELLS.fullmatch(key))


def is_clear_annotation(name: str) -> bool:
    """Whether a header is that of a column about cells and cannot be the name of a feature."""
    return bool(ABOUT_CELLS.fullmatch(corner_key(name))) and not _is_word(name)


def _is_word(name: str) -> bool:
    key = corner_key(name)
    return bool(WORDS_ABOUT_GENES.fullmatch(key) or WORDS_ABOUT_CELLS.fullmatch(key))


def _fits_badly(corner: str, name: str, fields: list[str]) -> bool:
    """Whether a column is unlike a description of what the first column names."""
    key = corner_key(name)
    if WORDS_ABOUT_GENES.fullmatch(key):
        return corner in CELL_CORNERS or not _has_few_zeros(fields)
    return corner in GENE_CORNERS


def _has_few_zeros(fields: list[str]) -> bool:
    """Whether a column may contain lengths or positions."""
    return sum(field.strip() == "0" for field in fields) <= MAX_ZERO_SHARE * len(fields)


def _are_large(name: str, fields: list[str]) -> bool:
    """Whether all fields of a column of sizes or positions are larger than most counts."""
    plain = [field.strip() for field in fields]
    sizes = WORDS_ABOUT_GENES.fullmatch(corner_key(name)) and all(map(str.isdecimal, plain))
    return bool(sizes) and min(map(int, plain), default=0) >= MIN_SIZE


def _is_unpaired(header: list[str], place: int) -> bool:
    """Whether a header of a coordinate is the only one."""
    partners: set[str] = PAIRS.get(corner_key(header[place]), set())
    return bool(partners) and not partners.intersection(map(corner_key, header))


def _without_zeros(columns: list[list[str]]) -> set[int]:
    """Columns without zeros, which may describe the rows, if half of the columns have many."""
    zeros = [sum(field.strip() == "0" for field in fields) / len(fields) for fields in columns]
    if sorted(zeros)[len(zeros) // 2] <= MAX_ZERO_SHARE:
        return set()
    return {place for place, share in enumerate(zeros) if not share}


def _is_of_series(header: list[str], place: int, named: bool) -> bool:
    stems = [re.sub(r"[._ -]*\d+$", "", name) for name in header]
    others = stems[int(named) :]
    return others.count(stems[place]) > max(1, MAX_SERIES_SHARE * len(others))


def _run(places: range | Iterator[int], annotation: set[int]) -> Iterator[int]:
    """The places before the first that is not annotation."""
    for place in places:
        if place not in annotation:
            return
        yield place

"""Options for reading an input file."""

from dataclasses import dataclass
from typing import Literal

from scsiameseclu.options import COLUMN, FILE, SELECTION, Settings, Text, option

Format = Literal["auto", "10x_h5", "10x_mtx", "h5ad", "loom", "csv", "tsv", "xy_h5"]
Counts = Literal["whole", "round"]
Orientation = Literal["auto", "genes_x_cells", "cells_x_genes"]


@dataclass(frozen=True)
class ReadRequest(Settings):
    """How to read one sample; each field is also a column of the sample sheet."""

    format: Format = option("auto", "format of the file; auto: detected from its content")
    layer: str | None = option(
        None,
        "layer of an h5ad or loom file that contains the counts; h5ad also: X or raw",
        text=Text(("the name of a layer",)),
    )
    genome: str | None = option(
        None,
        "genome to read from a 10x file with several genomes",
        text=Text(("the name of a genome",)),
    )
    orientation: Orientation = option(
        "auto", "rows and columns of a text table or mtx file; auto: detected"
    )
    counts: Counts = option(
        "whole",
        "whole: counts must be integers; round: expected counts (RSEM, salmon, SoupX) are rounded",
    )
    metadata: str | None = option(
        None, "cell metadata table (csv or tsv) to join by barcode", text=FILE
    )
    label: str | None = option(
        None,
        "cell metadata column with published labels, used only for metrics and their comparison",
        text=COLUMN,
    )
    batch: str | None = option(None, "cell metadata column with batches", text=COLUMN)
    hashtags: str | None = option(
        None,
        "hashtags by which cells are demultiplexed: names of features of the file, "
        "comma-separated, * for any text (HTO*), or the path of a table of their counts (csv, tsv "
        "or 10x h5)",
        text=Text(("names of features, or the path of a table",)),
    )
    capture: str | None = option(
        None,
        "cell metadata column with captures (such as 10x lanes), within which doublets form; by "
        "default the batches",
        text=COLUMN,
    )
    subset: str | None = option(None, "use only the cells that match column=value", text=SELECTION)


TABLES = (".csv", ".tsv", ".txt", ".h5", ".hdf5")


def hashtag_table(hashtags: str | None) -> str | None:
    """The path of the table of hashtag counts; None if features are named instead."""
    name = (hashtags or "").removesuffix(".gz").removesuffix(".zip")
    return hashtags if name.endswith(TABLES) else None

"""Find the marker genes of each cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scsiameseclu.settings import MarkerSettings

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder


def run(folder: SampleFolder, *, settings: MarkerSettings) -> None:
    """Write ``markers_table`` (filtered), ``markers_full`` and ``markers``.

    With a single cluster, both tables consist of the header only. ``markers`` contains the warnings
    and the provenance of the stage.
    """
    from scsiameseclu.annotation.markers import filter_markers, find_markers

    cells = folder.read("expression", without=["layers", "varm"])
    clusters = folder.obs("clusters")["siamese"]
    table, notes = find_markers(cells, clusters)
    folder.write_table("markers_full", table)
    folder.write_table("markers_table", filter_markers(table, settings))
    folder.write(
        "markers",
        folder.cells,
        stage="markers",
        seed=None,
        settings=settings.to_dict(),
        warnings=notes,
    )

"""Stage markers: the genes that tell each cluster from all other cells."""

from pathlib import Path

from scsiameseclu.settings import MarkerSettings


def markers(
    expression: Path,
    clusters: Path,
    table: Path,
    full_table: Path,
    output: Path,
    *,
    settings: MarkerSettings,
    sample: str,
) -> None:
    """Write the marker genes of the clusters of one sample.

    Parameters
    ----------
    expression
        The h5ad of the stage expression (log-normalised ``X``).
    clusters
        The h5ad of the stage cluster (``obs["siamese"]``).
    table, full_table
        Where to write the markers that pass ``settings``, and all genes of all clusters. With a
        single cluster both hold only their header.
    output
        Where to write the names of the cells with the settings and warnings of this stage (uns).
    """
    from scsiameseclu.annotation.markers import filter_markers, find_markers
    from scsiameseclu.store.atomic import write_table
    from scsiameseclu.store.files import add_warnings, read_h5ad, sidecar, write_h5ad
    from scsiameseclu.store.provenance import record

    cells = read_h5ad(expression, without=["layers", "varm"])
    assigned = read_h5ad(clusters)
    found, notes = find_markers(cells, assigned.obs["siamese"].loc[cells.obs_names])
    result = sidecar(cells.obs_names)
    add_warnings(result, notes)
    result.uns["provenance"] = record("markers", seed=None, settings=settings.to_dict())
    write_table(full_table, found)
    write_table(table, filter_markers(found, settings))
    write_h5ad(result, output)

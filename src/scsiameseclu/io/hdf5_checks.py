"""Checks of an HDF5 file before it is read: compression filters, and declared sizes."""

from __future__ import annotations

from collections.abc import Iterator

import h5py

from scsiameseclu.io.blocks import check_stored
from scsiameseclu.io.loaded import Origin

FILTERS = {
    307: "bzip2",
    32000: "lzf",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32013: "zfp",
    32015: "zstd",
    32026: "blosc2",
}
"""Names of registered HDF5 filters by number."""
NOT_READ = frozenset({"obsm", "obsp", "varm", "varp", "uns"})
"""Parts of an h5ad file that the readers do not need."""


def check_filters(file: h5py.File, origin: Origin) -> None:
    """Load the filters of the package hdf5plugin if the file needs them.

    Raises
    ------
    UserError
        A filter is not available.
    """
    if not set(_missing(file)):
        return
    import hdf5plugin  # noqa: F401  (registers its filters)

    if missing := set(_missing(file)):
        names = ", ".join(FILTERS.get(number, f"number {number}") for number in sorted(missing))
        raise origin.error(
            f"is compressed with the HDF5 filter {names}, which the package hdf5plugin does "
            "not have; write the file with gzip compression"
        )


def check_declared(file: h5py.File, origin: Origin) -> None:
    """Check the sizes that the datasets of a file declare.

    Raises
    ------
    UserError
        A dataset has more values than the limit.
    ValueError
        A dataset has more values than its stored bytes can hold.
    """
    for dataset in _datasets(file):
        check_stored(dataset)
        if dataset.shape is not None and len(dataset.shape) == 1:
            origin.check_size(values=int(dataset.size))


def _missing(file: h5py.File) -> Iterator[int]:
    """Numbers of the filters that are needed but not available."""
    numbers: set[int] = set()
    for dataset in _datasets(file):
        properties = dataset.id.get_create_plist()
        numbers.update(
            properties.get_filter(place)[0] for place in range(properties.get_nfilters())
        )
    return (number for number in numbers if not h5py.h5z.filter_avail(number))


def _datasets(file: h5py.File) -> list[h5py.Dataset]:
    """The datasets that the readers may read."""
    datasets: list[h5py.Dataset] = []

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset) and NOT_READ.isdisjoint(name.split("/")):
            datasets.append(node)

    file.visititems(visit)
    return datasets

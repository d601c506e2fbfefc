"""Unpacking of gzipped HDF5 files and of archives of a folder, into a temporary folder."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from scsiameseclu.io.bounded import BYTES_PER_GB
from scsiameseclu.io.loaded import Origin

HDF5_GZ = (".h5ad.gz", ".h5.gz", ".hdf5.gz", ".loom.gz", ".h5mu.gz")
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MEMBERS = (".mtx", ".tsv", ".csv", ".txt", ".h5", ".h5ad")
"""Members of an archive that are unpacked, also gzipped."""
MAX_RATIO = 200
"""Maximum ratio of unpacked to packed size; count matrices compress to a tenth, bombs more."""
MIN_ALLOWED = 1 << 28
"""Unpacked size that is always allowed (256 MB)."""
BLOCK = 1 << 20


@contextmanager
def unpacked(path: Path, origin: Origin) -> Iterator[Path]:
    """The path itself, or the temporary unpacked file or folder of an archive.

    Raises
    ------
    UserError
        The archive cannot be read, or is larger than a count matrix can be.
    """
    name = path.name.lower()
    if not path.is_file() or not name.endswith(HDF5_GZ + TAR):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="scsiameseclu-") as temporary:
        folder, budget = Path(temporary), _Budget(path, origin)
        with origin.reading("an archive"):
            if name.endswith(TAR):
                _untar(path, folder, budget)
            else:
                with gzip.open(path) as packed:
                    budget.copy(packed, folder / path.name[: -len(".gz")])
        if name.endswith(TAR):
            yield folder
        else:
            yield folder / path.name[: -len(".gz")]


class _Budget:
    """Limit of the unpacked bytes of an archive."""

    def __init__(self, path: Path, origin: Origin) -> None:
        most = int(origin.limits.max_unpacked_gb * BYTES_PER_GB)
        self.left = min(max(MIN_ALLOWED, MAX_RATIO * path.stat().st_size), most)
        self.origin = origin

    def copy(self, packed: IO[Any] | gzip.GzipFile, target: Path) -> None:
        with target.open("wb") as stream:
            while block := packed.read(BLOCK):
                self.left -= len(block)
                if self.left < 0 or shutil.disk_usage(target.parent).free < len(block):
                    raise self.origin.error(
                        "is an archive that unpacks to more than a count matrix can have, than "
                        "config key limits.max_unpacked_gb allows, or than the temporary folder "
                        "can hold; unpack it yourself"
                    )
                stream.write(block)


def _untar(path: Path, folder: Path, budget: _Budget) -> None:
    """Unpack the regular files of a tar archive that may belong to a count matrix."""
    with tarfile.open(path) as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            if not member.isfile() or ".." in name.parts or name.name.startswith("._"):
                continue
            if not name.name.lower().removesuffix(".gz").endswith(MEMBERS):
                continue
            target = folder.joinpath(*(part for part in name.parts if part != "/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            packed = archive.extractfile(member)
            if packed is not None:
                budget.copy(packed, target)

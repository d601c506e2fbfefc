"""Atomic writing, and the light h5ad sidecars that stages exchange."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scsiameseclu.errors import UserError

if TYPE_CHECKING:
    import anndata as ad
    import pandas as pd


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; on success flush it to disk and rename it there.

    A process that is killed inside the block leaves ``path`` as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: Any) -> None:
    """Write ``content`` as indented JSON, atomically."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_table(path: str | Path, table: "pd.DataFrame", *, index: bool = False) -> None:
    """Write a table as tab-separated text, atomically; floats keep six significant digits."""
    write_text(path, table.to_csv(sep="\t", index=index, float_format="%.6g", na_rep="NA"))


def write_h5ad(adata: "ad.AnnData", path: str | Path) -> None:
    """Write ``adata`` with gzip compression, atomically."""
    with atomic_path(path) as temporary:
        adata.write_h5ad(
            temporary,
            compression="gzip",
            compression_opts=4,
            convert_strings_to_categoricals=False,
        )


def read_h5ad(path: str | Path) -> "ad.AnnData":
    """Read an h5ad that a stage wrote.

    Raises
    ------
    UserError
        The file is missing, truncated, or not an h5ad file.
    """
    import anndata as ad

    source = Path(path)
    if not source.is_file():
        raise UserError(f"the file {source} does not exist; run the stage that writes it first")
    try:
        return ad.read_h5ad(source)
    except (OSError, KeyError) as error:
        raise UserError(
            f"{source} cannot be read as h5ad ({type(error).__name__}: "
            f"{first_line(error)}); make it again"
        ) from error


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, for use inside a sentence."""
    return (str(error).strip().splitlines() or ["no message"])[0]


def sidecar(
    obs: "pd.DataFrame | pd.Index",
    *,
    var: "pd.DataFrame | None" = None,
    obsm: dict[str, Any] | None = None,
    obsp: dict[str, Any] | None = None,
    uns: dict[str, Any] | None = None,
) -> "ad.AnnData":
    """An AnnData without a matrix, keyed by the cells' names.

    Parameters
    ----------
    obs
        A table of cells, or only their names.
    var
        A table of genes; none by default.
    obsm, obsp, uns
        As in AnnData.
    """
    import anndata as ad
    import pandas as pd

    table = pd.DataFrame(index=obs) if isinstance(obs, pd.Index) else obs
    return ad.AnnData(X=None, obs=table, var=var, obsm=obsm, obsp=obsp, uns=uns or {})


def add_warnings(adata: "ad.AnnData", sentences: list[str]) -> None:
    """Append sentences for the report to ``adata.uns["warnings"]`` (a list of strings)."""
    import numpy as np

    known = [str(sentence) for sentence in adata.uns.get("warnings", [])]
    if known + sentences:
        adata.uns["warnings"] = np.array(known + sentences, dtype=object)

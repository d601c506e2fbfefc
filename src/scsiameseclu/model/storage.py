"""Parts of a model in a folder: tensors as safetensors, plain values as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from scsiameseclu.errors import UserError
from scsiameseclu.store.atomic import atomic_path, write_json

FORMAT = 5
CHECKSUMS = "checksums.json"
DAMAGE = (
    *(ValueError, KeyError, IndexError, TypeError, AttributeError),
    *(RuntimeError, EOFError, OSError),
)
"""Errors of reading files that are incomplete, or whose contents do not fit together."""


def write_part(
    folder: Path, name: str, tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any]
) -> None:
    """Write ``NAME.safetensors`` and ``NAME.json``, each atomically."""
    with atomic_path(folder / f"{name}.safetensors") as temporary:
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, temporary)
    write_json(folder / f"{name}.json", {"format": FORMAT, **values})


def check_writable(directory: str | Path) -> None:
    """Raise a UserError if a folder cannot be there, because a file is."""
    folder = Path(directory)
    for path in (folder, *folder.parents):
        if path.exists() and not path.is_dir():
            raise UserError(f"{folder} cannot be a folder, as {path} is a file; choose another")


def read_part(folder: Path, name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what :func:`write_part` wrote.

    Raises
    ------
    UserError
        A file is missing or damaged, or was written in another format.
    """
    tensors, values = folder / f"{name}.safetensors", folder / f"{name}.json"
    require(tensors, values)
    with reading(folder):
        read = dict(json.loads(values.read_text(encoding="utf-8")))
        loaded = load_file(tensors)
    if read.get("format") != FORMAT:
        raise UserError(
            f"the model in {folder} has format {read.get('format')}, this version reads {FORMAT}; "
            "fit it again"
        )
    for key, tensor in loaded.items():
        if tensor.is_floating_point() and bool(tensor.isnan().any()):
            raise UserError(f"the model in {folder} is damaged ({key} has NaN); fit it again")
    return loaded, read


def seal(folder: Path) -> None:
    """Write the SHA-256 of every file of a model to checksums.json, the last file of a folder."""
    write_json(folder / CHECKSUMS, {name: sha256(folder / name) for name in _files(folder)})


def check_seal(folder: Path) -> None:
    """Raise a UserError if a file of a model is missing, or differs from what was saved."""
    require(folder / CHECKSUMS)
    with reading(folder):
        text = read_lines(folder / CHECKSUMS)
        sums = dict(json.loads(text))
        require(*(folder / name for name in sums))
        if text != json.dumps(sums, indent=2, sort_keys=True) + "\n":
            raise ValueError(f"{CHECKSUMS} was changed after it was saved")
        if others := set(_files(folder)) - set(sums):
            raise ValueError(f"{min(others)} was not saved with it")
        for name in sorted(sums):
            if sha256(folder / name) != sums[name]:
                raise ValueError(f"{name} was changed after it was saved")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> list[str]:
    """Names of the files of a model, in order."""
    names = (path.name for path in folder.iterdir() if path.is_file())
    return sorted(name for name in names if name[0] != "." and name != CHECKSUMS)


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turn every error that damaged files cause into a UserError with one sentence."""
    try:
        yield
    except (*DAMAGE, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or ["empty"])[0].rstrip(":")
        if isinstance(error, KeyError):
            reason = f"{reason} is missing"
        raise UserError(f"the model in {folder} is damaged ({reason}); fit it again") from error


def read_lines(path: Path) -> str:
    """The text of a file whose last line must be complete.

    Raises
    ------
    ValueError
        It is not.
    """
    text = path.read_text(encoding="utf-8")
    if not text.endswith("\n"):
        raise ValueError(f"{path.name} is incomplete")
    return text


def require(*files: Path) -> None:
    """Raise a UserError for the first file that does not exist."""
    for file in files:
        if not file.is_file():
            raise UserError(
                f"{file.parent} holds no {file.name}; name a folder that a fit has saved"
            )


def group(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names start with ``PREFIX.``, by the rest of their names."""
    start = prefix + "."
    return {key[len(start) :]: t for key, t in tensors.items() if key.startswith(start)}

"""Parts of a model in a folder: tensors as safetensors, plain values as JSON."""

from __future__ import annotations

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

FORMAT = 4
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
    return loaded, read


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

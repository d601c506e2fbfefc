"""What an estimator keeps beside its fitted model: parameters, history and labels."""

from __future__ import annotations

import json
from collections.abc import Sized
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scsiameseclu.model.storage import read_lines, reading, require
from scsiameseclu.settings import ModelSettings
from scsiameseclu.store.atomic import atomic_path, write_json, write_text

PARAMS, HISTORY, LABELS = "estimator.json", "history.tsv", "labels.npy"


@dataclass(frozen=True)
class Saved:
    """Parameters of an estimator, those of its fit, and its fitted attributes, if it has them."""

    params: dict[str, Any]
    fitted: dict[str, Any]
    history: pd.DataFrame | None
    labels: np.ndarray | None


def write_estimator(directory: str | Path, saved: Saved) -> None:
    """Write estimator.json and, as far as there are, history.tsv and labels.npy."""
    folder = Path(directory)
    params = {name: _plain(value) for name, value in saved.params.items()}
    n_rows = None if saved.history is None else len(saved.history)
    n_labels = None if saved.labels is None else len(saved.labels)
    values = {"params": params, "fitted": saved.fitted, "history": n_rows, "labels": n_labels}
    write_json(folder / PARAMS, values)
    for name in (HISTORY, LABELS):
        (folder / name).unlink(missing_ok=True)
    if saved.history is not None:
        write_text(folder / HISTORY, saved.history.to_csv(sep="\t", index=False, na_rep="NA"))
    if saved.labels is not None:
        with atomic_path(folder / LABELS) as temporary, temporary.open("wb") as file:
            np.save(file, saved.labels, allow_pickle=False)


def read_estimator(directory: str | Path) -> Saved | None:
    """Read what :func:`write_estimator` wrote; None if the folder has only a model.

    Raises
    ------
    UserError
        A file is missing or damaged.
    """
    folder = Path(directory)
    if not any((folder / name).exists() for name in (PARAMS, HISTORY, LABELS)):
        return None
    require(folder / PARAMS)
    with reading(folder):
        values = json.loads((folder / PARAMS).read_text(encoding="utf-8"))
        params, history, labels = values["params"], None, None
        if values["history"] is not None:
            text = StringIO(read_lines(folder / HISTORY))
            history = pd.read_csv(text, sep="\t", float_precision="round_trip")
            _check_length(history, values["history"], HISTORY)
        if values["labels"] is not None:
            labels = np.load(folder / LABELS, allow_pickle=False)
            _check_length(labels, values["labels"], LABELS)
        if params["settings"] is not None:
            params["settings"] = ModelSettings(**params["settings"])
        if isinstance(params["n_clusters"], list):
            params["n_clusters"] = tuple(params["n_clusters"])
        return Saved(params, values["fitted"], history, labels)


def _check_length(read: Sized, expected: int, name: str) -> None:
    if len(read) != expected:
        raise ValueError(f"{name} has {len(read)} rows, not {expected}")


def _plain(value: Any) -> Any:
    """A value that JSON can hold."""
    if isinstance(value, ModelSettings):
        return value.to_dict()
    if isinstance(value, np.generic):
        return value.item()
    return value

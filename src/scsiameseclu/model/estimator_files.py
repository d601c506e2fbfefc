"""What an estimator keeps beside its fitted model: parameters, history and labels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scsiameseclu.errors import UserError
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
    write_json(folder / PARAMS, {"params": params, "fitted": saved.fitted})
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
        A file is damaged.
    """
    folder = Path(directory)
    if not (folder / PARAMS).is_file():
        return None
    try:
        values = json.loads((folder / PARAMS).read_text(encoding="utf-8"))
        params, fitted = values["params"], values["fitted"]
        history = _read_history(folder / HISTORY) if _has(folder, HISTORY) else None
        labels = np.load(folder / LABELS, allow_pickle=False) if _has(folder, LABELS) else None
    except (ValueError, KeyError, OSError) as error:
        raise UserError(f"the model in {folder} is damaged ({error}); fit it again") from error
    if params["settings"] is not None:
        params["settings"] = ModelSettings(**params["settings"])
    if isinstance(params["n_clusters"], list):
        params["n_clusters"] = tuple(params["n_clusters"])
    return Saved(params, fitted, history, labels)


def _read_history(path: Path) -> pd.DataFrame:
    history: pd.DataFrame = pd.read_csv(path, sep="\t", float_precision="round_trip")
    return history


def _has(folder: Path, name: str) -> bool:
    return (folder / name).is_file()


def _plain(value: Any) -> Any:
    """A value that JSON can hold."""
    if isinstance(value, ModelSettings):
        return value.to_dict()
    if isinstance(value, np.generic):
        return value.item()
    return value

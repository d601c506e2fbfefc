"""The folder of one sample: aligned reading and atomic writing of its files."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.store import manifest
from scsiameseclu.store.align import positions
from scsiameseclu.store.atomic import with_formulas, write_json, write_table
from scsiameseclu.store.files import (
    add_warnings,
    present,
    read_h5ad,
    read_parts,
    sidecar,
    write_h5ad,
)
from scsiameseclu.store.provenance import record


@dataclass(frozen=True)
class SampleFolder:
    """The files of one sample, by their names in :data:`scsiameseclu.store.manifest.PATHS`.

    Parameters
    ----------
    directory
        ``results/samples/{sample}``.
    sample
        Name of the sample.
    features
        Features of the run, from :data:`scsiameseclu.store.manifest.FEATURES`. Files of other
        features, left by earlier runs, are ignored.
    """

    directory: Path
    sample: str
    features: Collection[str] = ()

    def path(self, name: str) -> Path:
        """Path of a file."""
        return self.directory / manifest.path(name, self.sample)

    def has(self, name: str) -> bool:
        """Whether a file exists and belongs to a run with these features."""
        return name in manifest.outputs(self.features) and self.path(name).exists()

    @cached_property
    def cells(self) -> pd.Index:
        """Names of the cells that passed quality control, (n_cells,)."""
        return pd.Index(read_parts(self.path("expression"), ["obs"])["obs"].index)

    # -- reading ------------------------------------------------------------------------------

    def read(self, name: str, *, without: Sequence[str] = ()) -> ad.AnnData:
        """Read an h5ad file, with rows in the order of :attr:`cells`.

        Raises
        ------
        UserError
            The file is missing or damaged, or lacks some of the cells.
        """
        adata = read_h5ad(self.path(name), without=without)
        if adata.obs_names.equals(self.cells):
            return adata
        return adata[self._rows(name, adata.obs_names)].copy()

    def obs(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read columns of ``obs``, with rows in the order of :attr:`cells`; see :meth:`read`."""
        obs = read_parts(self.path(name), ["obs"])["obs"]
        rows = obs.iloc[self._rows(name, obs.index)]
        return rows if columns is None else rows[list(columns)]

    def array(self, name: str, key: str) -> np.ndarray:
        """Read an element such as ``"obsm/X_pca"``, (n_cells, …); see :meth:`read`."""
        parts = read_parts(self.path(name), ["obs", key])
        return np.asarray(parts[key])[self._rows(name, parts["obs"].index)]

    def pairs(self, name: str, key: str) -> sp.csr_matrix:
        """Read an element such as ``"obsp/connectivities"``, (n_cells, n_cells)."""
        parts = read_parts(self.path(name), ["obs", key])
        if parts["obs"].index.equals(self.cells):
            return sp.csr_matrix(parts[key])
        rows = self._rows(name, parts["obs"].index)
        return sp.csr_matrix(parts[key])[rows][:, rows]

    def holds(self, name: str, key: str) -> bool:
        """Whether a file has an element such as ``"obsm/X_pca"``."""
        return present(self.path(name), key)

    def uns(self, name: str, key: str) -> Any:
        """Read an entry of ``uns``; None if there is none."""
        return read_parts(self.path(name), [f"uns/{key}"]).get(f"uns/{key}")

    def _rows(self, name: str, names: pd.Index) -> np.ndarray:
        file, reference = (self.path(n).name for n in (name, "expression"))
        return positions(names, self.cells, file, reference)

    def json(self, name: str) -> dict[str, Any]:
        """Read a JSON file."""
        content: dict[str, Any] = json.loads(self.path(name).read_text(encoding="utf-8"))
        return content

    def table(self, name: str) -> pd.DataFrame:
        """Read a tsv table, with all values as text.

        Raises
        ------
        UserError
            The file is missing.
        """
        path = self.path(name)
        if not path.is_file():
            raise UserError(f"file {path} does not exist; run the stage that writes it first")
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
        return table.map(with_formulas)

    # -- warnings, provenance and usage of the stages ---------------------------------------------

    def sidecars(self) -> dict[str, str]:
        """File with warnings and provenance, by stage, for the stages that the report reads."""
        page = manifest.inputs("report", self.features)
        stages = manifest.planned(self.features)
        last = {stage: manifest.STAGES[stage].writes[-1] for stage in stages}
        return {s: n for s, n in last.items() if n in page and manifest.PATHS[n].endswith(".h5ad")}

    def warnings(self) -> list[tuple[str, str]]:
        """Warnings of the stages that have run, as (stage, message)."""
        warnings: list[tuple[str, str]] = []
        for stage, name in self.sidecars().items():
            if self.path(name).is_file():
                messages = self.uns(name, "warnings")
                shown = manifest.STAGES[stage].continues or stage
                warnings += [(shown, str(m)) for m in (() if messages is None else messages)]
        return warnings

    def provenance(self) -> dict[str, dict[str, Any]]:
        """Provenance records by stage."""
        entries: dict[str, dict[str, Any]] = {}
        for name in self.sidecars().values():
            entries |= self.uns(name, "provenance") or {}
        return entries

    def recorded_settings(self, stage: str) -> dict[str, Any]:
        """The settings that a stage recorded in its file."""
        settings: dict[str, Any] = json.loads(self._record(stage)["settings"])
        return settings

    def recorded_seed(self, stage: str) -> int:
        """The seed that a stage recorded in its file."""
        return int(self._record(stage)["seed"])

    def _record(self, stage: str) -> dict[str, Any]:
        entry: dict[str, Any] = self.uns(manifest.STAGES[stage].writes[-1], "provenance")[stage]
        return entry

    def usage(self) -> list[dict[str, Any]]:
        """Resource usage of the stages that recorded it, in pipeline order."""
        paths = (
            self.directory / manifest.USAGE.format(stage=stage)
            for stage in manifest.planned(self.features)
        )
        return [json.loads(p.read_text(encoding="utf-8")) for p in paths if p.is_file()]

    def failure(self) -> dict[str, str] | None:
        """``stage`` and ``reason`` of the last failure; None if no stage failed."""
        path = self.directory / manifest.FAILURE
        if not path.is_file():
            return None
        failure: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return failure

    def running(self) -> dict[str, Any] | None:
        """``stage``, ``asked_mb`` and ``attempt`` of a stage that has begun and not ended."""
        notes = sorted((self.directory / manifest.RUNNING).parent.glob("*.json"))
        return json.loads(notes[0].read_text(encoding="utf-8")) if notes else None

    def missing(self) -> list[str]:
        """The stages that have not finished, in pipeline order."""
        return [
            stage
            for stage in manifest.planned(self.features)
            if not self.path(manifest.STAGES[stage].writes[-1]).exists()
        ]

    # -- writing ----------------------------------------------------------------------------------

    def write(
        self,
        name: str,
        obs: pd.DataFrame | pd.Index,
        *,
        stage: str,
        seed: int | None,
        settings: Mapping[str, Any] | None = None,
        device: str = "cpu",
        warnings: Iterable[str] = (),
        **slots: Any,
    ) -> None:
        """Write a sidecar with the stage's provenance and warnings, atomically.

        Parameters
        ----------
        obs
            Cell metadata, or cell names only.
        stage, seed, settings, device
            See :func:`scsiameseclu.store.provenance.record`.
        warnings
            Messages for the reports.
        slots
            ``var``, ``obsm``, ``obsp``, ``varm`` and ``uns``, as in AnnData.
        """
        uns = dict(slots.pop("uns", {}))
        entry = record(stage, seed=seed, settings=dict(settings or {}), device=device)
        uns["provenance"] = uns.get("provenance", {}) | entry
        adata = sidecar(obs, uns=uns, **slots)
        add_warnings(adata, list(warnings))
        write_h5ad(adata, self.path(name))

    def write_table(self, name: str, table: pd.DataFrame, *, index: bool = False) -> None:
        """Write a table as tab-separated text, atomically."""
        write_table(self.path(name), table, index=index)

    def write_json(self, name: str, content: Any) -> None:
        """Write plain values as JSON, atomically."""
        write_json(self.path(name), content)

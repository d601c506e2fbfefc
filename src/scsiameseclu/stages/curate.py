"""Apply the level and the biologist's table (curation.tsv) to the clusters; nothing is trained."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from scsiameseclu.curation.table import (
    FILE,
    edited_lines,
    read_record,
    write_lines,
    write_record,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from scsiameseclu.curation.edit import Clusters, Splitter
    from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)


def run(folder: SampleFolder, *, level: str = "default", seed: int = 0) -> None:
    """Write ``clusters``, and the table ``curation.tsv`` unless there is an edited one.

    Without edits and at the level ``default``, ``clusters`` is a copy of ``proposed``. Otherwise it
    has the same slots, with the clusters of the level, merged and split as the table says, and
    ``obs["siamese_curated"]`` (bool, whether the cell's cluster was merged or split by hand);
    ``uns["curation"]`` contains the ``level``, and the final names of ``merged`` clusters and the
    names from which parts were ``split``. ``siamese_coarse`` and ``siamese_fine`` stay as proposed.

    Parameters
    ----------
    folder
        Folder of the sample or cohort.
    level
        ``coarse``, ``default``, ``fine`` or a number of clusters.
    seed
        Seed for splitting clusters.

    Raises
    ------
    UserError
        The table is invalid, names a cluster that does not exist, or has a cycle of merges; a
        cluster cannot be split; or there is no such level.
    """
    from scsiameseclu.curation.edit import edit
    from scsiameseclu.curation.plan import plan
    from scsiameseclu.store.atomic import atomic_path

    level = str(level)
    before = _at_level(folder, level)
    lines = edited_lines(folder.directory)
    checksum = _checksum(before.labels)
    listed, earlier = read_record(folder.directory)
    if not lines:
        write_lines(folder.directory, before.names)
    if not lines or not listed:
        write_record(folder.directory, before.names, checksum)
        earlier = checksum
    asked = plan(lines, before.names)
    notes = []
    if checksum != earlier:
        notes.append(
            f"{FILE} was edited for other clusters than the present ones; check its lines, or "
            "remove it to get a new one"
        )
    if level == "default" and not (asked.merges or asked.splits) and not notes:
        with atomic_path(folder.path("clusters")) as temporary:
            shutil.copyfile(folder.path("proposed"), temporary)
        return
    after = edit(before, asked, _splitter(folder, seed))
    for name, target in after.merged.items():
        log.info("cluster %s is merged into %s", name, target)
    for part, name in after.split.items():
        log.info("cluster %s is split; part %s has %d cells", name, part, _size(after, part))
    _write(folder, after, level, seed, notes)


def _at_level(folder: SampleFolder, level: str) -> Clusters:
    """The proposed clusters at a level."""
    import numpy as np

    from scsiameseclu.curation.edit import Clusters
    from scsiameseclu.curation.level import at_level

    obs = folder.obs("proposed")
    clusters = Clusters(
        names=[str(name) for name in obs["siamese"].cat.categories],
        labels=obs["siamese"].astype(str).to_numpy(dtype=object),
        probability=folder.array("proposed", "obsm/siamese_probability"),
        stability=np.asarray(folder.uns("proposed", "siamese")["stability"], dtype=float),
    )
    leaves = folder.obs("levels")["leaf"].to_numpy()
    groups = np.asarray(folder.uns("levels", "levels")["groups"])
    return at_level(clusters, level, obs, leaves, groups)


def _splitter(folder: SampleFolder, seed: int) -> Splitter:
    """A function that clusters some of the cells again."""

    def split(name: str, inside: np.ndarray) -> np.ndarray:
        import numpy as np

        from scsiameseclu.curation.split import split_cells
        from scsiameseclu.settings import ExpressionSettings
        from scsiameseclu.store.files import read_columns, read_parts

        settings = ExpressionSettings(**folder.recorded_settings("expression"))
        genes = np.ones(len(read_parts(folder.path("expression"), ["var"])["var"]), dtype=bool)
        values = read_columns(folder.path("expression"), "X", genes, rows=inside)
        batches = folder.obs("expression", ["batch"])["batch"][inside]
        batches = batches.astype(str).astype("category")
        return split_cells(values, settings, batches, seed, name=name)

    return split


def _write(
    folder: SampleFolder, clusters: Clusters, level: str, seed: int, notes: list[str]
) -> None:
    import numpy as np
    import pandas as pd

    from scsiameseclu.model.slots import AMBIGUOUS
    from scsiameseclu.palette import colour

    proposed = folder.read("proposed")
    obs: pd.DataFrame = proposed.obs.copy()
    confidence = clusters.confidence.astype(np.float32)
    obs["siamese"] = pd.Categorical(clusters.labels, categories=list(clusters.names))
    obs["siamese_confidence"] = confidence
    obs["siamese_ambiguous"] = confidence < AMBIGUOUS
    obs["siamese_curated"] = np.isin(clusters.labels.astype(str), clusters.edited)
    sizes = obs["siamese"].value_counts(sort=False).to_numpy()
    uns = {key: value for key, value in proposed.uns.items() if key != "warnings"}
    kept = {key: value for key, value in proposed.uns["siamese"].items() if key != "alternatives"}
    uns["siamese"] = kept | {
        "n_clusters": len(clusters.names),
        "n_clusters_proposed": int(proposed.uns["siamese"]["n_clusters"]),
        "sizes": sizes,
        "stability": np.asarray(clusters.stability, dtype=np.float64),
    }
    uns["siamese_colors"] = [colour(number) for number in range(len(clusters.names))]
    uns["curation"] = {
        "level": level,
        "merged": dict(clusters.merged),
        "split": dict(clusters.split),
    }
    folder.write(
        "clusters",
        obs,
        obsm={"siamese_probability": clusters.probability},
        uns=uns,
        stage="curate",
        seed=seed,
        settings={"level": level},
        warnings=[*(str(note) for note in proposed.uns.get("warnings", ())), *notes],
    )


def _checksum(labels: np.ndarray) -> str:
    import hashlib

    return hashlib.sha256("\n".join(map(str, labels)).encode()).hexdigest()


def _size(clusters: Clusters, name: str) -> int:
    return int((clusters.labels == name).sum())

"""Settings of a run: top-level config keys, the Slurm section, and the list of all sections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scsiameseclu import settings
from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.options import Settings, Text, option

MAX_SEED = 2**32 - 1
PARTITION = Text(("the name of a partition",), "^(?!-)[A-Za-z0-9_.,-]+$")
IMAGE = Text(("the path or URL of an image",))
CLUSTERS = "^([2-9]|[1-9][0-9]+)(-([2-9]|[1-9][0-9]+))?$"

LEVELS = "^(coarse|default|fine|[2-9]|[1-9][0-9]+)$"


@dataclass(frozen=True)
class RunSettings(Settings):
    """The top-level keys of the config."""

    samples: str = option(
        "config/samples.tsv",
        "sample sheet: a tab-separated file with one line per sample",
        text=Text(("the path of a file, without braces",), r"^(?=.*\S)[^{}]+$"),
    )
    outdir: str = option(
        "results",
        "output folder",
        text=Text(
            ("a path of letters, digits and the signs _ . / - (no spaces, no leading -)",),
            "^(?!-|//)[A-Za-z0-9_./-]+$",
        ),
    )
    seed: int = option(0, "random seed", minimum=0, maximum=MAX_SEED)
    device: Literal["auto", "cpu", "cuda"] = option(
        "auto", "device on which the networks are trained; auto: a GPU if available"
    )
    container: str | None = option(
        "containers/scsiameseclu-cpu.sif",
        "container image for --use-singularity: a .sif file or docker://...; null: none",
        text=IMAGE,
    )
    gpu_container: str | None = option(
        "containers/scsiameseclu-cuda.sif",
        "container image for training on a GPU (see slurm.gpu_partition); null: same as container",
        text=IMAGE,
    )
    n_clusters: int | str | None = option(
        None,
        "number of clusters, or a range to choose from; null: estimated",
        minimum=2,
        text=Text(("a number of 2 or more", "a range such as 8-15"), CLUSTERS),
    )
    prior: Literal["none", "markers"] = option(
        "none",
        "prior knowledge in the choice of clusters; markers: the cell types of canonical markers "
        "vote too",
    )
    level: int | str = option(
        "default",
        "level of the tree of clusters that is analysed: coarse, default, fine, or a number of "
        "clusters; nothing is trained again",
        minimum=2,
        text=Text(("coarse", "default", "fine", "a number of 2 or more"), LEVELS),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        ClusterNumber.parse(self.n_clusters)


@dataclass(frozen=True)
class SlurmSettings(Settings):
    """Slurm partitions, account and GPU requests (profile `slurm`)."""

    partition: str | None = option(
        None, "partition for the jobs; null: the site's default", text=PARTITION
    )
    account: str | None = option(
        None,
        "account to which jobs are charged; null: the site's default",
        text=Text(("the name of an account",), "^(?!-)[A-Za-z0-9_.@-]+$"),
    )
    gpu_partition: str | None = option(
        None, "partition with GPUs for training; null: train on CPUs", text=PARTITION
    )
    gpu_request: Literal["gres", "gpu"] = option(
        "gres", "how a job requests its GPU at this site: --gres=gpu:1 (gres) or --gpus=1 (gpu)"
    )


@dataclass(frozen=True)
class LimitSettings(Settings):
    """Largest inputs that are read; a file that declares more is refused before it is read."""

    max_cells: int = option(
        50_000_000, "maximum number of cells, or of barcodes of a raw matrix, in a file", minimum=1
    )
    max_genes: int = option(
        2_000_000, "maximum number of genes and other features in a file", minimum=1
    )
    max_values: int = option(
        20_000_000_000, "maximum number of stored values of a count matrix", minimum=1
    )
    max_unpacked_gb: float = option(
        200.0,
        "maximum size in GB of a compressed table or an archive after unpacking",
        minimum=1e-6,
    )


SECTIONS: dict[str, type[Settings]] = {
    "slurm": SlurmSettings,
    "limits": LimitSettings,
    "droplets": settings.DropletSettings,
    "quality": settings.QualitySettings,
    "ambient": settings.AmbientSettings,
    "expression": settings.ExpressionSettings,
    "graph": settings.GraphSettings,
    "model": settings.ModelSettings,
    "markers": settings.MarkerSettings,
    "annotation": settings.AnnotationSettings,
    "reference": settings.ReferenceSettings,
    "cohort": settings.CohortSettings,
    "trajectory": settings.TrajectorySettings,
    "conditions": settings.ConditionSettings,
    "export": settings.ExportSettings,
}
"""The sections of the config, in the order of the config file."""

"""All stages of one sample, run in this process with short training."""

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.settings import (
    AmbientSettings,
    AnnotationSettings,
    DropletSettings,
    ExpressionSettings,
    GraphSettings,
    MarkerSettings,
    ModelSettings,
    QualitySettings,
    TrajectorySettings,
)
from scsiameseclu.stages import (
    ambient,
    annotate,
    assemble,
    cluster,
    curate,
    evaluate,
    expression,
    graph,
    ingest,
    layout,
    markers,
    quality,
    report,
    train,
    trajectory,
)
from scsiameseclu.store.folder import SampleFolder
from scsiameseclu.store.manifest import AMBIENT

GIVEN = DropletSettings()
SHORT = ModelSettings(networks=2, pretrain_steps=12, hidden_size=64, max_clusters=10)


def run_stages(
    folder: SampleFolder,
    source: str,
    request: ReadRequest,
    *,
    settings: ModelSettings = SHORT,
    droplets: DropletSettings = GIVEN,
    n_clusters: str | None = None,
) -> SampleFolder:
    """Write every file of the sample's folder, as the workflow does; not the stage transfer."""
    ingest.run(folder, source=source, request=request, droplets=droplets)
    quality.run(folder, settings=QualitySettings())
    if AMBIENT in folder.features:
        ambient.run(folder, settings=AmbientSettings())
    expression.run(folder, settings=ExpressionSettings())
    graph.run(folder, settings=GraphSettings())
    train.run(folder, settings=settings, n_clusters=n_clusters, device="cpu")
    cluster.run(folder, settings=AnnotationSettings(), n_clusters=n_clusters)
    curate.run(folder)
    layout.run(folder)
    markers.run(folder, settings=MarkerSettings())
    annotate.run(folder, settings=AnnotationSettings())
    if "trajectory" in folder.features:
        trajectory.run(folder, settings=TrajectorySettings(run=True), label=request.label)
    evaluate.run(folder, label=request.label)
    report.run(folder, label=request.label)
    assemble.run(folder)
    return folder

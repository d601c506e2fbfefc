"""All stages of one sample, run in this process with short training."""

from pathlib import Path

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.settings import (
    AnnotationSettings,
    ExpressionSettings,
    GraphSettings,
    MarkerSettings,
    ModelSettings,
    QualitySettings,
)

SHORT = ModelSettings(
    networks=2,
    pretrain_steps=12,
    cluster_steps=8,
    refresh_every=4,
    hidden_size=64,
    max_clusters=10,
)


def run_stages(folder: Path, source: str, request: ReadRequest, sample: str) -> None:
    """Write every file of the sample's folder, as the workflow does."""
    from scsiameseclu.stages.annotate import annotate
    from scsiameseclu.stages.assemble import assemble
    from scsiameseclu.stages.cluster import cluster
    from scsiameseclu.stages.evaluate import evaluate
    from scsiameseclu.stages.expression import expression
    from scsiameseclu.stages.graph import graph
    from scsiameseclu.stages.ingest import ingest
    from scsiameseclu.stages.layout import layout
    from scsiameseclu.stages.markers import markers
    from scsiameseclu.stages.quality import quality
    from scsiameseclu.stages.report import report
    from scsiameseclu.stages.train import train

    def at(name: str) -> Path:
        return folder / name

    ingest(source, at("counts.h5ad"), sample=sample, request=request, seed=0)
    quality(
        at("counts.h5ad"),
        at("filtered.h5ad"),
        at("quality.tsv"),
        settings=QualitySettings(),
        seed=0,
        sample=sample,
    )
    expression(
        at("counts.h5ad"),
        at("filtered.h5ad"),
        at("expression.h5ad"),
        settings=ExpressionSettings(),
        seed=0,
        sample=sample,
    )
    graph(at("expression.h5ad"), at("graph.h5ad"), settings=GraphSettings(), seed=0)
    train(
        at("expression.h5ad"),
        at("graph.h5ad"),
        at("model"),
        at("embedding.h5ad"),
        at("training.tsv"),
        settings=SHORT,
        n_clusters=None,
        seed=0,
        device="cpu",
        sample=sample,
    )
    inputs = (at("expression.h5ad"), at("graph.h5ad"), at("embedding.h5ad"))
    cluster(at("embedding.h5ad"), at("model"), at("clusters.h5ad"), seed=0)
    layout(*inputs[1:], at("layout.h5ad"), seed=0)
    analysed = (at("expression.h5ad"), at("clusters.h5ad"))
    markers(
        *analysed,
        at("markers.tsv"),
        at("markers_all.tsv"),
        at("markers.h5ad"),
        settings=MarkerSettings(),
        sample=sample,
    )
    annotate(
        *analysed,
        at("embedding.h5ad"),
        at("annotation.tsv"),
        at("annotation.h5ad"),
        settings=AnnotationSettings(),
        sample=sample,
    )
    evaluate(
        at("counts.h5ad"),
        *inputs,
        at("clusters.h5ad"),
        at("layout.h5ad"),
        at("metrics.json"),
        label=request.label,
        seed=0,
        sample=sample,
    )
    report(folder, at("report.html"), sample=sample, label=request.label)
    assemble(folder, at(f"{sample}.h5ad"), sample=sample)

"""The report page of a sample or a cohort."""

from collections.abc import Mapping

from scsiameseclu.report.ambient import ambient_note
from scsiameseclu.report.annotation import (
    annotation_note,
    annotation_table,
    doublet_note,
    votes_table,
)
from scsiameseclu.report.capture_figures import capture_pictures
from scsiameseclu.report.cluster_figures import (
    MIN_SUPPORT,
    cluster_table,
    confidence_picture,
    evidence_picture,
    level_table,
)
from scsiameseclu.report.comparison import comparison
from scsiameseclu.report.condition_figures import condition_section
from scsiameseclu.report.curation import curation_note, curation_table
from scsiameseclu.report.exports import exports
from scsiameseclu.report.finished_sample import FinishedSample, load_sample
from scsiameseclu.report.joint import joint_section
from scsiameseclu.report.joint_cells import JointCells
from scsiameseclu.report.level_figures import split_table, tree_picture
from scsiameseclu.report.map_data import map_data
from scsiameseclu.report.map_figures import Plane, category_map, number_map, plane
from scsiameseclu.report.marker_figures import marker_pictures, marker_table
from scsiameseclu.report.methods import methods
from scsiameseclu.report.quality_figures import (
    funnel_picture,
    funnel_table,
    notes_on_metrics,
    quality_pictures,
)
from scsiameseclu.report.rendering import render
from scsiameseclu.report.resource_usage import usage_table
from scsiameseclu.report.summary import summary
from scsiameseclu.report.tables import (
    Picture,
    count,
    percent,
    real,
    sentence,
)
from scsiameseclu.report.training_figures import line_legend, training_pictures
from scsiameseclu.report.trajectory_figures import trajectory as trajectory_section
from scsiameseclu.store.folder import SampleFolder


def sample_page(
    folder: SampleFolder,
    label: str | None,
    design: Mapping[str, Mapping[str, str]] | None = None,
    joint: JointCells | None = None,
) -> str:
    """The HTML page of a sample or a cohort, from the files in its folder.

    Parameters
    ----------
    folder
        The sample's folder.
    label
        Column of published labels; only the comparison panel shows it.
    design
        Metadata of each sample of a cohort.
    joint
        The clusters of the cohort that the sample's cells are in; by default those that the sample
        was mapped onto, if it was.
    """
    sample = load_sample(folder, design, joint)
    where = plane(sample.umap)
    panel = comparison(sample, where, label)
    return render(
        "sample.html.j2",
        script="map.js",
        title=f"{sample.name} – scSiameseClu",
        sample=sample.name,
        warnings=[(stage, sentence(warning)) for stage, warning in sample.warnings],
        joint=joint_section(sample),
        conditions=condition_section(folder),
        of_cohort=sample.joint,
        of_cohort_table=sample.joint and sample.joint.table(sample.cells["siamese"]),
        facts=_facts(sample),
        summary=summary(sample),
        capture=capture_pictures(sample),
        quality=quality_pictures(sample),
        missing=notes_on_metrics(sample),
        ambient=ambient_note(sample),
        funnel=funnel_picture(sample),
        funnel_table=funnel_table(sample),
        maps=_maps(sample, where),
        map_data=map_data(sample, where),
        map_note=where.note,
        evidence=evidence_picture(sample),
        confidence=confidence_picture(sample),
        clusters=cluster_table(sample),
        curated=curation_table(sample),
        curation=curation_note(sample),
        levels=level_table(sample),
        tree=tree_picture(sample),
        splits=split_table(sample),
        agreement=_agreement(sample),
        marker_pictures=marker_pictures(sample),
        markers=marker_table(sample),
        votes=votes_table(sample),
        annotation=annotation_table(sample),
        annotation_note=annotation_note(sample),
        doublets=doublet_note(sample),
        trajectory=trajectory_section(sample, where),
        comparison=panel,
        exports=exports(sample),
        training=training_pictures(sample),
        lines=line_legend(sample),
        stopped=sentence(str(sample.training_notes["stopped"])),
        methods=methods(sample),
        usage=usage_table(folder.usage()),
    )


def _agreement(sample: FinishedSample) -> str:
    """Size and agreement of the ensemble, and what the columns of the table mean."""
    members, mean = int(sample.siamese["n_members"]), float(sample.siamese["agreement"])
    sentences = (
        f"{members} clusterings from several networks and starts voted on each cell; their mean "
        f"adjusted Rand index with the chosen clustering is {mean:.2f}. Confidence: the "
        "probability, from these votes, that another run leaves the cell in its cluster. "
        "Stability: mean overlap (Jaccard index) of a cluster with its best match in each of these "
        "clusterings. Cells with confidence below 0.5 are marked ambiguous but kept."
    )
    if "alternatives" in sample.siamese:
        sentences += (
            " May also be: a union with another cluster, or a split into fine clusters, after "
            f"which at least {100 * MIN_SUPPORT:.0f} % of all clusterings agree better, and their "
            "share."
        )
    return sentences


def _facts(sample: FinishedSample) -> list[tuple[str, str]]:
    """Key numbers at the top of the page, as (name, value)."""
    scores = sample.quality_scores
    kept, ingested = len(sample.cells), len(sample.ingested)
    return [
        ("cells kept", f"{count(kept)} ({percent(kept, ingested)})"),
        ("clusters", str(len(sample.clusters))),
        ("mean confidence", real(scores["mean_confidence"], 2).text),
        ("silhouette", real(scores["silhouette"], 2).text),
        ("graph purity", real(scores["graph_purity"], 2).text),
    ]


def _maps(sample: FinishedSample, where: Plane) -> list[Picture]:
    cells = sample.cells
    maps = [
        category_map(
            "map-cluster", "Cluster", where, cells["siamese"], numbered=True,
            caption="Clusters by scSiameseClu, numbered at their centres.",
        ),
        category_map(
            "map-type", "Predicted type", where, cells["cell_type_predicted"],
            caption="Predicted type of each cluster; grey: no type assigned.",
        ),
        number_map(
            "map-confidence", "Confidence", where, cells["siamese_confidence"].to_numpy(float),
            label="confidence", caption="Confidence of the cluster assignment, 0 to 1.",
        ),
    ]  # fmt: skip
    if sample.joint is not None:
        caption = f"Clusters of cohort {sample.joint.cohort}; grey: unknown, or not in the cohort."
        of_cohort = sample.joint.clusters
        maps.append(category_map("map-joint", "Cohort cluster", where, of_cohort, caption=caption))
    for name in ("sample", "condition"):
        if name in sample.groups:
            caption = f"Cells of every {name} are drawn in random order."
            of_group = sample.groups[name]
            title = name.capitalize()
            maps.append(category_map(f"map-{name}", title, where, of_group, caption=caption))
    if len(cells["batch"].cat.categories) > 1 and not sample.groups:
        caption = "A cluster from a single batch may be a batch effect."
        maps.append(category_map("map-batch", "Batch", where, cells["batch"], caption=caption))
    metrics = {
        "total_counts": ("Total counts", "counts", "A gradient may reflect sequencing depth."),
        "pct_mito": ("Mitochondrial percentage", "% mitochondrial", "High in dying cells."),
        "doublet_score": ("Doublet score", "simulated neighbours", "Often high between clusters."),
        "contamination": ("Ambient RNA", "share of the counts", "Often high in small cells."),
    }  # fmt: skip
    for column, (title, label, caption) in metrics.items():
        if column not in cells:
            continue
        values = cells[column].to_numpy(float)
        if (values == values).any():
            name = f"map-{column}"
            maps.append(number_map(name, title, where, values, label=label, caption=caption))
    return maps

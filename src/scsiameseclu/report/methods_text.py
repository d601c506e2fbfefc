"""The methods paragraph: what was done, from the settings and notes that the stages recorded."""

import json
from typing import Any

from scsiameseclu.clustering.evidence import N_STARTS, PRIOR
from scsiameseclu.preprocess.integration import RECORD
from scsiameseclu.preprocess.layout import MAX_MAPPED
from scsiameseclu.preprocess.quality.thresholds import MAX_SHARE_ABOVE
from scsiameseclu.report.ambient import ambient_method
from scsiameseclu.report.capture_figures import UNTAGGED
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.joint import joint_methods
from scsiameseclu.report.tables import count, listed, sentence
from scsiameseclu.settings import (
    DropletSettings,
    ExpressionSettings,
    GraphSettings,
    MarkerSettings,
    ModelSettings,
    QualitySettings,
)

FIXED_THRESHOLDS = {
    "min_counts": "at least {:g} counts",
    "max_counts": "at most {:g} counts",
    "min_genes": "at least {:g} detected genes",
    "max_genes": "at most {:g} detected genes",
    "max_pct_mito": "at most {:g} % mitochondrial counts",
}
RECONSTRUCTION = {
    "multinomial": "the multinomial likelihood of the counts",
    "nb": "the negative binomial likelihood of the counts",
    "zinb": "the zero-inflated negative binomial likelihood of the counts",
    "none": "the mean squared error of the scaled expression",
}
LOSSES = {
    "cell_refinement_expression": "cell-level correlation refinement of the expression encoder",
    "cell_refinement_graph": "cell-level correlation refinement of the graph encoder",
    "latent_refinement": "latent-level correlation refinement",
    "propagation": "propagation regularisation",
    "graph_reconstruction": "reconstruction of the graph by a graph decoder",
}
"""Terms that a weight of 0 switches off."""
BALANCE = {
    "learned": "balanced by optimal transport with learned cluster proportions",
    "fixed": "balanced by optimal transport with fixed cluster proportions",
    "ignored": "not balanced by optimal transport",
}
ASSIGNMENT = {
    "learned": "by optimal transport with learned cluster proportions",
    "fixed": "by optimal transport with fixed cluster proportions",
    "ignored": "each cell to its nearest centre",
}


def recorded_settings(sample: FinishedSample, stage: str) -> dict[str, Any]:
    """The settings with which a stage ran."""
    settings: dict[str, Any] = json.loads(sample.provenance[stage]["settings"])
    return settings


def paragraph(sample: FinishedSample) -> list[str]:
    """The sentences of the paragraph."""
    trained = recorded_settings(sample, "train")
    trained.pop("seed")
    model, notes = ModelSettings(**trained), sample.training_notes
    sentences = [
        *_capture(sample),
        *(
            joint_methods(recorded_settings(sample, "join"))
            if "join" in sample.provenance
            else _filtering(sample)
        ),
        sentence(str(sample.quality["doublets"])),
        *ambient_method(sample),
        *_preprocessing(sample),
        *_training(model, len(sample.cells)),
    ]
    if model.cluster_steps:
        sentences += _joint_training(model)
    sentences += [
        f"Training took {count(notes['n_steps'])} mini-batches in total.",
        sentence(str(notes["device"])),
        sentence(str(notes["stopped"])),
        *_clustering(sample, model),
        _display(len(sample.cells)),
        *_annotation(sample),
    ]
    return [words for words in sentences if words]


def _display(n_cells: int) -> str:
    """The map, and the clusters for comparison."""
    which = ""
    if n_cells > MAX_MAPPED:
        which = (
            f" ({count(MAX_MAPPED)} random cells; the others were placed among their nearest "
            "neighbours)"
        )
    return (
        f"For display and comparison, the embedding was laid out by UMAP{which} and the neighbour "
        "graph was clustered by the Leiden algorithm at resolution 1.0."
    )


def _capture(sample: FinishedSample) -> list[str]:
    """Calling of cells among droplets, and demultiplexing."""
    sentences = []
    if sample.droplets:
        droplets, rules = sample.droplets, DropletSettings(**sample.droplets["params"])
        sentences.append(
            f"Cells were called among {count(droplets['n_barcodes'])} barcodes by the test of "
            "Lun et al. (2019): the ambient profile was estimated from droplets with at most "
            f"{count(rules.ambient_max_counts)} counts, p-values came from "
            f"{count(droplets['n_simulations'])} simulated empty droplets (Dirichlet-multinomial), "
            f"and the false discovery rate was at most {100 * rules.fdr:g} %."
        )
        if droplets["n_above_knee"]:
            sentences.append(
                f"Barcodes at or above the knee of the rank curve ({count(droplets['knee'])} "
                "counts) were kept without a test."
            )
    if sample.hashtags:
        names = [str(name) for name in sample.hashtags["name"]][: -len(UNTAGGED)]
        sentences.append(
            f"Cells were demultiplexed by {len(names)} hashtags: a mixture of two normal "
            "distributions was fitted to the log counts of each hashtag, and cells with several "
            "hashtags or none were removed."
        )
    return sentences


def _filtering(sample: FinishedSample) -> list[str]:
    settings = recorded_settings(sample, "quality")
    rules = QualitySettings(**settings)
    mitochondrial = (
        f", or if their mitochondrial percentage was more than {rules.mad_mito:g} MADs above the "
        f"median and above {rules.floor_pct_mito:g} %"
        if sample.quality["mito_prefix"]
        else ""
    )
    sentences = [
        "Cells were removed if they were further from the median than "
        f"{rules.mad_counts:g} median absolute deviations (MADs) of log total counts, "
        f"{rules.mad_genes:g} of log detected genes or {rules.mad_top20:g} of the percentage of "
        f"counts in the 20 most abundant genes{mitochondrial}. Upper thresholds of the first three "
        f"metrics were raised where they would have removed more than {100 * MAX_SHARE_ABOVE:g} % "
        "of the cells."
    ]
    fixed = [
        words.format(settings[name])
        for name, words in FIXED_THRESHOLDS.items()
        if settings[name] is not None
    ]
    if fixed:
        sentences.append(f"Fixed thresholds replaced those of the MAD rule: {listed(fixed)}.")
    return [*sentences, f"Genes detected in fewer than {rules.min_cells} cells were removed."]


def _preprocessing(sample: FinishedSample) -> list[str]:
    expression = ExpressionSettings(**recorded_settings(sample, "expression"))
    graph = GraphSettings(**recorded_settings(sample, "graph"))
    n_genes = sample.n_highly_variable
    n_pcs = min(expression.n_pcs, n_genes - 1, len(sample.cells) - 1)
    return [
        "Counts were normalised to the median total count per cell and log-transformed; the "
        f"{count(n_genes)} most variable genes were scaled to unit variance, clipped at "
        f"{expression.max_value:g} and reduced to {n_pcs} principal components.",
        *_alignment(sample),
        f"Each cell was connected to its {graph.n_neighbors} nearest neighbours in these "
        f"components ({graph.metric.capitalize()} distance).",
    ]


def _alignment(sample: FinishedSample) -> list[str]:
    """How batches were aligned; nothing where there is one batch, or none was aligned."""
    record = sample.folder.uns("expression", RECORD)
    if record is None:
        return []
    return [
        f"The {len(record['batch'])} batches were aligned in the components and in the latents of "
        "every network: micro-clusters of each batch were matched with those of the batches before "
        "it by unbalanced optimal transport, and cells were moved by the displacement of their "
        "micro-clusters, as far as it exceeds chance."
    ]


def _training(model: ModelSettings, n_cells: int) -> list[str]:
    """Views, fusion and losses; what the settings switch off is not mentioned."""
    noise = [f"multiplicative noise of SD {model.expression_noise:g}"]
    noise = noise if model.expression_noise else []
    expression, graph = list(noise), list(noise)
    if model.expression_swap:
        expression.append(f"{100 * model.expression_swap:g} % of the genes swapped between cells")
    if model.edge_drop:
        graph.append(f"the {100 * model.edge_drop:g} % least similar edges dropped from the first")
    if model.diffusion:
        graph.append(
            "personalised PageRank diffusion of the second with a restart probability of "
            f"{model.diffusion_alpha:g}"
        )
    number = f"{model.networks} networks" if model.networks > 1 else "One network"
    were, each = ("were", " each") if model.networks > 1 else ("was", "")
    seen = f"two views of the neighbour graph{_in_brackets(graph)}"
    if not graph:
        seen = "the components propagated twice over the neighbour graph"
    genes = "two views of the expression" if expression else "the expression"
    fused = "fused by a learned gate" if model.fusion else "averaged"
    losses = [RECONSTRUCTION[model.likelihood]]
    losses += [
        f"{term} (weight {getattr(model, name):g})"
        for name, term in LOSSES.items()
        if getattr(model, name)
    ]
    return [
        f"{number} of scSiameseClu {were} trained without labels,{each} on "
        f"{count(model.pretrain_steps)} mini-batches of {min(model.batch_size, n_cells)} cells "
        f"(learning rate {model.learning_rate:g}).",
        f"A network encodes {genes}{_in_brackets(expression)} and {seen}; the two latents are "
        f"{fused}.",
        f"The training loss was {losses[0]}."
        if len(losses) == 1
        else f"The training loss combined {listed(losses)}.",
    ]


def _in_brackets(parts: list[str]) -> str:
    return f" ({listed(parts)})" if parts else ""


def _joint_training(model: ModelSettings) -> list[str]:
    """The second phase of the published method."""
    return [
        f"Joint training followed for at most {count(model.cluster_steps)} mini-batches per "
        f"network (learning rate {model.learning_rate * model.clustering_rate:g}), starting from "
        "the clusters of the networks trained so far.",
        "Its loss also contained the Kullback–Leibler divergence of the soft cluster assignments "
        f"(Student's t kernel) from their targets (weight {model.clustering:g}); targets were the "
        f"assignments sharpened by the exponent {model.sharpness:g} and "
        f"{BALANCE[model.proportions]}, and were updated every {model.refresh_every} mini-batches "
        f"until fewer than {100 * model.tolerance:g} % of the cells changed cluster.",
        *_in_this_phase(model),
    ]


def _in_this_phase(model: ModelSettings) -> list[str]:
    """What joint training changes in the network and its inputs."""
    changes = ["edges were dropped by similarity of the latents"] if model.edge_drop else []
    if model.fusion:
        changes.append("the fusion attended to the clusters' prototypes")
    return [f"In this phase, {' and '.join(changes)}."] if changes else []


def _clustering(sample: FinishedSample, model: ModelSettings) -> list[str]:
    latent = "latents smoothed over the graph" if model.propagate_latent else "latents"
    components = "principal components and the " if model.space == "joint" else ""
    asked = str(sample.siamese["n_clusters_asked"])
    candidates = "Of all these clusterings"
    if asked != "estimated":
        candidates = f"Of those with the requested number of clusters ({asked})"
    elif model.cluster_steps:
        candidates = (
            "Of the clusterings with the number of clusters estimated before joint training"
        )
    voters = "all others"
    if not sample.siamese["n_clusters_given"] and not model.cluster_steps:
        candidates += ", and those in which some of their clusters are merged"
        voters = "all others and with communities of the embedding (Leiden, half the weight)"
    if PRIOR in str(sample.siamese["evidence"]["criterion"]):
        voters += " and with the cell types that markers give (half the weight)"
    return [
        f"In the {components}{latent} of each network, cells were assigned to cluster centres "
        f"{ASSIGNMENT[model.proportions]}, from {N_STARTS} starts for each of several numbers of "
        f"clusters. {candidates}, the one with the highest mean adjusted Rand index with {voters} "
        f"was chosen, and {count(sample.siamese['n_members'])} clusterings with a similar number "
        "of clusters voted on each cell."
    ]


def _annotation(sample: FinishedSample) -> list[str]:
    filters = MarkerSettings(**recorded_settings(sample, "markers"))
    sources = ["the enrichment of canonical marker genes"]
    if sample.transfer_notes:
        sources.append("label transfer from an annotated reference by optimal transport")
    if sample.celltypist_notes:
        sources.append("a CellTypist model")
    sentences = [
        "Marker genes were found by the Wilcoxon rank-sum test of each cluster against all other "
        f"cells (adjusted p at most {filters.max_adjusted_p:g}, log2 fold change at least "
        f"{filters.min_log2_fold_change:g}, expressed in at least {filters.min_pct_in:g} % of the "
        f"cluster's cells); cell types were assigned by {listed(sources)}."
    ]
    if (sample.annotation["doublet_of"] != "").any():
        sentences.append(
            "Clusters with high doublet scores, more counts than two other clusters and hardly any "
            "genes beyond the range of both were named as doublets of these."
        )
    if sample.trajectory_notes:
        sentences.append(
            "Clusters were connected by PAGA and cells ordered by diffusion pseudotime in the "
            f"embedding. {sentence(str(sample.trajectory_notes['note']))}"
        )
    return sentences

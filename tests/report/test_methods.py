"""The methods paragraph says what was done, with the default and with the published settings."""

import json
from dataclasses import replace

import pytest

from scsiameseclu.report.finished_sample import FinishedSample, load_sample
from scsiameseclu.report.methods_text import paragraph
from scsiameseclu.settings import ModelSettings, QualitySettings
from scsiameseclu.store.folder import SampleFolder

JOINT = ("Joint training", "Kullback–Leibler", "before joint training", "prototypes")


@pytest.fixture
def sample(finished: SampleFolder) -> FinishedSample:
    return load_sample(finished)


def described(sample: FinishedSample, settings: ModelSettings, asked: str = "estimated") -> str:
    """The paragraph of the sample as if it had been trained with other settings."""
    recorded = json.dumps({"seed": 0, **settings.to_dict()})
    train = sample.provenance["train"] | {"settings": recorded}
    siamese = sample.siamese | {"n_clusters_asked": asked}
    changed = replace(sample, provenance=sample.provenance | {"train": train}, siamese=siamese)
    return " ".join(paragraph(changed))


def test_default_settings(sample: FinishedSample) -> None:
    text = described(sample, ModelSettings())
    for words in (
        "3 networks of scSiameseClu were trained without labels, each on 160 mini-batches of 256",
        "30 % of the genes swapped between cells",
        "the components propagated twice over the neighbour graph; the two latents are averaged",
        "The training loss was the multinomial likelihood of the counts.",
        "the principal components and the latents of each network",
        "optimal transport with learned cluster proportions",
        "Of all these clusterings",
    ):
        assert words in text
    off = ("graph decoder", "propagation", "refinement", "smoothed", "binomial", "noise", "fused")
    for words in (*JOINT, *off):
        assert words not in text.replace("multinomial", "")


def test_published_settings(sample: FinishedSample) -> None:
    text = described(sample, ModelSettings.paper())
    for words in (
        "One network of scSiameseClu was trained without labels, on 400 mini-batches",
        "two views of the expression (multiplicative noise of SD 0.1) and two views of the "
        "neighbour graph (multiplicative noise of SD 0.1, the 10 % least similar edges dropped "
        "from the first and personalised PageRank diffusion of the second with a restart "
        "probability of 0.2); the two latents are fused by a learned gate",
        "zero-inflated negative binomial likelihood",
        "refinement of the graph encoder (weight 5)",
        "latent-level correlation refinement (weight 1)",
        "propagation regularisation (weight 0.3)",
        "graph decoder (weight 1)",
        "Joint training followed for at most 200 mini-batches",
        "sharpened by the exponent 5",
        "until fewer than 0.2 % of the cells",
        "In the latents smoothed over the graph of each network",
        *JOINT,
    ):
        assert words in text
    assert text.count("optimal transport with fixed cluster proportions") == 2
    assert "swapped" not in text
    assert "principal components and" not in text


def test_what_is_switched_off_is_not_claimed(sample: FinishedSample) -> None:
    text = described(
        sample,
        ModelSettings(
            expression_noise=0,
            expression_swap=0,
            edge_drop=0,
            diffusion=False,
            fusion=False,
            likelihood="none",
            cell_refinement_expression=0,
            cell_refinement_graph=0,
            proportions="ignored",
            cluster_steps=10,
        ),
        asked="8-15",
    )
    for words in (
        "encodes the expression and the components propagated twice",
        "The training loss was the mean squared error of the scaled expression.",
        "not balanced by optimal transport",
        "each cell to its nearest centre",
        "the requested number of clusters (8-15)",
    ):
        assert words in text
    for words in (
        "two views",
        "In this phase",
        "noise",
        "swapped",
        "diffusion of",
        "refinement",
        "prototypes",
        "proportions",
    ):
        assert words not in text
    assert "negative binomial" in described(sample, ModelSettings(likelihood="nb"))


def test_fixed_thresholds_are_named(sample: FinishedSample) -> None:
    assert "Fixed thresholds" not in " ".join(paragraph(sample))
    settings = QualitySettings(min_counts=500, max_pct_mito=12.5).to_dict()
    quality = sample.provenance["quality"] | {"settings": json.dumps(settings)}
    changed = replace(sample, provenance=sample.provenance | {"quality": quality})
    assert "at least 500 counts and at most 12.5 % mitochondrial" in " ".join(paragraph(changed))

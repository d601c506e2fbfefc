"""Sentences on ambient RNA for the quality section and the methods paragraph."""

import math

from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.tables import listed, percent

IN_NOTE = 8
"""Number of ambient genes that are named."""
SOURCES = {
    "cells": "all cells, since no raw matrix was given",
    "cells instead of droplets": "all cells, since the raw matrix could not be used",
    "empty droplets": "the empty droplets of the raw matrix",
}


def ambient_note(sample: FinishedSample) -> str:
    """Contamination of the sample and its ambient genes; empty if it was not estimated."""
    notes = sample.ambient_notes
    if not notes:
        return ""
    mean = float(notes["mean"])
    if math.isnan(mean):
        return "Ambient RNA could not be estimated; see the warnings."
    captures, means = notes["captures"], notes["mean_by_capture"]
    pairs = zip(captures, means, strict=True)
    each = [f"{name} {_share(value)}" for name, value in pairs if not math.isnan(value)]
    by_capture = f" (by capture: {listed(each)})" if len(captures) > 1 else ""
    pairs = zip(notes["genes"][:IN_NOTE], notes["shares"][:IN_NOTE], strict=True)
    genes = listed([f"{gene} ({_share(share)})" for gene, share in pairs])
    used = (
        "The clusters, maps and markers of this page are computed from corrected counts"
        if notes["mode"] == "correct"
        else "Counts were not corrected"
    )
    return (
        f"Ambient RNA is estimated to be {_share(mean)} of the counts of a cell on average"
        f"{by_capture}; its profile is that of {SOURCES[str(notes['source'])]}. Most abundant "
        f"ambient genes, with their share: {genes}. {used}."
    )


def ambient_method(sample: FinishedSample) -> list[str]:
    """What was done about ambient RNA, for the methods paragraph."""
    notes = sample.ambient_notes
    if not notes:
        return []
    profile = "the empty droplets" if notes["source"] == "empty droplets" else "all cells"
    sentences = [
        f"Ambient RNA, with the profile of {profile}, was estimated in Leiden clusters from the "
        "genes with the lowest ratio of observed to ambient counts, and in each cell from the "
        "profile of its cluster."
    ]
    if notes["mode"] == "correct":
        sentences.append(
            "Its expected counts were removed and the remaining counts rounded at random; all "
            "later steps use these corrected counts."
        )
    return sentences


def _share(value: float) -> str:
    return percent(float(value), 1.0)

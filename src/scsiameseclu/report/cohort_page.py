"""The cohort page: all samples with status, numbers and links."""

from collections.abc import Sequence
from urllib.parse import quote

from scsiameseclu.report.cohort_figures import composition, overview
from scsiameseclu.report.cohort_samples import Entry
from scsiameseclu.report.rendering import render
from scsiameseclu.report.tables import Cell, Table, count, percent, real, text, whole

TONES = {"OK": "ok", "WARN": "warn", "FAIL": "fail"}


def cohort_page(entries: Sequence[Entry], joint: Sequence[Entry] = ()) -> str:
    """The HTML page of all samples, in the order of ``entries``, and of the cohorts ``joint``."""
    return render(
        "cohort.html.j2",
        script="sort.js",
        title="Samples – scSiameseClu",
        failed=[entry for entry in entries if entry.status == "FAIL"],
        counts=[
            (status, TONES[status], sum(entry.status == status for entry in entries))
            for status in TONES
        ],
        summary=summary(entries),
        table=sample_table(entries),
        joint=joint_table(joint) if joint else None,
        failed_joint=[entry for entry in joint if entry.status == "FAIL"],
        overview=overview(entries),
        composition=composition(entries),
    )


def summary(entries: Sequence[Entry]) -> str:
    """One sentence on the cohort."""
    done = [entry for entry in entries if entry.status != "FAIL"]
    if not done:
        return f"None of {len(entries)} samples finished."
    kept = sum(entry.numbers["cells_kept"] for entry in done)
    ingested = sum(entry.numbers["cells_in"] for entry in done)
    clusters = sorted({int(entry.numbers["n_clusters"]) for entry in done})
    spread = f"{clusters[0]} to {clusters[-1]}" if len(clusters) > 1 else f"{clusters[0]}"
    names = "1 sample" if len(done) == 1 else f"{count(len(done))} samples"
    return (
        f"{names} finished: {count(kept)} of {count(ingested)} cells "
        f"({percent(kept, ingested)}) kept, {spread} cluster"
        f"{'' if spread == '1' else 's'}{' per sample' if len(done) > 1 else ''}."
    )


def sample_table(entries: Sequence[Entry]) -> Table:
    """One row per sample; label scores only if any sample has labels."""
    labelled = any("ari" in entry.numbers for entry in entries)
    header = ["Sample", "Status", "Input cells", "Kept cells", "Kept", "Clusters"]
    header += ["Mean confidence", "Silhouette", *(["ARI", "NMI"] if labelled else [])]
    header += ["Reason", "Files"]
    rows = [_row(entry, labelled) for entry in entries]
    return Table("samples", "Samples, in the order of the sample sheet", header, rows)


def joint_table(entries: Sequence[Entry]) -> Table:
    """One row per cohort."""
    header = ("Cohort", "Status", "Samples", "Cells", "Clusters", "Mean confidence")
    rows = [_joint_row(entry) for entry in entries]
    more = ("Mixing before", "Mixing after", "Reason", "Files")
    return Table("cohorts", "Samples analysed together", (*header, *more), rows)


def _joint_row(entry: Entry) -> list[Cell]:
    numbers, finished = entry.numbers, entry.status != "FAIL"
    folder = f"cohorts/{quote(entry.sample)}"
    return [
        Cell(entry.sample, link=f"{folder}/report.html" if finished else ""),
        Cell(entry.status, tone=TONES[entry.status]),
        _count(numbers.get("n_samples")),
        _count(numbers.get("cells_kept")),
        _count(numbers.get("n_clusters")),
        *(real(numbers.get(k), 2) for k in ("mean_confidence", "mixing_before", "mixing_after")),
        text(f"{entry.stage}: {entry.reason}" if entry.reason else "–"),
        Cell("h5ad", link=f"{folder}/{quote(entry.sample)}.h5ad") if finished else Cell("–"),
    ]


def _row(entry: Entry, labelled: bool) -> list[Cell]:
    numbers, finished = entry.numbers, entry.status != "FAIL"
    folder = f"samples/{quote(entry.sample)}"
    kept, ingested = numbers.get("cells_kept"), numbers.get("cells_in")
    scores = ["mean_confidence", "silhouette", *(["ari", "nmi"] if labelled else [])]
    share = (
        Cell(percent(kept, ingested), number=kept / ingested, bar=kept / ingested)
        if kept is not None and ingested
        else Cell("–")
    )
    return [
        Cell(entry.sample, link=f"{folder}/report.html" if finished else ""),
        Cell(entry.status, tone=TONES[entry.status]),
        _count(ingested),
        _count(kept),
        share,
        _count(numbers.get("n_clusters")),
        *(real(numbers.get(key), 2) for key in scores),
        text(f"{entry.stage}: {entry.reason}" if entry.reason else "–"),
        Cell("h5ad", link=f"{folder}/{quote(entry.sample)}.h5ad") if finished else Cell("–"),
    ]


def _count(value: float | None) -> Cell:
    return Cell("–") if value is None else whole(value)

"""A larger cohort on the cluster: `COHORT=20 make test-cluster`; no part of the quick tests."""

import csv
import os

import pytest
from site_of_tests import QUICK, Clone

SIZE = int(os.environ.get("COHORT", "0"))


@pytest.mark.skipif(SIZE == 0, reason="takes a minute a sample; COHORT=20 runs it")
def test_no_job_of_a_cohort_is_lost(clone: Clone) -> None:
    samples = {f"s{number:02d}": f"demo:{'ab'[number % 2]}" for number in range(SIZE)}
    clone.write({**QUICK, "model": {"networks": 1, "pretrain_steps": 20}}, samples)
    assert clone.run(limit=SIZE * 300) == 0, clone.log
    with (clone.results / "status.tsv").open(newline="") as table:
        rows = {row["sample"]: row["status"] for row in csv.DictReader(table, delimiter="\t")}
    assert rows == dict.fromkeys(samples, "OK")
    page = (clone.results / "index.html").read_text()
    assert all(f"samples/{name}/report.html" in page for name in samples)
    pages = [clone.results / "samples" / name / "report.html" for name in samples]
    assert min(page.stat().st_size for page in pages) > 10_000

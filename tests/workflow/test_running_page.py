"""The page of all samples while a run changes its results, and after a run that was killed."""

import os
from pathlib import Path

from running_page import say_ended, say_running

from scsiameseclu.report.cohort_page import cohort_page
from scsiameseclu.report.cohort_samples import Entry

NUMBERS = {"cells_in": 10.0, "cells_kept": 10.0, "n_clusters": 2.0}


def test_the_page_says_that_a_run_has_not_ended(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(cohort_page([Entry("a", numbers=NUMBERS)]))
    os.utime(page, (1000, 1000))
    before = page.read_bytes()
    for _ in range(2):  # the second after a run that was killed
        say_running(page)
        header = page.read_text().partition("</header>")[0].partition("<h1>")[2]
        shown, _, hidden = header.partition("<template>")
        assert "has not ended; this page is of the run before." in shown
        assert "OK" not in shown
        assert hidden.count(">OK<") == 1
    assert page.stat().st_mtime == 1000
    say_ended(page)
    assert (page.read_bytes(), page.stat().st_mtime) == (before, 1000)
    say_ended(page)
    assert page.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_a_first_run_has_no_page_yet(tmp_path: Path) -> None:
    say_running(tmp_path / "results" / "index.html")
    say_ended(tmp_path / "results" / "index.html")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_ended_with_a_stage_leaves_the_page_behind(tmp_path: Path) -> None:
    page, result = tmp_path / "index.html", tmp_path / "samples" / "a" / "clusters.h5ad"
    page.write_text(cohort_page([Entry("a", numbers=NUMBERS)]))
    before = page.read_bytes()
    result.parent.mkdir(parents=True)
    result.touch()
    os.utime(page, (1000, 1000))
    say_running(page)
    say_ended(page)
    header = page.read_text().partition("</header>")[0].partition("<h1>")[2]
    shown = header.partition("<template>")[0]
    assert "made results again, but not the pages" in shown
    assert "OK" not in shown
    os.utime(result, (900, 900))
    say_running(page)
    say_ended(page)
    assert page.read_bytes() == before

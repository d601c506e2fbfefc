"""The biologist's table: what is read, what is refused, and what a run depends on."""

from pathlib import Path

import pytest

from scsiameseclu.curation.plan import cell_types, plan
from scsiameseclu.curation.table import (
    FILE,
    Line,
    content_for,
    read_lines,
    write_lines,
    write_record,
)
from scsiameseclu.errors import UserError

NAMES = ["0", "1", "2", "3", "10"]
HEADER = "cluster\tcell_type\tmerge_into\tsplit\tnote\n"


def written(folder: Path, *rows: str) -> list[Line]:
    (folder / FILE).write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return read_lines(folder)


def test_the_first_table_has_a_line_per_cluster_and_no_edits(tmp_path: Path) -> None:
    write_lines(tmp_path, NAMES)
    lines = read_lines(tmp_path)
    assert [line.cluster for line in lines] == NAMES
    assert not any(line.edited for line in lines)
    assert (tmp_path / FILE).read_text().startswith(HEADER)


def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    """With a byte-order mark, Windows line ends, quotes, other columns' order and missing cells."""
    text = 'note\tcluster\tcell_type\tsplit\tmerge_into\r\n"said ""so"""\t1\tNK cells\tYes\r\n\r\n'
    (tmp_path / FILE).write_bytes(b"\xef\xbb\xbf" + text.encode())
    (line,) = read_lines(tmp_path)
    assert line == Line(2, "1", "NK cells", "", split=True, note='said "so"')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cluster,cell_type,merge_into,split,note\n", "separated by tabs"),
        ("cluster\tcell_type\tmerge_into\tsplit\n", "the columns are"),
        (HEADER + "1\t\t\tmaybe\t\n", "line 2: split is 'maybe'"),
        (HEADER + "\tB cells\t\t\t\n", "line 2 names no cluster"),
        (HEADER + "1\t\t\t\t\tmore\n", "more cells than the header"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_lines(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["7\tB cells"], "line 2: cluster 7 does not exist; the clusters are 0, 1, 2, 3, 10"),
        (["0\t\t7"], "line 2: cluster 7 does not exist"),
        (["3.1\tB cells"], "cluster 3.1 does not exist"),
        (["0\t\t1", "1\t\t2", "2\t\t0"], "cycle .0 → 1 → 2 → 0."),
        (["0\t\t0"], "cycle .0 → 0."),
        (["0", "1", "0\tB cells"], "line 4: cluster 0 is already in line 2"),
        (["0\t\t1\tyes"], "both merged and split"),
        (["3\t\t\tyes", "3.1\t\t\tyes"], "parts cannot be split again"),
    ],
)
def test_edits_that_cannot_be_made_are_one_sentence(
    tmp_path: Path, rows: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        plan(written(tmp_path, *rows), NAMES)
    assert "\n" not in str(caught.value)


def test_merges_are_followed_to_their_end(tmp_path: Path) -> None:
    lines = written(tmp_path, "0\t\t1", "1\t\t2", "3\t\t\tyes", "3.2\t\t10")
    asked = plan(lines, NAMES)
    assert asked.merges == {"0": "2", "1": "2"}
    assert asked.splits == ["3"]
    assert [line.cluster for line in asked.parts] == ["3.2"]


def test_names_of_merged_and_split_clusters(tmp_path: Path) -> None:
    rows = ["0\tT cells\t1", "1", "3\tB cells\t\tyes", "3.2\tPlasma cells", "2\tNK cells"]
    lines = written(tmp_path, *rows)
    named = cell_types(lines, {"0": "1"}, ["1", "2", "3.1", "3.2", "10"])
    types = {name: line.cell_type for name, line in named.items()}
    expected = {"1": "T cells", "2": "NK cells", "3.1": "B cells", "3.2": "Plasma cells"}
    assert types == expected


def test_merged_clusters_with_two_names_are_refused(tmp_path: Path) -> None:
    lines = written(tmp_path, "0\tT cells\t1", "1\tNK cells")
    with pytest.raises(UserError, match="line 2 has another cell_type"):
        cell_types(lines, {"0": "1"}, ["1", "2"])


def test_a_stage_depends_on_its_edits_only(tmp_path: Path) -> None:
    def both() -> tuple[str, str]:
        clusters = content_for(tmp_path, clusters_only=True)
        return clusters, content_for(tmp_path, clusters_only=False)

    absent = both()
    write_lines(tmp_path, NAMES)
    write_record(tmp_path, NAMES, "")
    assert both() == absent == ("", "")
    written(tmp_path, "0\tT cells", "1")
    named = both()
    assert named[0] == "" != named[1]
    written(tmp_path, "0\tT cells\t\tyes", "1")
    assert both()[0] != ""
    assert both()[1] != named[1]
    for wrong in (["7"], ["0", "0"], ["0\t\t\tmaybe"]):  # so that a stage can refuse it
        (tmp_path / FILE).write_text(HEADER + "\n".join(wrong))
        assert both()[1] != ""
    write_lines(tmp_path, NAMES)
    assert both() == absent

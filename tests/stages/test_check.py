"""``make check`` reports all problems at once, and refuses what the workflow refuses."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.io import mmwrite
from scipy.sparse import csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.stages import check
from scsiameseclu.stages.check import check_sample
from scsiameseclu.stages.columns import COLUMNS
from scsiameseclu.stages.config import checked, with_defaults
from scsiameseclu.stages.input_files import file_problem, input_files, raw_files

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
DEFAULTS = with_defaults({})
BRACES = "run{1}.h5ad"


def write(folder: Path, sheet: str, **config: Any) -> None:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config/config.yaml").write_text(yaml.safe_dump({"samples": "mine.tsv"} | config))
    (folder / "mine.tsv").write_text(sheet)


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, SCRIPTS / "check.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )


ACCEPTED = {
    "rows of tabs only": "sample\tpath\tlabel\nS1\tdemo:a\tbulk_labels\n\t\t\n\t\t\n",
    "trailing tabs": "sample\tpath\t\t\nS1\tdemo:a\t\t\nS2\tdemo:b\t\t\n",
    "quoted path": 'sample\tpath\nS1\t"demo:a"\n',
    "quoted cell": 'sample\tpath\tlabel\na\tdemo:a\t"bulk_labels"\n',
    "padded header": " sample \tpath\tlabel\tn_clusters\na\tdemo:a\tbulk_labels\t6\n",
    "name of a stage": "sample\tpath\ntrajectory\tdemo:a\ncounts\tdemo:b\n",
}
REFUSED = {
    "misspelt column": ("sample\tpath\tn_cluster\nS1\tdemo:a\t5\n", {}),
    "bad name": ("sample\tpath\nP 1\tdemo:a\n", {}),
    "percent": ("sample\tpath\tmax_pct_mito\nS1\tdemo:a\t10%\n", {}),
    "path with braces": (f"sample\tpath\na\tdemo:a\nb\t{BRACES}\n", {}),
    "repeated name": ("sample\tpath\na\tdemo:a\na\tdemo:b\n", {}),
    "no samples": ("sample\tpath\n", {}),
    "NaN score": ("sample\tpath\na\tdemo:a\n", {"annotation": {"min_score": float("nan")}}),
    "NaN temperature": ("sample\tpath\na\tdemo:a\n", {"model": {"temperature": float("nan")}}),
    "infinite MADs": ("sample\tpath\na\tdemo:a\n", {"quality": {"mad_counts": float("inf")}}),
    "misspelt key": ("sample\tpath\na\tdemo:a\n", {"modell": {}}),
    "no sheet": ("sample\tpath\na\tdemo:a\n", {"samples": "none.tsv"}),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_check_accepts_what_the_workflow_accepts(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, ACCEPTED[case])
    _, samples, problems = checked({"samples": "mine.tsv"})
    assert problems == []
    assert samples
    check.run(configfile=[Path("config/config.yaml")])


@pytest.mark.parametrize("case", REFUSED)
def test_check_refuses_what_the_workflow_refuses(
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sheet, config = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    Path(BRACES).touch()
    write(tmp_path, sheet, **config)
    _, _, problems = checked({"samples": "mine.tsv"} | config)
    assert len(problems) == 1
    with pytest.raises(UserError, match="1 problem in the config and the sample sheet"):
        check.run(configfile=[Path("config/config.yaml")])
    assert f"error   {problems[0]}" in capsys.readouterr().out


def test_sound_samples_are_read_beside_wrong_lines(tmp_path: Path) -> None:
    write(tmp_path, "sample\tpath\nS 1\tdemo:a\ngood\tdemo:b\n", graph={"n_neighbors": 2.5})
    done = run(tmp_path)
    assert done.returncode == 65
    lines = done.stdout.splitlines()
    assert lines[0].startswith("error   config key graph.n_neighbors is 2.5; ")
    assert lines[1].startswith("error   mine.tsv, line 2: sample is 'S 1'; ")
    assert lines[2].startswith("note    sample good: 350 cells x 765 genes in demo:b")
    assert done.stderr == (
        "error: 2 problems in the config and the sample sheet; see the lines marked error\n"
    )


def test_another_sheet_and_more_config_files(tmp_path: Path) -> None:
    write(tmp_path, "sample\tpath\na\tgone.h5\n")
    (tmp_path / "other.tsv").write_text("sample\tpath\nb\tdemo:b\n")
    (tmp_path / "more.yaml").write_text("n_clusters: 400\n")
    assert run(tmp_path, "--samples", "other.tsv").returncode == 0
    done = run(
        *(tmp_path, "--configfile", "config/config.yaml", "more.yaml", "--samples", "other.tsv")
    )
    assert done.returncode == 65
    assert "n_clusters is 400; it must be 2 to 349 for 350 cells" in done.stdout
    assert "1 sample in other.tsv cannot be processed (b)" in done.stderr
    assert run(tmp_path).returncode == 65
    assert "cannot be read" in run(tmp_path, "--configfile", "none.yaml").stderr


def test_every_sample_and_every_problem(data_dir: Path, tmp_path: Path) -> None:
    tiny = data_dir / "raw/10x_data/1.2.0/filtered_gene_bc_matrices_h5.h5"
    logged = data_dir / "ginhoux_dc_traj.h5ad"
    lines = [
        ("sample", "path", "label", "n_clusters"),
        ("good", "demo:a", "bulk_labels", "10"),
        ("logged", str(logged), "kind", ""),
        ("tiny", str(tiny), "", "13"),
    ]
    write(tmp_path, "".join("\t".join(line) + "\n" for line in lines))
    done = run(tmp_path)
    assert done.returncode == 65
    assert "2 samples in mine.tsv cannot be processed (logged, tiny)" in done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stdout.splitlines() if line.startswith("error")]
    assert errors[0] == (
        f"error   sample logged: file {logged} contains log-transformed values, "
        "not counts (maximum 14.8087); use raw counts, or set column `layer` to the layer that "
        "contains them"
    )
    assert "no cell metadata column 'kind' (label); available: cell_type, time" in errors[1]
    assert "sample tiny: file" in errors[2]
    assert "has 12 cells" in errors[2]
    assert "sample tiny: n_clusters is 13; it must be 2 to 11 for 12 cells" in errors[3]
    assert len(errors) == 4
    assert not any("logged: h5ad: counts read from" in line for line in done.stdout.splitlines())


def test_expected_counts_are_accepted_by_the_column_counts(tmp_path: Path) -> None:
    rows = "".join(f"SYM{gene}," + ",".join(["3.5", "7"] * 15) + "\n" for gene in range(40))
    header = ",".join(["gene", *(f"cell_{cell}" for cell in range(30))])
    (tmp_path / "rsem.csv").write_text(f"{header}\n{rows}")
    write(tmp_path, "sample\tpath\na\trsem.csv\n")
    refused = run(tmp_path)
    assert refused.returncode == 65
    assert "set column `counts` to round" in refused.stdout
    write(tmp_path, "sample\tpath\tcounts\na\trsem.csv\tround\n")
    accepted = run(tmp_path)
    assert accepted.returncode == 0, accepted.stdout
    assert "50 % of the values were not whole numbers and were rounded" in accepted.stdout
    write(tmp_path, "sample\tpath\tcounts\na\trsem.csv\trounded\n")
    assert "counts is 'rounded'; it must be one of whole, round" in run(tmp_path).stdout


def test_a_good_sample_gives_notes_only() -> None:
    findings = list(check_sample({"sample": "a", "path": "demo:a", "n_clusters": "2-20"}, DEFAULTS))
    assert {level for level, _ in findings} == {"note"}
    assert all(sentence.startswith("sample a:") for _, sentence in findings)


def test_files_of_the_config_are_read(tmp_path: Path) -> None:
    (tmp_path / "markers.tsv").write_text("type\tgene\nB\tMS4A1\n")
    (tmp_path / "model.pkl").write_bytes(b"no model")
    write(
        tmp_path,
        "sample\tpath\na\tdemo:a\n",
        annotation={"marker_table": "markers.tsv", "celltypist_model": "model.pkl"},
        reference={"path": "demo:b", "label": "cell_type"},
    )
    done = run(tmp_path)
    assert done.returncode == 65
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stdout.splitlines() if line.startswith("error")]
    assert len(errors) == 3
    assert "config key annotation.marker_table: marker table markers.tsv lacks the col" in errors[0]
    assert "config key annotation.celltypist_model: CellTypist model model.pkl cannot" in errors[1]
    assert "config key reference.path: file demo:b has no cell metadata column 'cell" in errors[2]
    assert done.stderr.splitlines()[-1] == (
        "error: annotation.marker_table and annotation.celltypist_model and reference.path cannot "
        "be used; see the lines marked error"
    )


@pytest.mark.parametrize(
    ("root", "sentence"),
    [
        ("gene=KITTY", "the trajectory root names no gene of the data: 'KITTY'"),
        ("week=1", "the trajectory root names no column: 'week'; available: "),
        ("phase=G7", "the trajectory root matches no cell: phase=G7; available: G1, G2M, S"),
    ],
)
def test_a_root_that_the_sample_lacks(root: str, sentence: str) -> None:
    row = {"sample": "a", "path": "demo:a", "root": root}
    levels = {"error": [], "note": []}
    for level, message in check_sample(row, with_defaults({"trajectory": {"run": True}})):
        levels[level].append(message)
    (error,) = levels["error"]
    assert error.startswith(f"sample a: {sentence}")
    assert all(level == "note" for level, _ in check_sample(row, DEFAULTS))  # not computed


def test_roots_that_the_sample_has() -> None:
    config = with_defaults({"trajectory": {"run": True, "root": "cluster=3"}})
    for root in ({}, {"root": "gene=cd79a"}, {"root": "phase=G1"}):
        findings = check_sample({"sample": "a", "path": "demo:a"} | root, config)
        assert all(level == "note" for level, _ in findings)


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("counts.h5").touch(mode=0o000)
    user = os.geteuid()
    if user == 0:  # who may read everything
        os.chmod(tmp_path, 0o755)
        os.seteuid(65534)
    try:
        problem = file_problem("counts.h5", COLUMNS["path"])
    finally:
        os.seteuid(user)
    assert problem == "counts.h5 cannot be read (Permission denied); check its permissions"


def test_other_config_files_are_merged_into_the_first_as_snakemake_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "sample\tpath\na\tdemo:a\n", modell={})
    (tmp_path / "more.yaml").write_text("seed: 3\n")
    with pytest.raises(UserError, match="1 problem in the config"):
        check.run(configfile=[Path("more.yaml")])


def raw_findings(path: Path, mode: str, raw: Path | str) -> list[tuple[str, str]]:
    row = {"sample": "s1", "path": str(path), "raw": str(raw)}
    config = with_defaults({"ambient": {"mode": mode}})
    return [finding for finding in check_sample(row, config) if "column raw" in finding[1]]


def test_the_raw_matrix_is_checked(tmp_path: Path) -> None:
    """Filtered matrices are refused where the counts are corrected; a folder has its raw one."""
    rng = np.random.default_rng(0)
    profile = rng.dirichlet(np.ones(60))
    cells = rng.multinomial(900, profile, 40).astype(np.float32)
    droplets = rng.multinomial(50, profile, 300).astype(np.float32)
    every = np.concatenate([cells, droplets])
    outs = tmp_path / "outs"
    for name, counts in (("filtered", cells), ("raw", every)):
        folder = outs / f"{name}_feature_bc_matrix"
        folder.mkdir(parents=True)
        mmwrite(folder / "matrix.mtx", csr_matrix(counts.T.astype(int)))
        names = [f"cell{place}" for place in range(len(counts))]
        (folder / "barcodes.tsv").write_text("\n".join(names) + "\n")
        genes = [f"ENSG{place:011d}\tSYM{place}\tGene Expression\n" for place in range(60)]
        (folder / "features.tsv").write_text("".join(genes))
    filtered = outs / "filtered_feature_bc_matrix"
    for mode, level in (("estimate", "warning"), ("correct", "error")):
        for raw in (filtered, "demo:a"):
            ((found, message),) = raw_findings(outs, mode, raw)
            assert found == level
            assert message.startswith(f"sample s1: column raw, {raw}: the ")
        assert raw_findings(outs, mode, outs) == []
        assert raw_findings(outs, mode, outs / "raw_feature_bc_matrix") == []
    assert raw_findings(outs, "off", filtered) == []
    row = {"sample": "s1", "path": str(outs), "raw": str(outs)}
    assert {Path(file).parent.name for file in raw_files(row)} == {"raw_feature_bc_matrix"}
    assert {Path(file).parent.name for file in input_files(row)} == {"filtered_feature_bc_matrix"}

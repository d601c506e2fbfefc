"""A mistake in the config is one sentence that names its key; what is missing has its default."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scsiameseclu.errors import UserError
from scsiameseclu.run_settings import SECTIONS
from scsiameseclu.stages.config import (
    SCHEMA,
    checked,
    config_problems,
    load_config,
    with_defaults,
)


def problems(config: dict[str, Any]) -> list[str]:
    return config_problems(with_defaults(config))


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"qualty": {}}, "config: unknown key 'qualty'; did you mean 'quality'?"),
        (
            {"quality": {"mad_count": 3}},
            "config section quality: unknown key 'mad_count'; did you mean 'mad_counts'?",
        ),
        (
            {"graph": {"zzz": 1}},
            "config section graph: unknown key 'zzz'; available: n_neighbors, metric",
        ),
        ({"graph": {5: 1}}, "config section graph: unknown key '5'"),
        (
            {"n_clusters": 0},
            "config key n_clusters is 0; it must be a number of 2 or more, a range such as 8-15,",
        ),
        ({"n_clusters": "15-8"}, "config key n_clusters is 15-8; the range ends before it starts"),
        (
            {"quality": {"min_counts": "lots"}},
            "config key quality.min_counts is 'lots'; it must be a number of 0 or more, or null",
        ),
        ({"seed": True}, "config key seed is true; it must be an integer from 0 to 4294967295"),
        ({"seed": None}, "config key seed is empty; it must be an integer from 0 to 4294967295"),
        ({"device": "gpu"}, "config key device is 'gpu'; it must be one of auto, cpu, cuda"),
        ({"outdir": "my results"}, "config key outdir is 'my results'; it must be a path of"),
        ({"graph": 5}, "config key graph is 5; it must be a section with its own keys"),
        ({"samples": ["a"]}, "config key samples is a list; it must be the path of a file"),
        ({"samples": "{x}.tsv"}, "config key samples is '{x}.tsv'; it must be the path of a file"),
        (
            {"model": {"pretrain_steps": -5}},
            "config key model.pretrain_steps is -5; it must be an integer of 1 or more",
        ),
        (
            {"annotation": {"min_score": float("nan")}},
            "config key annotation.min_score is nan; it must be a number",
        ),
        (
            {"model": {"temperature": "nan"}},
            "config key model.temperature is nan; it must be a number from 0.001 to 10",
        ),
        (
            {"annotation": {"marker_table": "none.tsv"}},
            "config key annotation.marker_table: none.tsv does not exist",
        ),
        (
            {"annotation": {"marker_table": ""}},
            "config key annotation.marker_table is ''; it must be the path of a file, or null",
        ),
        ({"outdir": "-x"}, "config key outdir is '-x'; it must be a path of letters, digits"),
        ({"outdir": "//x"}, "config key outdir is '//x'; it must be a path of letters, digits"),
        (
            {"outdir": "results\n"},
            "config key outdir is 'results\\n'; it must be a path of letters",
        ),
        ({"outdir": "./"}, "config key outdir is './'; it must be a folder of its own"),
        ({"outdir": "/"}, "config key outdir is '/'; it must be a folder of its own"),
        ({"slurm": {"account": "-lab"}}, "config key slurm.account is '-lab'; it must be the name"),
        (
            {"quality": {"min_counts": "500", "max_counts": 300}},
            "config section quality: min_counts is 500.0 and max_counts is 300.0; the minimum must",
        ),
        ({"reference": {"path": "demo:c"}}, "config key reference.path: demo:c is not part of"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_key(
    config: dict[str, Any], sentence: str
) -> None:
    (found,) = problems(config)
    assert sentence in found


def test_config_and_sheet_are_checked_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.tsv").write_text("sample\tpath\nx\tgone.h5\ny\tdemo:b\n")
    complete, samples, found = checked({"samples": "s.tsv", "sed": 1})
    assert complete["quality"]["doublets"] == "flag"
    assert samples["y"] == {"sample": "y", "path": "demo:b"}
    assert len(found) == 2
    assert "unknown key 'sed'; did you mean 'seed'?" in found[0]
    assert "s.tsv, line 2: path gone.h5 does not exist" in found[1]


def test_habits_of_yaml_are_corrected() -> None:
    config = yaml.safe_load("quality: {doublets: off, mad_counts: 4}\nmodel: {learning_rate: 1e-4}")
    complete = with_defaults(config | {"graph": None})
    assert config_problems(complete) == []
    assert complete["quality"]["doublets"] == "off"
    assert complete["model"]["learning_rate"] == 1e-4
    assert complete["graph"] == {"n_neighbors": 15, "metric": "euclidean"}
    assert type(complete["quality"]["mad_counts"]) is float  # as its default


def test_numbers_may_be_quoted() -> None:
    config = {"seed": "3", "quality": {"min_counts": "500"}, "model": {"fusion": "false"}}
    complete = with_defaults(config)
    assert config_problems(complete) == []
    assert (complete["seed"], complete["quality"]["min_counts"]) == (3, 500)
    assert complete["model"]["fusion"] is False


@pytest.mark.parametrize("outdir", ["taken", "taken/results"])
def test_the_output_folder_is_not_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outdir: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken").touch()
    assert problems({"outdir": outdir}) == [
        "config key outdir: taken is not a folder; choose another path or rename it"
    ]
    assert problems({"outdir": "new/../results"}) == []


def test_limits_of_the_sheet_and_the_config_do_not_contradict_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.tsv").write_text(
        "sample\tpath\tmin_genes\tmax_genes\n"
        "a\tdemo:a\t600\t\nb\tdemo:a\t300\t200\nc\tdemo:b\t500\t\n"
    )
    _, _, found = checked({"samples": "s.tsv", "quality": {"max_genes": 500}})
    reason = "the minimum must not exceed the maximum"
    assert found == [
        "s.tsv, line 2, with config section quality: min_genes is 600 and max_genes is 500; "
        + reason,
        f"s.tsv, line 3: min_genes is 300 and max_genes is 200; {reason}",
    ]


def test_later_config_files_win_key_by_key(tmp_path: Path) -> None:
    first, second = tmp_path / "config.yaml", tmp_path / "changes.yaml"
    first.write_text("seed: 1\nmodel: {networks: 2, latent_size: 16}\n")
    second.write_text("model: {networks: 4}\noutdir: elsewhere\n")
    assert load_config([first, second]) == {
        "seed": 1,
        "outdir": "elsewhere",
        "model": {"networks": 4, "latent_size": 16},
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: [1\n", "is not valid YAML .*line 2"),
        ("just text\n", "has no keys at its top level"),
        ("", "has no keys at its top level"),
    ],
)
def test_a_config_that_is_none_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        load_config([file])
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="cannot be read"):
        load_config([tmp_path / "none.yaml"])


def test_the_schema_is_closed_at_every_level() -> None:
    assert SCHEMA["additionalProperties"] is False
    rules = SCHEMA["properties"].items()
    sections = {name: rule for name, rule in rules if rule.get("type") == "object"}
    assert list(sections) == list(SECTIONS)
    assert all(section["additionalProperties"] is False for section in sections.values())


def test_snakemake_needs_no_numpy_to_check(tmp_path: Path) -> None:
    (tmp_path / "s.tsv").write_text("sample\tpath\na\tdemo:a\n")
    program = """
import sys
for name in ("numpy", "pandas", "scipy", "torch", "anndata", "jsonschema"):
    sys.modules[name] = None  # an import of it fails
from scsiameseclu.stages.config import checked
config, samples, problems = checked({"samples": "s.tsv", "model": {"networks": 0}})
print(list(samples), problems)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.startswith("['a'] ['config key model.networks is 0; "), done.stderr

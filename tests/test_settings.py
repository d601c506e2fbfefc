"""Every settings class refuses the same values in Python, on the command line and in the config."""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scsiameseclu import run_settings, settings
from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.options import Rule, Settings, kinds_of, rules
from scsiameseclu.run_settings import SECTIONS, RunSettings
from scsiameseclu.settings import PAPER, ModelSettings
from scsiameseclu.stages.columns import OVERRIDES, SampleSettings
from scsiameseclu.stages.config import config_problems, with_defaults
from scsiameseclu.stages.stage_parser import add_settings

ALL = [kind for kind in Settings.__subclasses__() if kind.__module__.startswith("scsiameseclu.")]
CONFIGURED: dict[str, type[Settings]] = {"": RunSettings, **SECTIONS}
EMPTY = {"sample": "s", "path": "demo:a"}


def make(kind: type[Settings], **values: Any) -> Settings:
    return kind(**(EMPTY if kind is SampleSettings else {}) | values)


def test_every_class_is_known() -> None:
    declared = [
        value
        for module in (settings, run_settings)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Settings) and value is not Settings
    ]
    assert set(declared) == {RunSettings, *SECTIONS.values()}
    assert set(ALL) == {*declared, ReadRequest, SampleSettings}


@pytest.mark.parametrize("kind", ALL)
def test_every_setting_has_a_help_text_and_a_default_that_fits(kind: type[Settings]) -> None:
    made = make(kind).to_dict()
    for name, rule in rules(kind).items():
        assert rule["description"], name
        assert rule["description"][0] not in " A", name
        assert not rule["description"].endswith("."), name
        assert "default" in rule or name in EMPTY
        assert made[name] == rule.get("default", EMPTY.get(name))
        assert "string" not in kinds_of(rule) or rule.get("must"), f"{name}: say what it must be"


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind is not SampleSettings])
def test_defaults_survive_the_command_line(kind: type[Settings]) -> None:
    parser = argparse.ArgumentParser(argument_default=argparse.SUPPRESS)
    add_settings(parser, "settings", kind)
    assert kind(**vars(parser.parse_args([]))) == kind()
    words = []
    for name, value in kind().to_dict().items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    assert kind(**vars(parser.parse_args(words))) == kind()


def wrong_values(rule: Rule) -> Iterator[Any]:
    """Values that are of the wrong type for a rule, not finite, or just out of its range."""
    kinds = kinds_of(rule)
    yield [1]
    if "boolean" not in kinds:
        yield True
    if not {"number", "integer"} & set(kinds):
        yield 1
    else:
        yield from (math.nan, math.inf, -math.inf)
        smallest = 1 if "integer" in kinds else 1e-9
        if "minimum" in rule:
            yield rule["minimum"] - smallest
        if "maximum" in rule:
            yield rule["maximum"] + smallest
    if "integer" in kinds:
        yield 60.5
        yield 60.0
    if "string" in kinds:
        yield "  "
    else:
        yield "nonsense"
    if "null" not in kinds:
        yield None


CASES = [(section, name) for section, kind in CONFIGURED.items() for name in rules(kind)]


@pytest.mark.parametrize(("section", "name"), CASES)
def test_wrong_values_are_refused_everywhere(section: str, name: str) -> None:
    kind = CONFIGURED[section]
    rule = rules(kind)[name]
    parser = argparse.ArgumentParser(argument_default=argparse.SUPPRESS)
    add_settings(parser, "settings", kind)
    key = f"{section}.{name}" if section else name
    for value in wrong_values(rule):
        with pytest.raises(UserError, match=rf"^{name} is .*; it must be ") as caught:
            make(kind, **{name: value})
        assert "\n" not in str(caught.value)
        config = {section: {name: value}} if section else {name: value}
        read = yaml.load(yaml.safe_dump(config), Loader=yaml.FullLoader)
        problems = config_problems(with_defaults(read))
        assert len(problems) == 1, value
        assert problems[0].startswith(f"config key {key} is ")
        if {"number", "integer"} & set(kinds_of(rule)) and isinstance(value, float | str):
            option = f"--{name.replace('_', '-')}={value}"
            with pytest.raises(UserError, match=rf"^{name} is .*; it must be "):
                kind(**vars(parser.parse_args([option])))


@pytest.mark.parametrize(("section", "name"), CASES)
def test_both_ends_of_a_range_are_allowed(section: str, name: str) -> None:
    rule = rules(CONFIGURED[section])[name]
    for end in ("minimum", "maximum"):
        if end in rule:
            value = rule[end]
            assert getattr(make(CONFIGURED[section], **{name: value}), name) == value
            config = {section: {name: value}} if section else {name: value}
            assert config_problems(with_defaults(config)) == []


def test_columns_of_the_sheet_override_keys_that_exist() -> None:
    for key in OVERRIDES.values():
        section, _, name = key.rpartition(".")
        assert name in rules(CONFIGURED[section])


def test_a_range_of_cluster_numbers_starts_before_it_ends() -> None:
    assert RunSettings(n_clusters="8-15").n_clusters == "8-15"
    with pytest.raises(UserError, match="n_clusters is 15-8; the range ends before it starts"):
        RunSettings(n_clusters="15-8")


def test_the_papers_file_and_class_agree() -> None:
    root = Path(__file__).resolve().parent.parent
    (section,) = yaml.safe_load((root / "config/presets/paper.yaml").read_text()).items()
    assert section == ("model", PAPER)
    assert ModelSettings.paper() == ModelSettings(**section[1])
    assert ModelSettings.paper() != ModelSettings()


def test_what_the_user_writes_wins_over_the_paper_even_if_it_is_the_default() -> None:
    default = ModelSettings()
    for name, value in PAPER.items():
        assert getattr(ModelSettings.paper(), name) == value
        kept = ModelSettings.paper(**{name: getattr(default, name)})
        assert getattr(kept, name) == getattr(default, name)
    chosen = ModelSettings.paper(networks=3, latent_size=8)
    assert (chosen.networks, chosen.latent_size, chosen.likelihood) == (3, 8, "zinb")
    assert ModelSettings(**chosen.to_dict()) == chosen

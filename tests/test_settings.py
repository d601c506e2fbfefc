"""Settings check their ranges, become options of programs, and name what is wrong."""

import argparse
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from scsiameseclu.errors import UserError
from scsiameseclu.settings import (
    PAPER,
    AnnotationSettings,
    ExpressionSettings,
    GraphSettings,
    MarkerSettings,
    ModelSettings,
    QualitySettings,
    Settings,
)
from scsiameseclu.stages.program import add_settings, settings_from

ALL = [
    QualitySettings,
    ExpressionSettings,
    GraphSettings,
    ModelSettings,
    MarkerSettings,
    AnnotationSettings,
]


@pytest.mark.parametrize("kind", ALL)
def test_defaults_survive_the_command_line(kind: type[Settings]) -> None:
    parser = argparse.ArgumentParser()
    add_settings(parser, kind)
    assert settings_from(parser.parse_args([]), kind) == kind()
    words = []
    for item in fields(kind):  # type: ignore[arg-type]
        if item.default is not None:
            value = item.default
            text = str(value).lower() if isinstance(value, bool) else str(value)
            words += [f"--{item.name.replace('_', '-')}", text]
    assert settings_from(parser.parse_args(words), kind) == kind()


@pytest.mark.parametrize(
    ("kind", "wrong", "sentence"),
    [
        (ModelSettings, {"pretrain_steps": 0}, "pretrain_steps is 0; it must be 1 or more"),
        (ModelSettings, {"edge_drop": 1.5}, "edge_drop is 1.5; it must be 0.9 or less"),
        (QualitySettings, {"doublets": "drop"}, "must be one of flag, remove, off"),
    ],
)
def test_what_is_out_of_range_is_named(
    kind: type[Settings], wrong: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        kind(**wrong)


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
    settings = ModelSettings.paper(networks=3, latent_size=8)
    assert (settings.networks, settings.latent_size, settings.likelihood) == (3, 8, "zinb")
    assert ModelSettings(**settings.to_dict()) == settings

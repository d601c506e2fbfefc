"""A preset is a config file like any other: it overrides config.yaml, and a later value wins."""

from typing import Any

import yaml
from runs import ROOT
from snakemake.utils import update_config

from scsiameseclu.settings import ModelSettings


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "config" / name).read_text())
    return content


def test_the_paper_overrides_the_defaults_and_the_user_the_paper() -> None:
    config = read("config.yaml")
    assert ModelSettings(**config["model"]) == ModelSettings()
    update_config(config, read("presets/paper.yaml"))
    assert ModelSettings(**config["model"]) == ModelSettings.paper()
    update_config(config, {"model": {"networks": 3, "likelihood": "multinomial"}})
    expected = ModelSettings.paper(networks=3, likelihood="multinomial")
    assert ModelSettings(**config["model"]) == expected

"""Settings become options that the programs read back as they were."""

import shlex
from pathlib import Path

from commandline import command_prefix, options

from scsiameseclu.settings import AnnotationSettings, ModelSettings, QualitySettings
from scsiameseclu.stages.program import add_settings, settings_from, stage_parser


def test_options_give_back_the_settings() -> None:
    for made in (
        ModelSettings(diffusion=False, learning_rate=1e-5),
        QualitySettings(min_counts=None, doublets="off"),
        AnnotationSettings(tissue="blood, pancreas's $HOME", min_score=-1.5),
    ):
        parser = stage_parser(None)
        add_settings(parser, type(made))
        words = shlex.split(options(made.to_dict()))
        assert settings_from(parser.parse_args(words), type(made)) == made


def test_the_prefix_survives_the_shell_and_snakemake(tmp_path: Path) -> None:
    import os
    import subprocess

    source = tmp_path / "it's {odd}"
    text = command_prefix(source).format()
    for before, after in ((None, str(source)), ("x", f"{source}:x")):
        environment = {**os.environ, "PYTHONPATH": before} if before else dict(os.environ)
        if before is None:
            environment.pop("PYTHONPATH", None)
        shown = subprocess.run(
            ["bash", "-c", text + 'echo "$PYTHONPATH"'],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stdout.strip() == after

"""What goes before each shell command."""

from pathlib import Path

from commandline import command_prefix


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

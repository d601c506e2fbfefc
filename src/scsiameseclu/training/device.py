"""Which device training runs on."""

import torch

from scsiameseclu.errors import UserError


def choose_device(wish: str) -> tuple[torch.device, str]:
    """The device for ``auto``, ``cpu`` or ``cuda``, and a sentence about it for log and report.

    Raises
    ------
    UserError
        ``cuda`` is asked for and there is none, or the name is unknown.
    """
    if wish not in {"auto", "cpu", "cuda"}:
        raise UserError(f"device is {wish!r}; it must be auto, cpu or cuda")
    if wish == "cpu":
        return torch.device("cpu"), "trained on the CPU, as asked"
    if torch.cuda.is_available():
        return torch.device("cuda"), f"trained on the GPU {torch.cuda.get_device_name()}"
    if wish == "cuda":
        raise UserError(
            "device is cuda, but torch finds no CUDA device on this machine; set device to auto or "
            "cpu, or run where there is a GPU"
        )
    return torch.device("cpu"), "trained on the CPU: torch finds no CUDA device"

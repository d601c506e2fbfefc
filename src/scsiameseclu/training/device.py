"""The device that training runs on."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from scsiameseclu.errors import UserError
from scsiameseclu.one_thread import one_thread


def choose_device(name: str) -> tuple[torch.device, str]:
    """The device for ``auto``, ``cpu`` or ``cuda``, and a sentence about it for log and report.

    Raises
    ------
    UserError
        ``cuda`` is asked for but not available, or the name is unknown.
    """
    if name not in {"auto", "cpu", "cuda"}:
        raise UserError(f"device is {name!r}; it must be auto, cpu or cuda")
    if name == "cpu":
        return torch.device("cpu"), "trained on the CPU, as asked"
    if torch.cuda.is_available():
        return torch.device("cuda"), f"trained on the GPU {torch.cuda.get_device_name()}"
    if name == "cuda":
        raise UserError(
            "device is cuda, but torch finds no CUDA device on this machine; set device to auto or "
            "cpu, or run where there is a GPU"
        )
    return torch.device("cpu"), "trained on the CPU: torch finds no CUDA device"


@dataclass(frozen=True)
class Place:
    """Where the networks of a fit train.

    Attributes
    ----------
    asked
        ``auto``, ``cpu`` or ``cuda``.
    device, note
        As of :func:`choose_device`.
    n_at_once
        Networks that train at the same time.
    """

    asked: str
    device: torch.device
    note: str
    n_at_once: int


def choose_place(name: str, n_networks: int) -> Place:
    """One network at a time on a GPU, else one for each thread of torch.

    A mini-batch is so small that more threads gain little within it; networks are independent.

    Raises
    ------
    UserError
        As of :func:`choose_device`.
    """
    device, note = choose_device(name)
    n_at_once = min(n_networks, torch.get_num_threads()) if device.type == "cpu" else 1
    return Place(name, device, note, n_at_once)


def steady(device: torch.device) -> AbstractContextManager[None]:
    """A block whose results on the CPU do not depend on the number of threads.

    On a GPU, threads prepare mini-batches.
    """
    return one_thread() if device.type == "cpu" else nullcontext()

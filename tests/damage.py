"""Damage to harmless files, by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

Damage = Callable[[Path, random.Random], None]


def cut(path: Path, rng: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])


def flip(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 1, 3, 20])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(bytes(content))


def blank(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    first = rng.randrange(len(content))
    last = min(first + rng.choice([4, 64, 512]), len(content))
    content[first:last] = rng.choice([b"\0", b"\xff", b" "]) * (last - first)
    path.write_bytes(bytes(content))


def lines(path: Path, rng: random.Random) -> None:
    """Swap, remove or repeat lines."""
    content = path.read_bytes().split(b"\n")
    one, other = rng.randrange(len(content)), rng.randrange(len(content))
    match rng.choice(["swap", "remove", "repeat"]):
        case "swap":
            content[one], content[other] = content[other], content[one]
        case "remove":
            del content[one]
        case "repeat":
            content.insert(one, content[other])
    path.write_bytes(b"\n".join(content))


def number(path: Path, rng: random.Random) -> None:
    """Another number, or no number, in place of a digit."""
    content = path.read_bytes()
    digits = [place for place, byte in enumerate(content) if byte in b"0123456789"]
    if not digits:
        return
    place = rng.choice(digits)
    other = rng.choice(
        [b"-1", b"nan", b"inf", b"0.5", b"1e300", b"999999999999", b"x", b"", b"1,5"]
    )
    path.write_bytes(content[:place] + other + content[place + 1 :])


def element(path: Path, rng: random.Random) -> None:
    """Other values, another type or shape, a group, a link, or nothing in place of a dataset."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if hasattr(item, "dtype") else None)
        name = rng.choice(names)
        values = np.array(file[name][()], copy=True)
        del file[name]
        kind = rng.choice(["none", "group", "link", "text", "short", "wrong", "negative", "shape"])
        if kind == "group":
            file.create_group(name)
        elif kind == "link":
            file[name] = h5py.SoftLink("/" + rng.choice(["nowhere", names[0], name]))
        elif kind == "text":
            file[name] = np.array(["?"] * max(values.size, 1), dtype="S")
        elif kind == "short" and values.ndim:
            file[name] = values[: len(values) // 2]
        elif kind == "wrong" and values.dtype.kind in "iuf" and values.ndim:
            values = values.astype("float64" if values.dtype.kind == "f" else "int64")
            values.flat[rng.randrange(values.size)] = rng.choice([2**40, 10**6, 3])
            file[name] = values
        elif kind == "negative" and values.dtype.kind in "iuf" and values.ndim:
            values = values.astype("float64")
            values.flat[rng.randrange(values.size)] = rng.choice([-1, np.nan, np.inf, 0.5])
            file[name] = values
        elif kind == "shape" and values.ndim:
            file[name] = values.reshape(-1, 1)
    with h5py.File(path, "r+") as file:
        real = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]
        holders = [item for item in [file, *map(file.get, real)] if "shape" in item.attrs]
        if holders and rng.random() < 0.3:
            shape = [rng.choice([-1, 0, 7, 10**12]), *holders[0].attrs["shape"][1:]]
            holders[0].attrs["shape"] = shape


DAMAGES: tuple[Damage, ...] = (cut, flip, blank, lines, number)

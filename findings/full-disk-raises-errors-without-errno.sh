#!/usr/bin/env bash
# On a full disk, torch.save and numpy.save raise errors that do not say that the disk is full.
#
# A program that wants to tell "no space left" (try again after cleaning up) from a bug looks for
# OSError.errno == ENOSPC, also in the causes of an exception. torch.save, given a path, raises a
# RuntimeError about an unexpected position in its archive, without any OSError; given a stream of
# Python, the OSError is at least its context. numpy.save raises an OSError without an errno. Plain
# writes of Python raise ENOSPC.
#
# Seen: torch 2.13.0, numpy 2.4.6, Linux, on a tmpfs of 4 MB that a user namespace mounts.
# Exits 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir disk

cat > look.py <<'PYTHON'
import errno
import io
import pathlib

import numpy
import torch

values = numpy.random.default_rng(0).random(2_000_000)  # 16 MB


def plain():
    with open("disk/plain", "wb", buffering=0) as stream:
        while True:
            stream.write(bytes(1 << 20))


def torch_path():
    torch.save(torch.from_numpy(values), "disk/torch")


def torch_stream():
    with io.FileIO("disk/stream", "wb") as stream:
        torch.save(torch.from_numpy(values), stream)


def numpy_path():
    numpy.save("disk/numpy.npy", values)


for write in (plain, torch_path, torch_stream, numpy_path):
    for file in pathlib.Path("disk").iterdir():
        file.unlink()
    try:
        write()
        print(write.__name__, "no error")
    except Exception as error:
        chain, seen = [], error
        while seen is not None:
            number = getattr(seen, "errno", None)
            chain.append(f"{type(seen).__name__}:{errno.errorcode.get(number)}")
            seen = seen.__cause__ or seen.__context__
        print(write.__name__, *chain)
PYTHON
"${PYTHON:-python3.11}" -m venv environment
environment/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 2>pip.log || { cat pip.log >&2; exit 1; }
# shellcheck disable=SC2016
unshare --map-root-user --mount sh -c 'mount -t tmpfs -o size=4m tmpfs disk && exec environment/bin/python -W ignore look.py' | tee seen
cat > expected <<'TEXT'
plain OSError:ENOSPC
torch_path RuntimeError:None RuntimeError:None
torch_stream RuntimeError:None OSError:ENOSPC
numpy_path OSError:None
TEXT
diff expected seen || { echo "the behaviour has changed" >&2; exit 1; }

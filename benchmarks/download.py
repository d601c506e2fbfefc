"""Downloads the benchmark data sets from their public sources and converts them to h5ad.

    python benchmarks/download.py --list
    python benchmarks/download.py --data data
    python benchmarks/download.py --data data --sets pbmc3k cite_cbmc

``sources.json`` names files, accessions and, where they are known, SHA-256 sums. A file without a
known sum is recorded in ``downloads.lock`` at its first download and verified from then on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from source_readers import READERS

HERE = Path(__file__).resolve().parent
CHUNK = 1 << 20
TIMEOUT = 60  # seconds without an answer


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set; ``sha256`` is None if it is not known in advance."""

    url: str
    sha256: str | None
    batch: str | None = None

    @property
    def name(self) -> str:
        """File name, from the URL."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Source:
    """Source of a data set and how its files are read."""

    name: str
    publication: str
    accession: str
    reader: str
    files: tuple[RemoteFile, ...]


def read_sources(path: Path) -> dict[str, Source]:
    """Read ``sources.json``.

    Raises
    ------
    SystemExit
        A data set names a reader that does not exist, a file twice, or a malformed sum.
    """
    sources = {}
    for name, entry in json.loads(path.read_text(encoding="utf-8")).items():
        files = tuple(RemoteFile(**file) for file in entry["files"])
        source = Source(name, entry["publication"], entry["accession"], entry["reader"], files)
        if source.reader not in READERS:
            known = ", ".join(READERS)
            raise SystemExit(f"{path}: {name}: unknown reader {source.reader!r}; known: {known}")
        if len({file.name for file in files}) < len(files):
            raise SystemExit(f"{path}: {name}: two files have the same name")
        for file in files:
            if file.sha256 is not None and not _is_sha256(file.sha256):
                raise SystemExit(f"{path}: {name}: {file.name}: malformed SHA-256 {file.sha256!r}")
        sources[name] = source
    return sources


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


class Lock:
    """SHA-256 checksums recorded at the first download, by URL."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sums: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}

    def expected(self, file: RemoteFile) -> str | None:
        """Expected checksum, or None at the first download."""
        return file.sha256 or self.sums.get(file.url)

    def record(self, file: RemoteFile, sha256: str) -> None:
        """Record the checksum of a first download."""
        self.sums[file.url] = sha256
        text = json.dumps(self.sums, indent=2, sort_keys=True) + "\n"
        part = self.path.with_name(self.path.name + ".part")
        part.write_text(text, encoding="utf-8")
        part.replace(self.path)


def fetch(file: RemoteFile, folder: Path, lock: Lock) -> Path:
    """Download a file unless it exists, and verify it.

    Raises
    ------
    SystemExit
        The download fails, or the sum differs from the expected one; the file is then removed.
    """
    path = folder / file.name
    if not path.is_file():
        part = path.with_name(path.name + ".part")
        print(f"downloading {file.url}")
        try:
            with (
                urllib.request.urlopen(file.url, timeout=TIMEOUT) as answer,  # https or file only
                part.open("wb") as out,
            ):
                while chunk := answer.read(CHUNK):
                    out.write(chunk)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise SystemExit(f"{file.url}: download failed ({error}); try again later") from error
        part.replace(path)
    found, expected = sha256_of(path), lock.expected(file)
    if expected is None:
        lock.record(file, found)
        print(f"{file.name}: no checksum is known; recorded {found} in {lock.path.name}")
    elif found != expected:
        path.unlink()
        raise SystemExit(
            f"{file.name}: SHA-256 is {found}, expected {expected}; the file was removed. If the "
            f"source has really changed, correct sources.json or remove its line from "
            f"{lock.path.name}"
        )
    return path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def convert(source: Source, folder: Path, output: Path, lock: Lock) -> None:
    """Fetch the files of a data set and write it as h5ad."""
    files = [fetch(file, folder, lock) for file in source.files]
    adata = READERS[source.reader](files, [file.batch for file in source.files])
    record: dict[str, Any] = {
        "publication": source.publication,
        "accession": source.accession,
        "files": {
            file.url: sha256_of(path) for file, path in zip(source.files, files, strict=True)
        },
    }
    adata.uns["source"] = json.dumps(record)
    part = output.with_name(output.name + ".part")
    adata.write_h5ad(part, compression="gzip")
    part.replace(output)
    types = adata.obs["cell_type"].nunique()
    print(f"{output}: {adata.n_obs:,} cells x {adata.n_vars:,} genes, {types} types")


def overview(sources: dict[str, Source], lock: Lock) -> str:
    """One line per file: data set, accession, and whether its checksum is known."""
    lines = []
    for source in sources.values():
        lines.append(f"{source.name}: {source.publication} [{source.accession}]")
        for file in source.files:
            state = "known" if file.sha256 else "recorded" if lock.expected(file) else "unknown"
            lines.append(f"  {file.name}: checksum {state}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Download and convert the missing data sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder for the h5ad files")
    parser.add_argument("--sets", nargs="*", help="data sets to download; default: all")
    parser.add_argument("--list", action="store_true", help="list data sets and sources, then exit")
    parser.add_argument("--sources", type=Path, default=HERE / "sources.json")
    parser.add_argument("--lock", type=Path, default=HERE / "downloads.lock")
    options = parser.parse_args(arguments)
    sources, lock = read_sources(options.sources), Lock(options.lock)
    if options.list:
        print(overview(sources, lock))
        return
    if options.data is None:
        parser.error("--data is required, unless you use --list")
    unknown = set(options.sets or []) - set(sources)
    if unknown:
        parser.error(f"unknown data sets {', '.join(sorted(unknown))}; known: {', '.join(sources)}")
    for name in options.sets or sources:
        output = options.data / f"{name}.h5ad"
        if output.is_file():
            print(f"{output} exists")
            continue
        folder = options.data / "downloads" / name
        folder.mkdir(parents=True, exist_ok=True)
        convert(sources[name], folder, output, lock)


if __name__ == "__main__":
    main()

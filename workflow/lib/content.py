"""Checksums of input files, so that a file is noticed as new by its content, not by its date.

A file that another tool puts in place (``cp -p``, ``rsync -a``, ``tar``) may be older than the
results of the file that it replaces.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

LENGTH = 16
"""Number of hexadecimal digits of a checksum."""


class Checksums:
    """Checksums of files, read once as long as size, dates and inode of a file are the same.

    Parameters
    ----------
    cache
        JSON file that keeps them between runs and for the jobs of a cluster.
    """

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self._sources: dict[str, str] = {}
        self._known: dict[str, list[Any]] = {}
        try:
            content = json.loads(cache.read_text(encoding="utf-8"))
            self._sources = {str(name): str(value) for name, value in content["sources"].items()}
            files = content["files"].items()
            self._known = {path: entry for path, entry in files if len(entry) == 2}
        except (OSError, ValueError, AttributeError, TypeError, KeyError):
            pass  # missing or damaged: files are read again

    def of(self, paths: Iterable[str]) -> str:
        """Checksum of the contents of some files in this order; missing ones are left out."""
        digest = hashlib.sha256()
        changed = False
        for path in paths:
            try:
                state = os.stat(path)
                if not Path(path).is_file():
                    continue
                seen = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
                known = self._known.get(path)
                if known is None or known[0] != seen:
                    with open(path, "rb") as stream:
                        of_file = hashlib.file_digest(stream, "sha256").hexdigest()
                    known = self._known[path] = [seen, of_file]
                    changed = True
            except OSError:  # the stage that reads the file reports it
                continue
            digest.update(known[1].encode())
        if changed:
            self._write()
        return digest.hexdigest()[:LENGTH]

    def of_source(self, named: Sequence[str], files: Iterable[str]) -> str:
        """Checksum of the files of a sample; that of the last run if they are not there any more.

        The results of a sample whose files were moved away are kept.

        Parameters
        ----------
        named
            Paths that the user names.
        files
            All files that are read for them.
        """
        name = "\n".join(named)
        if name in self._sources and not all(map(os.path.exists, named)):
            return self._sources[name]
        checksum = self.of(files)
        if self._sources.get(name) != checksum:
            self._sources[name] = checksum
            self._write()
        return checksum

    def _write(self) -> None:
        part = self.cache.with_name(f"{self.cache.name}.{os.getpid()}")
        try:
            self.cache.parent.mkdir(parents=True, exist_ok=True)
            content = {"sources": self._sources, "files": self._known}
            part.write_text(json.dumps(content), encoding="utf-8")
            part.replace(self.cache)
        except OSError:
            pass  # a folder that cannot be written: files are read again in the next run

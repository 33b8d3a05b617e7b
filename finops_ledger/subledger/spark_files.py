"""Where Spark finds and leaves files: in the workspace's own folder, or beside it on shared storage."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Final

#: What Spark would take for a pattern in the name of a file.
_GLOB: Final = re.compile(r"([\\{}\[\]*?])")


class Files:
    """Files of one workspace as the executors see them.

    Without ``storage`` the executors see the workspace's folder itself, under the same path (one machine, or a shared
    file system). With it (``s3a://bucket/books``), each Parquet file is copied there before it is first read, under
    its path in the workspace; what the executors write is fetched from there. The workspace stays the original: what
    lies on storage may be deleted at any time.
    """

    def __init__(self, session: Any, root: Path, storage: str) -> None:
        self._session = session
        self._root = root.absolute()
        self._storage = storage.rstrip("/")
        self._there: set[Path] = set()

    def reading(self, path: Path) -> str:
        """Return how Spark calls a file that it is to read; it is there when this returns."""
        if not self._storage:
            return _GLOB.sub(r"\\\1", _local(path))
        uri = self._uri(path)
        if path not in self._there:
            self._bring(path, uri)
            self._there.add(path)
        return _GLOB.sub(r"\\\1", uri)

    def writing(self, folder: Path) -> str:
        """Return how Spark calls a folder of the workspace into which it is to write."""
        return self._uri(folder) if self._storage else _local(folder)

    def written(self, folder: Path) -> list[Path]:
        """Return the files that Spark has written into a folder, in their order, in the workspace."""
        if self._storage:
            far, files = self._far(self._uri(folder))
            files.copyToLocalFile(True, far, self._far(_local(folder))[0], True)
        return sorted(folder.glob("part-*"))

    def remove(self, folder: Path) -> None:
        """Remove a folder that Spark has written, wherever it is."""
        shutil.rmtree(folder, ignore_errors=True)
        if self._storage:
            far, files = self._far(self._uri(folder))
            files.delete(far, True)

    def _uri(self, path: Path) -> str:
        return f"{self._storage}/{path.absolute().relative_to(self._root).as_posix()}"

    def _bring(self, path: Path, uri: str) -> None:
        """Copy a file to storage unless the same is there: of its size, and not older."""
        far, files = self._far(uri)
        about = path.stat()
        if files.exists(far):
            there = files.getFileStatus(far)
            newer = there.getModificationTime() >= about.st_mtime_ns // 1_000_000
            if there.getLen() == about.st_size and newer:
                return
        files.copyFromLocalFile(False, True, self._far(_local(path))[0], far)

    def _far(self, uri: str) -> tuple[Any, Any]:
        """Return a path and its file system in Hadoop's words."""
        context = self._session.sparkContext
        path = context._jvm.org.apache.hadoop.fs.Path(uri)
        return path, path.getFileSystem(context._jsc.hadoopConfiguration())


def _local(path: Path) -> str:
    # Not as_uri(): Hadoop takes a path as it stands, and decodes nothing.
    return f"file://{path.absolute()}"

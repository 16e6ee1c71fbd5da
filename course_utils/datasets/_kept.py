"""Arrays kept beside the files that they were decoded from."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import filelock
import numpy as np


def files_key(root: Path, files: Iterable[str]) -> str:
    """Changes when one of the files was added, taken away or rewritten."""
    digest = hashlib.sha256()
    for file in files:
        stat = (root / file).stat()
        digest.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def kept(cache: Path, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array in the file `cache` if it was written under `key`, else a new one.

    Where several kernels want it, one makes it and the others wait. A folder that may not be
    written to, as on a shared classroom disk, is only slower.
    """
    array = _read(cache, key)
    if array is not None:
        return array
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(filelock.FileLock(cache.with_suffix(".lock")))
        array = _read(cache, key)
        if array is None:
            array = make()
            with contextlib.suppress(OSError):
                _write(cache, key, array)
    return array


def _read(cache: Path, key: str) -> np.ndarray | None:
    # Two plain arrays one after the other: a .npz would compute a checksum over each byte.
    try:
        with cache.open("rb") as file:
            if str(np.load(file, allow_pickle=False)) == key:
                return np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None  # none yet, or damaged: it is made anew
    return None


def _write(cache: Path, key: str, array: np.ndarray) -> None:
    aside = cache.with_suffix(".part")
    try:
        with aside.open("wb") as file:
            np.save(file, np.array(key))
            np.save(file, array)
        os.replace(aside, cache)
    finally:
        aside.unlink(missing_ok=True)

"""The cache of compiled kernels on disk: Numba's, made safe against stale, damaged and forbidden files.

Numba looks only at the file of a function to see whether what it cached is stale, but our kernels are merged from
several. It trusts what it reads, and machine code that was cut ends the process. And it raises an exception at import
where it finds no folder to write to. Here an entry is a file that names all it was made from and is checked as a whole,
and without a folder kernels are compiled anew in each process.
"""

import linecache
import os
import pickle
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import llvmlite
import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, NullCache, _CacheLocator
from numba.core.serialize import dumps
from numba.misc.appdirs import AppDirs

STAMP_BYTES = 32
"""Length of a SHA-256 digest."""


def cache_of(function: Callable[..., Any]) -> Any:
    """Return the cache of a function that will be compiled; one that keeps nothing if there is no place for it.

    Parameters
    ----------
    function
        A function of a kernel's entry, not compiled yet.

    Warns
    -----
    RuntimeWarning
        If no folder can be written to; once in a process.
    """
    if not _own_source(function):
        return NullCache()
    if _folder(function.__code__.co_filename) is None:
        _warn_uncached("no folder can be written to")
        return NullCache()
    return _KernelCache(function)


# What a kernel is made from


def _own_source(function: Callable[..., Any]) -> str:
    """Text of the file that defines a function, also from a zip archive; empty if there is none."""
    file = function.__code__.co_filename
    linecache.checkcache(file)
    return "".join(linecache.getlines(file, function.__globals__))


@cache
def _shared_sources() -> bytes:
    """Digest of all that may end up inside any kernel: this folder, the structs it takes and the compiler."""
    digest = sha256(f"{numba.__version__} {llvmlite.__version__}".encode())
    entries = [*files("fastsym.kernels").iterdir(), files("fastsym.model") / "params.py"]
    for entry in sorted(entries, key=lambda entry: entry.name):
        if entry.name.endswith((".py", ".pyc")) and entry.is_file():
            content = entry.read_bytes()
            digest.update(f"\0{entry.name} {len(content)}\0".encode() + content)
    return digest.digest()


def source_stamp(function: Callable[..., Any]) -> bytes:
    """Digest of all that a kernel is made from: what every kernel may hold, and the file that defines it."""
    return sha256(_shared_sources() + _own_source(function).encode()).digest()


# Where it is cached


def _candidates(file: str) -> Iterator[Path]:
    """Folders to try for the cache of the functions in a file, in Numba's order."""
    name = _CacheLocator.get_suitable_cache_subpath(file)
    if numba.config.CACHE_DIR:
        yield Path(numba.config.CACHE_DIR) / name
    yield Path(file).parent / "__pycache__"
    yield Path(AppDirs(appname="numba", appauthor=False).user_cache_dir) / name


@cache
def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _folder(file: str) -> Path | None:
    return next(filter(_can_be_written, _candidates(file)), None)


@cache
def _warn_uncached(reason: str) -> None:
    warnings.warn(
        f"kernels are not cached, and each process compiles them anew, in seconds: {reason}; "
        "set NUMBA_CACHE_DIR to a folder that can be written to",
        RuntimeWarning,
        stacklevel=2,
    )


# Numba's cache with these


class _Locator(_CacheLocator):
    """Tells Numba where a function's cache is."""

    def __init__(self, function: Callable[..., Any], file: str, folder: Path) -> None:
        self._function, self._folder = function, folder
        self._py_file = file  # Numba names it in a warning

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> "_Locator | None":
        folder = _folder(py_file)
        return None if folder is None else cls(py_func, py_file, folder)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> bytes:
        return source_stamp(self._function)

    def get_disambiguator(self) -> str:
        return str(self._function.__code__.co_firstlineno)


class _Located(CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class _KernelCache(FunctionCache):
    _impl_class = _Located

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _Entries(Path(self.cache_path), self._impl.filename_base, source_stamp(function))

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:  # a full disk, or a folder that is gone: the kernel works all the same
            _warn_uncached(str(error))


class _Entries:
    """Entries of one function's cache: files of a digest, the stamp of the sources, and the pickled key and data."""

    def __init__(self, folder: Path, name: str, stamp: bytes) -> None:
        self._folder, self._name, self._stamp = folder, name, stamp

    def _path(self, key: Any) -> Path:
        return self._folder / f"{self._name}.{sha256(repr(key).encode()).hexdigest()[:16]}.nbc"

    def load(self, key: Any) -> Any:
        """Return the data of a key; None if there are none, or older, other or damaged ones."""
        try:
            entry = self._path(key).read_bytes()
        except OSError:
            return None
        digest, content = entry[:STAMP_BYTES], entry[STAMP_BYTES:]
        if digest != sha256(content).digest() or content[:STAMP_BYTES] != self._stamp:
            return None
        saved_key, data = pickle.loads(content[STAMP_BYTES:])
        return data if saved_key == key else None

    def save(self, key: Any, data: Any) -> None:
        """Write an entry in one step, so that no process ever reads half of it."""
        content = self._stamp + dumps((key, data))
        path = self._path(key)
        unfinished = path.with_name(f"{path.name}.{uuid4().hex[:16]}.tmp")
        try:
            unfinished.write_bytes(sha256(content).digest() + content)
            os.replace(unfinished, path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise

    def flush(self) -> None:
        """Remove all entries."""
        for path in self._folder.glob(f"{self._name}.*.nbc"):
            path.unlink(missing_ok=True)

"""The only place that spells ``numba.njit``: options of every kernel, stated once.

- ``cache``: a kernel is compiled once per machine, not once per process.
- ``nogil``: kernels run beside each other in Python threads.
- ``error_model="numpy"``: without it each division carries a hidden check for zero, and a loop with a
  branch to an exception in it is not vectorised.
- No ``fastmath``: the order of every sum is part of the result (units that start equal must stay equal).
"""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


@cache
def source_fingerprint() -> str:
    """Hash of every file whose code may end up inside a kernel."""
    digest = sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _compiled(function: F, **more: Any) -> F:
    dispatcher = numba.njit(**(OPTIONS | more))(function)
    # Numba looks only at the file of the function itself to see whether a cached kernel is stale, but ours are
    # merged from several files. Its check is an equality, so a hash of all of them can take the stamp's place.
    cache_file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if cache_file is not None and hasattr(cache_file, "_source_stamp"):
        cache_file._source_stamp = source_fingerprint()
    return cast(F, dispatcher)


def jit(function: F) -> F:
    """Compile ``function`` on its first call for each new set of argument types."""
    return _compiled(function)


def jit_inline(function: F) -> F:
    """Compile like :func:`jit`, and merge the body into each caller so that the caller's loop vectorises.

    Not cached by itself: it is part of its callers, and machine code of its own would only cost time to make.
    """
    return _compiled(function, cache=False, forceinline=True)


def jit_expanded(function: F) -> F:
    """Paste the body into each caller before types are known: compiles faster than :func:`jit_inline` if large."""
    return _compiled(function, cache=False, inline="always")


def jit_reordered(function: F) -> F:
    """Compile like :func:`jit_inline`, but let the compiler choose the order of sums: else no sum vectorises.

    NaN, infinities and signed zeros keep their meaning. Use it for a function that is one sum.
    """
    return _compiled(function, cache=False, forceinline=True, fastmath={"reassoc", "contract"})

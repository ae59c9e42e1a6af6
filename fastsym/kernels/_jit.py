"""The only place that spells ``numba.njit``: options of every kernel, stated once.

- Cached on disk (:mod:`fastsym.kernels._cache`): a kernel is compiled once per machine, not once per process.
- ``nogil``: kernels run beside each other in Python threads.
- ``error_model="numpy"``: without it each division carries a hidden check for zero, and a loop with a
  branch to an exception in it is not vectorised.
- No ``fastmath``: the order of every sum is part of the result (units that start equal must stay equal).
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar, cast

import numba
from numba.core.registry import CPUDispatcher

from fastsym.kernels._cache import cache_of

F = TypeVar("F", bound=Callable[..., Any])

COMPILING = not numba.config.DISABLE_JIT
"""False in a process with NUMBA_DISABLE_JIT=1: kernels are plain Python then, and those with lanes cannot run."""
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


class InlineDispatcher(CPUDispatcher):  # type: ignore[misc]
    """A function for other kernels: they compile sooner without a wrapper for Python around each of their parts."""

    def __call__(self, *arguments: Any) -> Any:
        """Call it from Python, in tests or while looking for a mistake; what is missing is compiled now."""
        return self._from_python(*arguments)

    @cached_property
    def _from_python(self) -> Any:
        part = self
        return numba.njit(**OPTIONS)(lambda *arguments: part(*arguments))


def _compiled(function: F, **more: Any) -> F:
    return cast(F, numba.njit(**(OPTIONS | more))(function))


def jit(function: F) -> F:
    """Compile ``function`` on its first call for each new set of argument types."""
    dispatcher: Any = _compiled(function)
    if COMPILING:
        dispatcher._cache = cache_of(function)  # as its enable_caching does with Numba's own
    return cast(F, dispatcher)


def jit_inline(function: F) -> F:
    """Compile like :func:`jit`, and merge the body into each caller so that the caller's loop vectorises.

    Not cached by itself: it is part of its callers, and machine code of its own would only cost time to make.
    """
    dispatcher: Any = _compiled(function, forceinline=True, no_cpython_wrapper=True)
    if COMPILING:
        dispatcher.__class__ = InlineDispatcher
    return cast(F, dispatcher)


def jit_expanded(function: F) -> F:
    """Paste the body into each caller before types are known: compiles faster than :func:`jit_inline` if large."""
    return _compiled(function, inline="always")


def jit_reordered(function: F) -> F:
    """Compile like :func:`jit_inline`, but let the compiler choose the order of sums: else no sum vectorises.

    NaN, infinities and signed zeros keep their meaning. Use it for a function that is one sum.
    """
    return _compiled(function, forceinline=True, fastmath={"reassoc", "contract"})

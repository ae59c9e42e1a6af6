"""The machine code of the kernels that this process has compiled or loaded.

The assembly is emitted anew from the optimised bitcode that Numba keeps with a kernel, also in its on-disk cache, so
that a kernel fresh from the compiler and one from the cache have one fingerprint. Against the object code that really
runs, some integer moves differ; arithmetic and vector spills were the same in every kernel looked at. Stack slots
count whatever they hold, so that arguments passed on the stack and local records are among the integer ones.
"""

import gc
import platform
import re
from collections.abc import Sequence
from typing import Any

from .instructions import Fingerprint
from .loops import ARCHITECTURES, fingerprint_assembly

MACHINES = tuple(ARCHITECTURES)


def target() -> Fingerprint:
    """Tell what decides, beside the source, on the code that Numba makes in this process."""
    import llvmlite.binding
    import numba
    from numba.core.registry import cpu_target

    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    return {
        "machine": platform.machine(),
        "cpu": name,
        "features": features,
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "llvm": ".".join(map(str, llvmlite.binding.llvm_version_info)),
    }


def assembly_of(library: Any) -> str:
    """Assembly of one compiled signature, fresh or from the cache.

    ``library`` is the attribute of that name of a value in a dispatcher's ``overloads``. Its own ``get_asm_str``
    has nothing to show of a cached kernel, and emitting from a module changes the module: hence a copy.
    """
    import llvmlite.binding

    module = llvmlite.binding.parse_bitcode(library._get_module_for_linking().as_bitcode())
    return str(library.codegen._tm.emit_assembly(module))


def _short(signature: tuple[Any, ...]) -> str:
    """Argument types in short; equal neighbours once, with their number."""
    names: list[tuple[str, int]] = []
    for ty in map(str, signature):
        name = re.sub(r"array\((\w+), (\d)d, C\)", r"\1[\2d]", ty)
        if names and names[-1][0] == name:
            names[-1] = name, names[-1][1] + 1
        else:
            names.append((name, 1))
    return ", ".join(name if count == 1 else f"{count} {name}" for name, count in names)


class Fingerprints:
    """The machine code of the kernels that this process has compiled or loaded so far."""

    def __init__(self, root: str, universal: Sequence[Any] = ()) -> None:
        """Look at functions of files below ``root``; ``universal``: dispatchers of universal functions."""
        self._root = root.rstrip("/") + "/"
        self._universal = universal
        self._known: dict[int, tuple[Any, Fingerprint]] = {}
        self._last: set[int] | None = None

    def _compiled(self) -> list[tuple[Any, list[Any]]]:
        from numba.core.dispatcher import Dispatcher

        # By type, because asking a weak proxy for its class fails when its object is gone.
        found = [value for value in gc.get_objects() if issubclass(type(value), Dispatcher)]
        inside = [d for d in (*found, *self._universal) if d.py_func.__code__.co_filename.startswith(self._root)]
        return [(d, list(d.overloads.values())) for d in sorted(inside, key=_place)]

    def take(self) -> dict[str, Fingerprint] | None:
        """Fingerprint every kernel; None if there is none, or nothing was compiled since the last time.

        Returns
        -------
        dict
            ``target``: see :func:`target`; with an entry ``unsupported`` on a machine that is none of
            :data:`MACHINES`. ``kernels``:
            name with argument types -> :func:`fingerprint_assembly`, the number of ``specialisations``, and the
            ``place`` of the source, file:line. A function that was compiled as a part of another kernel is not listed
            by itself. All of it can be written as JSON.
        """
        compiled = self._compiled()
        libraries = {id(result.library) for _, results in compiled for result in results}
        if not libraries or libraries == self._last:
            return None
        self._last = libraries
        here = target()
        if here["machine"].lower() not in MACHINES:
            return {"target": here | {"unsupported": True}, "kernels": {}}
        parts = {id(part) for _, results in compiled for r in results for part in r.library._linking_libraries}
        kernels = {}
        for dispatcher, results in compiled:
            whole = [result for result in results if id(result.library) not in parts]
            for result in whole:
                function = dispatcher.py_func
                name = f"{function.__module__}.{function.__qualname__}({_short(result.signature.args)})"
                about = {"specialisations": len(whole), "place": _place(dispatcher).removeprefix(self._root)}
                kernels[name] = about | self._fingerprint(result.library)
        return {"target": here, "kernels": kernels}

    def _fingerprint(self, library: Any) -> Fingerprint:
        if id(library) not in self._known:
            self._known[id(library)] = library, fingerprint_assembly(assembly_of(library), platform.machine())
        return self._known[id(library)][1]


def _place(dispatcher: Any) -> str:
    code = dispatcher.py_func.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"

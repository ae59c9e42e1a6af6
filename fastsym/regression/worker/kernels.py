"""The machine code of the checkout's kernels, as this process has compiled or loaded them."""

import functools
import importlib.abc
import importlib.util
import os
import sys
import types
from pathlib import Path
from typing import Any


class Kernels(importlib.abc.MetaPathFinder):
    """Watches for Numba, whose universal functions leave no dispatcher behind to ask for their machine code."""

    MODULE = "numba.np.ufunc.ufuncbuilder"

    def __init__(self) -> None:
        self.universal: list[Any] = []
        self._fingerprints: Any = None

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:  # noqa: ARG002 the protocol's signature
        """Find that one module, and note each dispatcher that it makes."""
        if name != self.MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            execute(module)
            dispatcher = module.UFuncDispatcher
            begin = dispatcher.__init__

            @functools.wraps(begin)
            def noted(made: Any, *args: Any, **kwargs: Any) -> None:
                begin(made, *args, **kwargs)
                self.universal.append(made)

            dispatcher.__init__ = noted

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def fingerprints(self, assembly: str, tree: Path) -> dict[str, Any]:
        """Describe the machine code of the checkout's kernels; None as long as nothing was compiled since."""
        if "numba.core.dispatcher" not in sys.modules:
            return {"fingerprints": None}
        if self._fingerprints is None:
            spec = importlib.util.spec_from_file_location(
                "fastsym_gate_assembly", assembly, submodule_search_locations=[os.path.dirname(assembly)]
            )
            if spec is None or spec.loader is None:
                return {"fingerprints": None, "error": f"{assembly} cannot be loaded"}
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module  # its modules are imported relatively to it
            spec.loader.exec_module(module)
            self._fingerprints = module.Fingerprints(str(tree), self.universal)
        return {"fingerprints": self._fingerprints.take()}

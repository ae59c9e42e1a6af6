"""Saved benchmark runs, made up."""

import copy
import json

import numpy as np

MACHINE = {
    "cpu": "Toy 8086",
    "cores": 2,
    "blas": "openblas 1.0",
    "versions": {"numpy": "2.0.0"},
}


def benchmark(variant, seconds, reference, hidden=4, iterations=100, reference_iterations=50, kind="variant"):
    """One entry as pytest-benchmark writes it, as far as it is read."""
    return {
        "fullname": f"bench/test_train.py::test_train[H{hidden}-T{iterations}-{variant}]",
        "stats": {"data": list(seconds)},
        "extra_info": {
            "kind": kind,
            "variant": variant,
            "hidden": hidden,
            "iterations": iterations,
            "dtype": "float64",
            "threads": 1,
            "compile_seconds": 0,
            "worst_error": 0.1,
            "reference_seconds": list(reference),
            "reference_iterations": reference_iterations,
        },
    }


def run(benchmarks, **machine):
    """A whole file's content."""
    return {"machine_info": {"fastsym": copy.deepcopy(MACHINE) | machine}, "benchmarks": list(benchmarks)}


def noisy_run(seed, slowdown=None, rounds=8, noise=0.03, **machine):
    """Content with two widths of three variants; ``slowdown`` maps a variant to a factor on its times."""
    rng = np.random.default_rng(seed)
    entries = []
    for hidden in (4, 64):
        for variant, speedup in (("reference", 1.0), ("fused", 6.0), ("simd", 14.0)):
            drift = np.exp(rng.normal(scale=0.3, size=rounds))  # a busy neighbour slows both sides
            times, reference = 1e-3 * hidden * drift * np.exp(noise * rng.standard_normal((2, rounds)))
            factor = (slowdown or {}).get(variant, 1.0) / speedup
            entries.append(benchmark(variant, times * factor, reference / 2, hidden))
    return run(entries, **machine)


def save(path, content):
    """Write as JSON and return the path."""
    path.write_text(json.dumps(content))
    return path

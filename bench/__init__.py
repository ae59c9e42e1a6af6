"""Benchmarks of fastsym, and the scripts that recorded what lies in ``reports/``.

    pytest bench/ --benchmark-only        # the grid of benchmarks; bench/ needs nothing but fastsym itself
    python -m bench.compare --help        # every variant and other system -> reports/performance.csv and times.csv,
                                          #     by number of features -> reports/performance-features.csv
    python -m bench.processors --help     # code for other processors -> reports/processors.csv
    python -m bench.fast_choice --help    # is "fast" the quickest -> reports/fast-choice.csv
    python -m bench.targets --help        # precision, populations, recording -> reports/targets.csv
    python -m bench.gate_study --help     # how often the gate is wrong -> reports/gate/
    python -m bench.playground --help     # how long the playground takes -> reports/playground.csv
    python -m bench.readme                # the README's tables, from those files

The scripts run from the root of the checkout.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""Of the checkout."""

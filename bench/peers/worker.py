"""The process that another system runs in: reads requests, one JSON object a line, trains, and answers in the same way.

python -m bench.peers.worker MODULE THREADS [FEATURES] < requests > answers
"""

import json
import os
import sys
import time
import warnings
from importlib import import_module

import numpy as np

import fastsym
from bench.peers import table_of


def main():
    """Prepare the system, then serve requests until the input ends."""
    module, threads = sys.argv[1], int(sys.argv[2])
    warnings.simplefilter("error")
    data = table_of(*map(int, sys.argv[3:]))
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what a library prints must not get between the answers
        train = import_module(f"bench.peers.{module}").build(data.X, data.y, threads)
        serve(train, len(data.X), answers)


def serve(train, n_features, answers):
    """Answer each request on standard input."""
    for line in sys.stdin:
        request = json.loads(line)
        params = fastsym.initialise("normal", n_features, request["hidden"])
        start = time.perf_counter()
        costs, trained = train(params, request["iterations"], request["learning_rate"])
        answer = {"seconds": time.perf_counter() - start}
        if request["with_result"]:
            answer["costs"] = np.asarray(costs).tolist()
            answer["params"] = [np.asarray(value).tolist() for value in trained]
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

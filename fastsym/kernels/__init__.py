"""The variants of hand-written forward and backward loops, plainest first, and all else that Numba compiles.

``loops`` reads like the formula; ``fused`` is the same in blocks that the compiler can vectorise; ``simd`` spells out
the vector registers; ``population`` has ``simd`` on all threads, and many networks at once. ``layout`` is how these two
lay out their data; ``passes`` are their loops over samples, made of ``lanes`` and ``elementary`` functions; and
``target`` fits these loops to a processor.
"""

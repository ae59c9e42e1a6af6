"""The ladder of hand-written forward and backward loops, plainest first, one rung a file.

``loops`` reads like the formula; ``fused`` is the same in blocks that the compiler can vectorise; ``simd`` spells out
the vector registers; ``parallel`` is ``simd`` on all threads. ``layout`` is how the last two lay out their data.
"""

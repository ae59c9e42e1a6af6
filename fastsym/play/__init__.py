"""``python -m fastsym.play``: a local page that trains anew at each move of a slider.

- ``settings``: what can be chosen, from and to texts and addresses, and as lines of Python
- ``retrain``: one training, observed on its way
- ``newest``: who asks faster than training goes gets the newest answer
- ``charts``: what was observed, as chart options
- ``tracks``: positions of sliders
- ``controls``, ``results`` and ``page``: what moves, what is shown, and both together; only these know NiceGUI
"""

"""``python -m fastsym.play``: a local page that trains again whenever a slider moves.

- ``settings``: the choices on the page; to and from text and addresses, and as lines of Python
- ``retrain``: one training, with snapshots of its weights
- ``newest``: runs only the latest request
- ``charts`` and ``network``: a training's results as chart options, and a picture of the network
- ``words``: what the words on the page mean, and its tour
- ``controls``, ``results`` and ``page``: the inputs, the outputs, and both together
- ``guard``: what the server lets through; it and these three alone use NiceGUI
"""

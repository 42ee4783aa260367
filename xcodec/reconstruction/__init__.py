"""Samples to pictures: the classical fill, and the generator that adds what it lacks.

``opencv_painter`` runs the generator on the processor without torch. ``generator``, ``baselines``,
``torch_weights`` and ``torch_painter`` load torch; import them only where they are needed.
"""

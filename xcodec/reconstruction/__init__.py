"""Samples to pictures: the classical fill, and the generator that paints what it leaves out.

``opencv`` paints on the processor without torch; ``generator``, ``networks``, ``store`` and
``paint`` need it: import them where they are needed.
"""

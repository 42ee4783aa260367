"""Samples to pictures: the classical fill, and the generator that paints what it leaves out.

Only ``generator``, ``networks``, ``zoo`` and ``paint`` need torch; import them where it is needed.
"""

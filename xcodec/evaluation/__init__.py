"""Benchmarks of xcodec and other codecs: ``xcodec bench`` and ``xcodec compare``.

peers     the codecs and methods that are measured, xcodec itself among them
measures  metrics, and comparisons of curves
runs      the benchmarks, from the options of a command to a record (``schema.json``)
pages     tables, plots and HTML pages of records; the parts of the pages are in ``page/``
"""

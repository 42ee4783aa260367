"""Measuring xcodec beside its peers, for ``xcodec bench`` and ``xcodec compare``.

metrics, curves   how near a picture comes to its original; figures at equal rates
peers, xcodecs    the codecs, each with its settings
measuring, state  one picture through one codec, and what was found already
rd, points, speed the benchmarks
records, schema   what a run leaves behind
report, viewer    pages that show it
"""

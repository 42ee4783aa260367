"""Measuring xcodec beside its peers, for ``xcodec bench`` and ``xcodec compare``.

metrics, curves   how near a picture comes to its original; figures at equal rates
peers, xcodecs    the codecs, each with its settings
measuring, state  one picture through one codec, and what was found already
rd, points, speed the benchmarks; links, of packets that get lost
summary, tables   of the curves of rd
options, runs     from the texts of options to whole runs
records           what a run leaves behind, by schema.json; savings, between two of them
report, figure    what shows it: pages made of page/, with viewer, shots and comparison; figures
"""

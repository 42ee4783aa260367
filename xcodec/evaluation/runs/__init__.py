"""The benchmarks: what each one measures, and the records that they write."""

"""The process that runs atheris: python -m tests.fuzz.harness TARGET CORPUS [options of libFuzzer]

TARGET is one of those of ``parsers``, or "whole". Nothing may import xcodec before it is
instrumented.
"""

import random
import sys

import atheris

MUTATED = 0.7
"""How often inputs of parsers are altered by their parts, rather than by libFuzzer."""


def fuzz_whole() -> None:
    """Fuzz the whole decoder."""
    with atheris.instrument_imports(include=["xcodec"]):
        from tests.fuzz import whole

    whole.heads()  # Make the seeds first: they must not count as time of the first input.
    atheris.Setup(sys.argv, whole.one)


def fuzz_parser(name: str) -> None:
    """Fuzz a parser."""
    with atheris.instrument_imports(include=["xcodec"]):
        from tests.fuzz import mutation, parsers
    last = b""

    def tried(data: bytes) -> None:
        nonlocal last
        parsers.one(name, data)
        last = data

    def altered(data: bytes, size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < MUTATED:
            return mutation.mutated(name, data, rng, last)[:size]
        return bytes(atheris.Mutate(data, size))

    atheris.Setup(sys.argv, tried, custom_mutator=altered)


def main() -> None:
    name = sys.argv.pop(1)
    if name == "whole":
        fuzz_whole()
    else:
        fuzz_parser(name)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

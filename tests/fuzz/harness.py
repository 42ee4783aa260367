"""The process that runs atheris: python -m tests.fuzz.harness CORPUS [options of libFuzzer]"""

import sys

import atheris

with atheris.instrument_imports(include=["xcodec"]):
    from tests.fuzz import target


def main() -> None:
    target.heads()  # Make the seeds first: they must not count as time of the first input.
    atheris.Setup(sys.argv, target.one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

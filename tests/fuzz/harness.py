"""The process that atheris drives: python -m tests.fuzz.harness CORPUS [libFuzzer's options]"""

import sys

import atheris

with atheris.instrument_imports(include=["xcodec"]):
    from tests.fuzz import target


def main() -> None:
    target.heads()  # Beforehand: the first input must not wait for the seeds.
    atheris.Setup(sys.argv, target.one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

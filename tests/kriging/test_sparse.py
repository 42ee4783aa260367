"""scipy.sparse is loaded without what it does not need."""

import subprocess
import sys

CODE = """
import sys
import numpy
from xcodec.kriging.sparse import csr
assert csr((2, 3)).shape == (2, 3)
for name in ("ctypeslib", "f2py", "polynomial", "testing"):
    assert f"numpy.{name}" not in sys.modules
    assert getattr(numpy, name).__name__ == f"numpy.{name}"
"""


def test_modules_of_numpy_are_loaded_only_for_those_who_use_them() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=60)

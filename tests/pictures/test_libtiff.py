"""The messages of libtiff (xcodec/pictures/libtiff.py)."""

import ctypes
import io
import os
import threading

import numpy as np
import pytest
from PIL import Image

from xcodec.errors import InputError
from xcodec.pictures import libtiff, modes

Capture = pytest.CaptureFixture[str]


def broken() -> Image.Image:
    """An image whose pixels libtiff cannot read, and says so."""
    data = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(data, "TIFF", compression="tiff_lzw")
    return Image.open(io.BytesIO(data.getvalue()[:2000] + b"\xff" * 99 + data.getvalue()[2099:]))


def said(capfd: Capture) -> str:
    """What libtiff says about a broken picture."""
    capfd.readouterr()
    with pytest.raises(OSError, match="decoder error"):
        broken().load()
    return capfd.readouterr().err


def test_only_libtiff_is_silent_and_only_in_the_block(capfd: Capture) -> None:
    assert "code not yet in table" in said(capfd)
    with libtiff.silenced():
        with libtiff.silenced():
            assert said(capfd) == ""
        assert said(capfd) == ""
        os.write(2, b"others may speak")
        assert capfd.readouterr().err == "others may speak"
    assert "code not yet in table" in said(capfd)


def test_an_image_of_pillow_is_read_in_silence(capfd: Capture) -> None:
    with pytest.raises(InputError, match="decoder error"):
        modes.picture_of(broken())
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_child_hears_what_its_parent_heard(capfd: Capture) -> None:
    inside, ended = threading.Event(), threading.Event()

    def stay() -> None:
        with libtiff.silenced():
            inside.set()
            ended.wait(20)

    thread = threading.Thread(target=stay)
    thread.start()
    inside.wait(20)
    child = os.fork()
    if not child:
        os._exit(0 if said(capfd) else 1)
    ended.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_where_libtiff_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    libtiff._setter.cache_clear()
    try:
        with pytest.raises(InputError, match="decoder error"):
            modes.picture_of(broken())
    finally:
        libtiff._setter.cache_clear()

"""Attributes that are computed when they are first asked for."""

import threading
from dataclasses import dataclass

from xcodec.system.lazy import lazy


@dataclass(frozen=True)
class Square:
    """A number that counts how often it was squared."""

    side: int
    calls: list[int]

    @lazy
    def area(self) -> int:
        """Its square."""
        self.calls.append(self.side)
        return self.side**2


def test_each_object_computes_once() -> None:
    calls: list[int] = []
    one, other = Square(3, calls), Square(4, calls)
    assert [one.area, other.area, one.area, other.area] == [9, 16, 9, 16]
    assert calls == [3, 4]
    assert Square.area.__doc__ == "Its square."


def test_no_object_waits_for_another() -> None:
    """As functools.cached_property makes them do before Python 3.12."""
    entered, go_on = threading.Event(), threading.Event()

    class Slow:
        def __init__(self, waits: bool) -> None:
            self.waits = waits

        @lazy
        def value(self) -> int:
            if self.waits:
                entered.set()
                assert go_on.wait(60)
            return 1

    slow = Slow(True)
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert entered.wait(60)
    done = threading.Thread(target=lambda: Slow(False).value, daemon=True)
    done.start()
    done.join(60)
    waited = done.is_alive()
    go_on.set()
    thread.join()
    assert not waited

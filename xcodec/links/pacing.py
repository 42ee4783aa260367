"""When the next packet may go: not before the link is free, nor beyond its duty cycle."""

import time
from collections import deque
from collections.abc import Callable

HOUR = 3600.0
"""Seconds over which a duty cycle counts (ETSI EN 300 220-1, section 5.4)."""


class Pacer:
    """Waits between packets.

    A duty cycle is a budget for any hour: packets go out at once as long as it lasts.
    """

    def __init__(
        self,
        duty: float = 1.0,
        pause: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Begin with a budget that is whole.

        duty  : share of an hour that the transmitter may be on air
        pause : least seconds from the start of a packet to that of the next
        """
        self._budget, self._pause = duty * HOUR, pause
        self._clock, self._sleep = clock, sleep
        self._sent: deque[tuple[float, float]] = deque()  # Starts and seconds on air.
        self._next = clock()

    def count(self, ago: float, airtime: float) -> None:
        """Count a packet that went out before, so many seconds ago; the earliest one first."""
        self._sent.append((self._clock() - ago, airtime))

    def delay(self, airtime: float) -> float:
        """Return the seconds until a packet may go that is on air for ``airtime`` seconds."""
        now = self._clock()
        start = max(now, self._next)
        if self._budget < HOUR:
            while self._sent and self._sent[0][0] + self._sent[0][1] <= now - HOUR:
                self._sent.popleft()
            left = self._budget - airtime - sum(seconds for _, seconds in self._sent)
            for begun, seconds in self._sent:
                if left >= 0:
                    break
                left += seconds
                start = max(start, begun + seconds + HOUR)
        return start - now

    def wait(self, airtime: float) -> None:
        """Wait until a packet may go, and note that it goes."""
        self._sleep(max(self.delay(airtime), 0.0))
        now = self._clock()
        self._sent.append((now, airtime))
        self._next = now + max(airtime, self._pause)

    def remaining(self, airtimes: list[float]) -> float:
        """Return about how many seconds packets take that are still to go."""
        if not airtimes:
            return 0.0
        gaps = sum(max(airtime, self._pause) for airtime in airtimes[:-1]) + airtimes[-1]
        used = sum(seconds for _, seconds in self._sent) + sum(airtimes)
        over = max(used - self._budget, 0.0) if self._budget < HOUR else 0.0
        return self.delay(airtimes[0]) + gaps + (over * HOUR / self._budget if over else 0.0)

"""How long packets are on air: LoRa by Semtech's formula, AX.25 by its frames."""

from dataclasses import dataclass
from math import ceil

DUTY_CYCLES = (0.01, 0.1)
"""Shares of an hour that a transmitter may be on air in Europe's bands from 865 to 870 MHz
(ETSI EN 300 220-2, annex B)."""
LOW_RATE = 0.016
"""Seconds of a symbol from which LoRa's low data rate optimisation is on (AN1200.13)."""
STUFFING = 1 + 1 / 63
"""Share of bits that AX.25 adds: a zero after five ones, in random data after 62 bits on the mean
(AX.25 2.2, section 3.6)."""


@dataclass(frozen=True)
class LoRa:
    """Settings of a LoRa radio, and what a protocol adds to its packets.

    bandwidth   : in Hz
    spreading   : spreading factor, 7 to 12
    coding_rate : 5 to 8, for 4/5 to 4/8
    preamble    : in symbols
    around      : bytes that the protocol adds to a packet
    block       : the packet and ``inside`` bytes are padded to a multiple of this, for encryption
    inside      : bytes that are encrypted with it
    """

    bandwidth: float
    spreading: int
    coding_rate: int
    preamble: int = 16
    around: int = 0
    block: int = 1
    inside: int = 0

    def seconds(self, size: int) -> float:
        """Return the time on air of a packet of ``size`` bytes, with explicit header and CRC.

        Source: Semtech, "LoRa Modem Designer's Guide", AN1200.13, section 4.
        """
        sent = self.around + ceil((size + self.inside) / self.block) * self.block
        symbol = (1 << self.spreading) / self.bandwidth
        slow = 2 if symbol > LOW_RATE else 0
        bits = 8 * sent - 4 * self.spreading + 28 + 16
        symbols = 8 + max(ceil(bits / (4 * (self.spreading - slow))) * self.coding_rate, 0)
        return (self.preamble + 4.25 + symbols) * symbol


@dataclass(frozen=True)
class Ax25:
    """A transmitter of AX.25 frames, one to a transmission.

    baud : bits per second
    key  : seconds to key up and down, without data
    """

    baud: int
    key: float = 0.35

    def seconds(self, size: int) -> float:
        """Return the time on air of a UI frame of ``size`` bytes.

        Addresses, control and protocol take 16 bytes, the checksum 2, flags 2 (AX.25 2.2, section
        3).
        """
        return self.key + ((size + 18) * 8 * STUFFING + 16) / self.baud

"""Packets as the sound of a packet radio: through the modems of Direwolf's test programs.

``gen_packets`` turns text into AX.25 frames and these into sound (AFSK of 1,200 bits per second),
and ``atest`` decodes sound. No sound card and no radio are needed.
"""

import re
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError, XcodecError
from xcodec.links.transports import kiss

PROGRAMS = ("gen_packets", "atest")
SOURCE, DESTINATION = "AB1CD-1", "XCODEC"
LONGEST_LINE = 398
"""Bytes of a line that ``gen_packets`` takes at once."""
ESCAPED = re.compile(rb"[\x00\n\r<]")
"""Bytes that it takes only as <0x..>."""
RATE = 44_100
"""Samples of sound per second."""
AMPLITUDE = 50
"""Loudness of the tones in percent; 100 is half of what 16 bits hold."""
NOISE = 5 * 0.0023 * AMPLITUDE
"""Amplitude of the noise of ``gen_packets -n`` in its last frame, where 1 is what 16 bits hold."""
LEVELS = "0.5,0.56,0.6"
"""Levels of noise, see ``noisy``, at which about 4, 21 and 48 % of full frames are lost."""
PEAK = 32_767
TIMEOUT = 120.0
"""Seconds after which a run of a program counts as failed."""

Sound = NDArray[np.int16]


def installed() -> bool:
    """Whether the programs are on the PATH."""
    return all(shutil.which(program) for program in PROGRAMS)


def modulated(packets: Sequence[bytes]) -> Sound:
    """Return packets as sound, each as a frame of its own.

    packets : of at most ``kiss.SIZE`` bytes

    Raises InputError if a packet is too large, or has too many bytes that must be escaped, and
    XcodecError if the program fails.
    """
    return np.concatenate([np.zeros(0, np.int16), *map(_frame, packets)])


def _frame(packet: bytes) -> Sound:
    """The sound of a packet, with a little silence before it."""
    # The end of a line would be a byte of the frame. So each packet is a run with one line.
    text = ESCAPED.sub(lambda found: b"<0x%02x>" % found.group()[0], packet)
    line = f"{SOURCE}>{DESTINATION}:".encode() + text
    if len(packet) > kiss.SIZE or len(line) > LONGEST_LINE:
        raise InputError(f"gen_packets does not take this packet of {len(packet)} bytes")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.wav"
        options = ["-a", str(AMPLITUDE), "-r", str(RATE), "-o", str(path)]
        _run("gen_packets", *options, "-", data=line)
        with wave.open(str(path)) as file:
            return np.frombuffer(file.readframes(file.getnframes()), np.dtype("<i2"))


def noisy(sound: Sound, level: float, seed: Sequence[int]) -> Sound:
    """Add noise as ``gen_packets -n`` does, which adds it to frames of its own only.

    level : 0 for none, 1 for as much as its last frame has, of which it loses about a third
    seed  : numbers that identify the draw
    """
    spread = level * NOISE * PEAK
    noise = np.random.default_rng(seed).uniform(-spread, spread, len(sound))
    return np.clip(sound + noise, -PEAK, PEAK).astype(np.int16)


def demodulated(sound: Sound) -> list[bytes]:
    """Return what the frames in a sound hold, of those whose checksum is right.

    Raises DependencyError if pyham-ax25 is missing, and XcodecError if the program fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE, len(sound), "NONE", ""))
            file.writeframes(sound.astype("<i2").tobytes())
        printed = _run("atest", "-h", str(path))
    found = map(kiss.unpack, _dumps(printed))
    return [each.data for each in found if each and each.source == SOURCE]


def _dumps(printed: bytes) -> list[bytes]:
    """The frames that ``atest`` printed, each in lines of offset, colon and hexadecimal bytes."""
    frames: list[bytes] = []
    for line in printed.split(b"\n"):
        found = re.fullmatch(rb"  ([0-9a-f]{3}):((?:  ?[0-9a-f]{2}){1,16})  +.{1,16}", line)
        if found is None:
            continue
        place, data = int(found[1], 16), bytes.fromhex(found[2].decode())
        if place == 0:
            frames.append(data)
        elif frames and len(frames[-1]) == place:
            frames[-1] += data
    return frames


def _run(*command: str, data: bytes = b"") -> bytes:
    """Run a program and return its output. Raises XcodecError if it fails."""
    try:
        return subprocess.run(
            command, input=data, capture_output=True, check=True, timeout=TIMEOUT
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise XcodecError(f"{command[0]} failed: {error}") from error


def arrived(packets: Sequence[bytes], level: float, *seed: int) -> NDArray[np.bool_]:
    """Send packets through noise and tell which arrive, bool (packets,).

    level, seed : see ``noisy``

    Raises as ``modulated`` and ``demodulated`` do.
    """
    return kept(packets, modulated(packets), level, *seed)


def kept(packets: Sequence[bytes], sound: Sound, level: float, *seed: int) -> NDArray[np.bool_]:
    """The same with the sound of the packets, which all draws have in common."""
    came = set(demodulated(noisy(sound, level, seed)))
    return np.array([packet in came for packet in packets], bool)

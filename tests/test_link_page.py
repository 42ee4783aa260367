"""The commands that docs/links.md and docs/tutorials/links.md print work, each section of the
former in a folder of its own with a photo.

Radios are stand-ins on 127.0.0.1 and at pseudo-terminals: ports and devices of the page are
replaced by theirs. Receivers in the background are waited for until they listen, and must succeed.
"""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.links.transports import lines, loopback_reticulum
from tests.links.transports.standin_meshcore import MeshCoreAir, MeshCoreNode
from tests.links.transports.standin_meshtastic import MeshtasticAir, MeshtasticNode
from tests.links.transports.standin_wires import Line, Wire

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "links.md").read_text()
SECONDS = 100
SIZE = 24, 18
"""Of the photo in pixels: packets of few pixels take little time."""
LEFT_OUT = {"pip": "# once, in a checkout"}
"""Commands that are not run, and the comment that says why."""
PROGRAM = """#!{python}
import os, sys, time
from pathlib import Path

# Radios need pauses between packets, and stand-ins none.
sleep, time.sleep = time.sleep, lambda seconds: sleep(min(seconds, 0.05))
import xcodec.links.pacing
time.sleep = sleep
try:
    import serial
    for control in "dtr", "rts":  # A pseudo-terminal has no such wires.
        setattr(serial.Serial, f"_update_{{control}}_state", lambda port: None)
except ImportError:
    pass

from xcodec.__main__ import main
from xcodec.links import transports

connect = transports.connect

def connected(url, listening=False, **more):
    link = connect(url, listening, **more)
    if listening:
        Path({folder!r}, str(os.getpid())).write_text(getattr(link, "address", ""))
    return link

transports.connect = connected
sys.exit(main())
"""
"""``xcodec``, which also tells where it listens."""
SHELL = """
set -e
started=()
listening() {{
    started+=($!)
    until [ -e {folder}/$! ]; do kill -0 $! || exit 1; sleep 0.05; done
    address=$(cat {folder}/$!)
}}
wait() {{
    for each in "${{started[@]}}"; do builtin wait $each; done
    started=()
}}
"""


def sections(page: str) -> Iterator[tuple[str, str]]:
    """The title of each section with blocks of shell, and the lines of these."""
    for part in re.split(r"^##+ ", page, flags=re.M):
        found = "".join(re.findall(r"^```sh\n(.*?)^```", part, re.M | re.S))
        if found:
            yield part.partition("\n")[0].removeprefix("# "), found


TUTORIAL = (ROOT / "docs" / "tutorials" / "links.md").read_text()
SECTIONS = dict(sections(PAGE)) | {"tutorial": "".join(dict(sections(TUTORIAL)).values())}


class Radios:
    """Stand-ins for what a section needs.

    replaced : texts of the page, and what stands there instead
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._closers = folder, list[Callable[[], None]]()
        self.replaced: dict[str, str] = {}

    def _line(self, device: str) -> Line:
        line = Line()
        self.replaced[device] = line.path
        self._closers.append(line.close)
        return line

    def meshtastic(self) -> None:
        """A radio in the network, and one at a serial line."""
        air, line = MeshtasticAir(radios=1), self._line("/dev/ttyUSB0")
        node = MeshtasticNode(0xB2, air._carry)
        air.nodes.append(node)
        node.attach(line)
        line.start()
        self.replaced["meshtastic://127.0.0.1"] = f"meshtastic://127.0.0.1:{air.port}"

    def meshcore(self) -> None:
        """A radio in the network, and one at a serial line."""
        air, line = MeshCoreAir(radios=1), self._line("/dev/ttyUSB1")
        node = MeshCoreNode(air.key(4), air._carry)
        air.nodes.append(node)
        node.attach(line)
        line.start()
        self.replaced["meshcore://127.0.0.1"] = f"meshcore://127.0.0.1:{air.port}"

    def ax25(self) -> None:
        """Two TNCs."""
        self.replaced["127.0.0.1:8001"] = f"127.0.0.1:{lines.tnc_pair()}"

    def lxmf(self) -> None:
        """Two nodes of Reticulum, whose address is known when the first one listens."""
        near, far = loopback_reticulum.pair(self._folder)
        address = re.findall(r"lxmf:([0-9a-f]{32})", PAGE)[0]
        self.replaced["--via lxmf: "] = f"--via lxmf:?config={near} "
        self.replaced[f"--via lxmf:{address}"] = f"--via lxmf:$address?config={far}"

    def serial(self) -> None:
        """A wire between two serial lines."""
        ends: list[Wire] = [self._line(device) for device in ("/dev/ttyUSB0", "/dev/ttyUSB1")]
        for near, far in (ends, ends[::-1]):
            near.heard = far.write
        for end in ends:
            end.start()

    def close(self) -> None:
        """Close what does not end by itself."""
        for close in self._closers:
            close()


PACKAGES = {
    "meshtastic": ("meshtastic",),
    "meshcore": ("meshcore",),
    "ax25": ("ax25", "sliplib"),
    "lxmf": ("LXMF", "RNS"),
    "serial": ("serial", "sliplib"),
}
"""What the extras of the page install, by their names."""


@pytest.fixture
def radios(tmp_path: Path) -> Iterator[Radios]:
    radios = Radios(tmp_path)
    yield radios
    radios.close()


def commands(section: str) -> list[str]:
    """The lines of a section that are run."""
    found = []
    for line in SECTIONS[section].splitlines():
        reason = LEFT_OUT.get(line.partition(" ")[0])
        if reason is None:
            found.append(line)
        else:
            assert reason in line
    return found


def environment(folder: Path) -> dict[str, str]:
    """Where a shell finds ``xcodec``, which writes into this folder when it listens."""
    programs = folder / "bin"
    programs.mkdir()
    program = programs / "xcodec"
    program.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)))
    program.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def run(*command: str, folder: Path, told: Path) -> str:
    """Run a program in a folder with a photo; returns what it says."""
    folder.mkdir()
    from skimage import data

    photo = Image.fromarray(data.astronaut()).crop((170, 20, 290, 110)).resize(SIZE)
    photo.save(folder / "photo.png")
    before = (folder / "photo.png").read_bytes()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment(told),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 9)
    assert process.returncode == 0, said
    assert (folder / "photo.png").read_bytes() == before
    return said


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


@pytest.mark.parametrize("section", SECTIONS)
def test_the_commands_of_a_section(section: str, radios: Radios, tmp_path: Path) -> None:
    if not (ROOT / "models" / "photo.safetensors").exists():
        pytest.skip("the weights models/photo.safetensors are missing")
    for extra in re.findall(r"'\.\[(\w+)\]'", SECTIONS[section]):
        for package in PACKAGES[extra]:
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"{package} is not installed: pip install 'xcodec[{extra}]'")
        getattr(radios, extra)()
    told = tmp_path / "told"
    told.mkdir()
    script = "\n".join(commands(section))
    port = lines.free_udp_port()
    for text, instead in [*radios.replaced.items(), ("127.0.0.1:9000", f"127.0.0.1:{port}")]:
        script = script.replace(text, instead)
    script = re.sub(r"&(?=[ ]*(#.*)?$)", "& listening", script, flags=re.M)
    assert not re.search(r"/dev/ttyUSB|127\.0\.0\.1(?!:\d)", script)
    (tmp_path / "page.sh").write_text(SHELL.format(folder=told) + script)
    run("bash", str(tmp_path / "page.sh"), folder=tmp_path / "photos", told=told)
    made = [path for path in (tmp_path / "photos").rglob("*.png") if path.name != "photo.png"]
    assert bool(made) == ("xcodec receive" in script or "xcodec decode" in script)
    assert {size_of(path) for path in made} <= {SIZE}


def test_python(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    code = code.replace("127.0.0.1:9000", f"127.0.0.1:{lines.free_udp_port()}")
    told = tmp_path / "told"
    told.mkdir()
    run(sys.executable, "-c", code, folder=tmp_path / "photos", told=told)
    assert size_of(tmp_path / "photos" / "received.png") == SIZE


def test_every_extra_of_a_link_has_a_section() -> None:
    from xcodec.links.transports import SCHEMES

    extras = {scheme.extra for scheme in SCHEMES.values() if scheme.extra}
    assert extras == set(re.findall(r"'\.\[(\w+)\]'", PAGE)) == set(PACKAGES)


def table(title: str) -> list[list[str]]:
    """The cells of the table whose first column has this title, without its head."""
    start = PAGE.index(f"| {title} |")
    rows = PAGE[start : PAGE.index("\n\n", start)].splitlines()[2:]
    return [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows]


def test_the_table_of_links() -> None:
    from xcodec.links.profiles import PROFILES

    rows = table("link")
    assert [row[0] for row in rows] == list(PROFILES)
    for name, size, largest, packets, loss, armor, source in rows:
        profile = PROFILES[name]
        assert size == f"{profile.size:,}" + " characters" * (profile.armor is not None)
        assert largest == f"{profile.largest:,}"
        assert packets == ("a file" if profile.packets == 1 else str(profile.packets))
        assert loss == f"{profile.loss:.0%}".replace("%", " %")
        assert armor == (profile.armor or "")
        assert source


def test_times_on_air() -> None:
    from xcodec.links.airtime import LoRa
    from xcodec.links.profiles import PROFILES

    for name, settings, one, eight, sending in table("preset"):
        title, preset = name.split(", ")
        (profile,) = [each for each in PROFILES.values() if each.title == title]
        modem = profile.modems[preset]
        assert isinstance(modem, LoRa)
        assert settings == (
            f"{modem.spreading}, {modem.bandwidth / 1000:g} kHz, 4/{modem.coding_rate}"
        )
        seconds = modem.seconds(profile.size)
        assert one == f"{seconds:.2f} s"
        assert eight == f"{profile.packets * seconds:.1f} s"
        assert sending == f"{((profile.packets - 1) * profile.gap + 1) * seconds:.0f} s"
    ax25 = PROFILES["ax25"]
    found = [ax25.packets * modem.seconds(ax25.size) for modem in ax25.modems.values()]
    text = "Ten frames of 256 bytes take {:.1f} s at 1200 baud and {:.1f} s at 9600"
    assert text.format(*found) in " ".join(PAGE.split())

"""Pictures over links that lose packets."""

import random
import warnings
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from tests.golden import pictures
from xcodec.coding import packets
from xcodec.coding.ranges import PARAMETERS, Parameters, Range
from xcodec.decoder import reading
from xcodec.encoder.rates import Goal
from xcodec.encoder.request import Request
from xcodec.encoder.search import Search
from xcodec.errors import FormatError, InputError, LimitError, XcodecError
from xcodec.links import embedding, prefixes, receiving, sending
from xcodec.links.receiving import Collection
from xcodec.options import DecodeOptions
from xcodec.pictures.colour import from_ycocg
from xcodec.pictures.quality import decibels

CLASSICAL = {"decoder": "classical"}


@cache
def sets() -> tuple[tuple[bytes, ...], ...]:
    """Packets of small pictures; the first two have the same parameters but for the picture."""
    scenes = [pictures.scene(24, 32), pictures.scene(24, 32)[::-1], pictures.scene(60, 40)]
    shapes = [(60, 8), (60, 8), (44, 5)]
    return tuple(
        tuple(xcodec.encode_packets(np.ascontiguousarray(scene), *shape, loss=0.3, effort=0))
        for scene, shape in zip(scenes, shapes, strict=True)
    )


def error(one: NDArray[np.uint8], data: list[bytes]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = np.asarray(xcodec.decode_packets(data, **CLASSICAL))
    return float(np.square(one.astype(float) - other).mean())


def test_every_packet_makes_the_picture_better(small: NDArray[np.uint8]) -> None:
    data = xcodec.encode_packets(small, 100, 10, loss=0.3, effort=0)
    assert len(data) == 10
    assert {len(each) for each in data} == {100}
    errors = [error(small, data[-count:]) for count in range(1, 11)]
    best = np.minimum.accumulate(errors)
    assert (np.array(errors) <= 1.1 * best).all()
    assert errors[-1] < errors[0] / 4
    grey = np.square(small - 128.0).mean()
    assert errors[0] <= grey
    assert error(small, data[3:]) == error(small, [data[5], *data[:6]]) or len(data[3:]) != 6


def test_too_few_packets_give_grey_of_the_right_size(small: NDArray[np.uint8]) -> None:
    data = xcodec.encode_packets(small, 100, 10, loss=0.1, effort=0)
    least = packets.parse(data[0]).first.threshold
    assert least > 1
    collection = Collection()
    for each in data[1:least]:
        collection.add(each)
    known = collection.picture(DecodeOptions("generator"))  # Which is not looked for.
    assert np.array_equal(np.asarray(known.image), np.full_like(small, 128))
    assert known.needed == least
    collection.add(data[0])
    assert collection.grew()
    more = collection.picture(DecodeOptions("classical"))
    assert more.needed is None or more.needed > least
    assert np.asarray(more.image).std() > 0


def test_the_planner_knows_what_is_seen_without_parameters() -> None:
    """Mid-grey with less than the parameters, and the mean colour with them."""
    picture = discs(90)
    colour = embedding.colour_of(picture)
    luma, orange, green = map(float, prefixes.ycocg_of(colour))
    request = Request(0.05, density="uniform", effort=1, origin=(luma, orange, green), **CLASSICAL)
    found = Search(picture, Goal(max_bytes=500)).at(request)
    assert found is not None
    curve = embedding.embed(found.draft, found.symbols, found.step, 2).curve
    mean = from_ycocg(prefixes.ycocg_of(colour))
    for size, shown in ((0, 128.0), (PARAMETERS - 1, 128.0), (PARAMETERS, mean)):
        seen = decibels(np.square(picture - shown).mean())
        assert curve.at(np.array(float(size))) == pytest.approx(seen, abs=1e-3)


def discs(mean: int) -> NDArray[np.uint8]:
    """Discs on gradients, (96, 128, 3), of a contrast of 40 around a mean."""
    rng = np.random.default_rng(0)
    row, col = np.mgrid[:96, :128]
    wave = np.sin(col / 9) * np.cos(row / 13)
    planes = [col / 200 + row / 480, row / 140, 0.5 + 0.3 * wave]
    rgb = np.stack(planes, -1)
    for _ in range(10):
        y, x, radius = rng.integers(0, 96), rng.integers(0, 128), rng.integers(4, 24)
        rgb[(row - y) ** 2 + (col - x) ** 2 < radius**2] = rng.uniform(0, 1, 3)
    rgb = 40 * rgb / np.ptp(rgb)
    return np.clip(np.rint(rgb - rgb.mean() + mean), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("mean", [20, pytest.param(128, marks=pytest.mark.long), 235])
def test_protection_costs_no_more_than_the_floor_allows(mean: int) -> None:
    """Beside a plain file of as many bytes, where nothing is lost. The planner does not round and
    clip, which decoding does: 0.05 dB. Plain files have contexts of values, and packets have not,
    which is worth 2.0 dB on these simple pictures."""
    picture = discs(mean)
    plain = xcodec.encode(picture, max_bytes=900, effort=1, density="uniform", **CLASSICAL)
    least = np.square(np.asarray(xcodec.decode(plain, **CLASSICAL), float) - picture).mean()
    data = xcodec.encode_packets(picture, 128, max_bytes=900, loss=0.1, effort=1)
    size = max(map(len, data))
    share = 1 - (packets.overhead(128, 96, size) + PARAMETERS / len(data)) / size
    headers = sending.DECIBELS_PER_OCTAVE * np.log2(1 / share)
    allowed = max(sending.LARGEST_DROP, headers + sending.LEAST_PROTECTION_DROP)
    assert 10 * np.log10(error(picture, data) / least) <= allowed + 2.05


@pytest.mark.parametrize("mean", [20, 128, 235])
def test_the_search_measures_the_picture_that_packets_carry(mean: int) -> None:
    picture = discs(mean)
    colour = embedding.colour_of(picture)
    luma, orange, green = map(float, prefixes.ycocg_of(colour))
    request = Request(0.05, density="uniform", effort=1, origin=(luma, orange, green), **CLASSICAL)
    found = Search(picture, Goal(psnr=40)).at(request)
    assert found is not None
    choice = sending._protected(found, [1], [(12, 200)], 0.0, 0.0)
    data = sending._written(choice, colour, "photo", None)
    assert found.error == pytest.approx(error(picture, data), rel=1e-3)
    assert 40 <= decibels(found.error) < 40.5


def test_only_the_number_of_packets_counts(small: NDArray[np.uint8]) -> None:
    data = xcodec.encode_packets(small, 90, 8, loss=0.2, effort=0)
    for count in (1, 4, 8):
        one = xcodec.decode_packets(data[:count], **CLASSICAL)
        other = xcodec.decode_packets(data[::-1][:count], **CLASSICAL)
        assert one.tobytes() == other.tobytes()


def test_more_loss_planned_for_means_fewer_packets_needed(small: NDArray[np.uint8]) -> None:
    needed = [
        receiving.needed(xcodec.encode_packets(small, 90, 12, loss=loss, effort=0))
        for loss in (0.0, 0.2, 0.5)
    ]
    assert needed[0] == 12
    assert needed[0] > needed[1] > needed[2]


def test_bytes_are_a_limit_on_all_packets_together(small: NDArray[np.uint8]) -> None:
    for size in (300, 700):
        data = xcodec.encode_packets(small, 128, max_bytes=size, effort=0)
        assert sum(map(len, data)) <= size
        assert max(map(len, data)) <= 128
    data = xcodec.encode_packets(small, 128, 3, max_bytes=1000, effort=0)
    assert len(data) <= 3


@pytest.mark.parametrize(("size", "count"), [(40, 1), (40, 2), (4096, 1), (60, 255)])
def test_the_smallest_and_the_largest(small: NDArray[np.uint8], size: int, count: int) -> None:
    data = xcodec.encode_packets(small[:40, :50], size, count, effort=0)
    assert len(data) <= count
    assert max(map(len, data)) <= size
    assert xcodec.decode_packets(data[-1:], **CLASSICAL).size == (50, 40)
    assert error(small[:40, :50], data) < 900


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 50, 3), (7, 3, 3)])
def test_tiny_pictures(shape: tuple[int, ...]) -> None:
    picture = (pictures.noise(int(np.prod(shape))) % 256).astype(np.uint8).reshape(shape)
    data = xcodec.encode_packets(picture, 50, 4, effort=0)
    for count in range(1, 5):
        assert xcodec.decode_packets(data[:count], **CLASSICAL).size == shape[1::-1]


@pytest.mark.parametrize(
    "options",
    [
        {"packet_size": 39, "packets": 3},
        {"packet_size": 4097, "packets": 3},
        {"packet_size": 200, "packets": 0},
        {"packet_size": 200, "packets": 256},
        {"packet_size": 200},
        {"packet_size": 200, "max_bytes": 39},
        {"packet_size": 200, "packets": 3, "loss": 0.95},
        {"packet_size": 200, "packets": 3, "loss": -0.1},
        {"packet_size": 200, "packets": 3, "model": "nobody"},
        {"packet_size": 200, "packets": 3, "effort": 10},
    ],
)
def test_impossible_wishes_are_errors(small: NDArray[np.uint8], options: dict[str, float]) -> None:
    with pytest.raises(InputError):
        xcodec.encode_packets(small, **options)  # type: ignore[arg-type]


def test_a_picture_beyond_the_sides_of_the_format_is_an_error() -> None:
    with pytest.raises(InputError, match="4096"):
        xcodec.encode_packets(np.zeros((2, 4097, 3), np.uint8), 100, 3)


def test_limits_hold() -> None:
    with pytest.raises(LimitError):
        xcodec.decode_packets(sets()[0], max_pixels=700, **CLASSICAL)


def test_a_packet_that_asks_for_too_many_samples_is_refused() -> None:
    fields = Parameters(0, 100, 4864, 1, 0)
    (data,) = packets.write((4096, 2048), fields, [Range(1, 30)], b"", 1)
    with pytest.raises(LimitError):
        xcodec.decode_packets([data], **CLASSICAL)


def test_what_was_left_out_is_said() -> None:
    one, other, _ = sets()
    damaged = one[3][:20] + b"?" + one[3][21:]
    with pytest.warns(UserWarning, match="1 damaged, 2 of other pictures"):
        xcodec.decode_packets([*one[:3], damaged, *other[:2]], **CLASSICAL)
    with pytest.raises(FormatError, match="checksum"):
        xcodec.decode_packets([damaged])
    with pytest.raises(FormatError, match="no packet"):
        xcodec.decode_packets([])


def shuffled_set(rng: random.Random) -> tuple[list[bytes], list[set[int]]]:
    """Packets as a bad link gives them, and the indices of each picture's whole ones."""
    received: list[bytes] = []
    whole: list[set[int]] = []
    for data in sets():
        share = rng.choice([0.0, 0.0, 0.3, 0.7, 1.0])
        indices = [index for index in range(len(data)) if rng.random() < share]
        indices += rng.choices(indices, k=rng.randint(0, 3)) if indices else []
        whole.append(set())
        for index in indices:
            packet = bytearray(data[index])
            kind = rng.random()
            if kind < 0.1:
                for _ in range(rng.choice([1, 1, 2, 30])):
                    packet[rng.randrange(len(packet))] ^= 1 << rng.randrange(8)
            elif kind < 0.15:
                packet = packet[: rng.randrange(len(packet))]
            elif kind < 0.2:
                packet += rng.randbytes(rng.randint(1, 9))
            if bytes(packet) == data[index]:
                whole[-1].add(index)
            if bytes(packet) == data[index] or not packets.sound(bytes(packet)):
                received.append(bytes(packet))  # A short checksum misses 1 in 65,536.
    rng.shuffle(received)
    return received, whole


def check_random_sets(count: int, seed: int) -> None:
    """Random sets decode to just what their undamaged packets say, or fail with one clear error."""
    rng = random.Random(seed)
    for turn in range(count):
        received, whole = shuffled_set(rng)
        collection = Collection()
        for packet in received:
            collection.add(packet)
        most = max(map(len, whole))
        if not most:
            with pytest.raises(XcodecError):
                collection.restored()
            continue
        restored = collection.restored()
        expected = [
            packets.restored((packets.parse(sets()[place][i]) for i in indices), reading.LIMITS)
            for place, indices in enumerate(whole)
            if len(indices) == most
        ]
        assert restored in expected
        if turn % 20 == 0:
            picture = collection.picture(DecodeOptions("classical"))
            assert picture.packets == most
            assert picture.image.width in (32, 40)


def test_random_sets_of_packets() -> None:
    check_random_sets(2_000, seed=1)


@pytest.mark.long
def test_many_random_sets_of_packets() -> None:
    check_random_sets(18_000, seed=2)

"""Send a picture over UDP to this machine, over a simulated link that loses and reorders packets.

    python examples/loopback.py photo.png received.png --loss 0.3

The receiver decodes the picture again with every packet that improves it, and prints the PSNR.
"""

import argparse
import random
import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
from PIL import Image

import xcodec
from xcodec.coding.packets import MAX_SIZE
from xcodec.pictures.quality import decibels

END = b""
"""An empty datagram marks the end here; on a real link, packets would simply stop arriving."""


def send(packets: list[bytes], port: int, loss: float, pause: float, seed: int) -> None:
    """Send packets as a bad link would deliver them: some are lost, and the order is random."""
    rng = random.Random(seed)
    kept = [packet for packet in packets if rng.random() >= loss] or packets[:1]
    rng.shuffle(kept)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        for packet in kept:
            link.sendto(packet, ("127.0.0.1", port))
            time.sleep(pause)
        link.sendto(END, ("127.0.0.1", port))


def arriving(link: socket.socket) -> Iterator[bytes]:
    """Yield datagrams up to END."""
    while (data := link.recv(MAX_SIZE)) != END:
        yield data


def main() -> None:
    parser = argparse.ArgumentParser(description="Send a picture over a link that loses packets.")
    parser.add_argument("source")
    parser.add_argument("output")
    parser.add_argument("--packet-size", type=int, default=200)
    parser.add_argument("--packets", type=int, default=12)
    parser.add_argument("--loss", type=float, default=0.3)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between packets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--decoder", default="generator")
    options = parser.parse_args()

    with Image.open(options.source) as image:
        original = image.convert("RGB")
    packets = xcodec.encode_packets(
        original, options.packet_size, options.packets, loss=options.loss
    )
    print(f"{len(packets)} packets, {sum(map(len, packets))} bytes")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        link.settimeout(30)
        port = link.getsockname()[1]
        arguments = packets, port, options.loss, options.pause, options.seed
        sender = threading.Thread(target=send, args=arguments)
        sender.start()
        for received in xcodec.receive(arriving(link), decoder=options.decoder, original_size=True):
            # For few bytes it was scaled down; the first packets may not say from which size.
            image = received.image.resize(original.size)
            image.save(options.output)
            error = np.mean(np.square(np.asarray(original, float) - np.asarray(image)))
            print(f"{received.text()}: {decibels(error):.2f} dB")
        sender.join()


if __name__ == "__main__":
    main()

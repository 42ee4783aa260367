"""The names that options take, and suffixes of files. Nothing is imported here, so that the command
line starts at once.
"""

DECODERS = ("generator", "classical")
"""What reconstructs the pixels between samples: a trained network, or interpolation alone."""
DENSITIES = ("sobel", "canny", "uniform")
"""Where samples are dense: along edges, by one of two detectors, or everywhere alike."""
MASKS = ("blue", "random")
"""How samples are spread within a density: evenly (blue noise), or at random by a seed."""
TONES = ("least-squares", "mean", "point")
"""What a sample's value is: fitted through the fill, a local mean, or the pixel itself."""
DEVICES = ("auto", "cpu", "cuda", "mps")
"""Where the generator runs."""
DOWNSAMPLES = (1, 2, 4, 8, 16, 32, 64)
"""How many times smaller a picture can be decoded."""
LINKS = (
    *("meshtastic", "meshcore", "meshcore-sar", "ax25", "lxmf"),
    *("sbd", "sms", "js8", "serial", "udp"),
)
"""Links that have a profile: ``links.profiles``."""
DEFAULT_EFFORT, MAX_EFFORT = 4, 9
"""Levels of effort lie in 0..MAX_EFFORT: ``encoder.effort`` says what each does."""
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".ppm")
"""Suffixes of the pictures that training and benchmarks read in folders."""
CODED, PACKET = ".xgc", ".xgp"
"""Suffixes of files and of packets."""
JOURNAL = "sent.json"
"""Name of the file beside packets that lists which of them went out: ``links.outbox``."""
ARMORS = ("base64", "ascii85", "base32")
"""Encodings of packets as lines of text: ``links.armor``."""
TASKS = ("points", "color-noise", "white-block", "color-block")
"""Kinds of damage: ``restoration.damage`` describes them."""
DISTRIBUTIONS = ("random", "sobel", "codec")
"""Distributions of the points of the task points: ``restoration.damage.points``."""
LOSSES = ("pixel", "adversarial", "matching", "perceptual", "point")
"""Losses of training that have a weight: ``training.groups.LossSettings``."""
AGGREGATES, POINT_NORMS = ("max", "mean"), ("l2", "l1", "none")
"""Forms of the adversarial and of the point loss."""

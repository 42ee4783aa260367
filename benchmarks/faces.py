"""The best picture within a number of bytes: xcodec beside scaled-down peers, on small pictures.

    python benchmarks/faces.py DIR --bytes 345 --label faces -o RESULT.json

Every picture is encoded to fit each budget. Each peer is tried at seven scales over its
qualities; per picture the best file within the budget counts, for PSNR and for LPIPS each by
itself.
"""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

import xcodec
from xcodec import evaluation, images
from xcodec.evaluation import mean, metrics, number, peers

DECODERS = {"classical": "xcodec, classical fill", "generator": "xcodec, generator"}

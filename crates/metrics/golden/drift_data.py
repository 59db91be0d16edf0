"""How the golden values of drift are written down. Imported by the scripts beside it, before NumPy."""

import json
import math
import os
import struct
from pathlib import Path

# NumPy's power has other last bits on a processor with AVX-512, and one of them may decide on a bin.
os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4 AVX512_ICL AVX512_SPR"

import numpy as np


def bits(value):
    """A float as its 64 bits, in hex: no reader rounds it."""
    return struct.pack(">d", float(value)).hex()


def hexed(values):
    return [bits(value) for value in values]


def number(value):
    """A float that JSON can hold."""
    value = float(value)
    return value if math.isfinite(value) else str(value)


def numbers(values):
    return [number(value) for value in values]


def walk(count, multiplier, modulus):
    """Numbers from 0 to 1 that any language makes alike: the multiples of `multiplier`, modulo `modulus`, over it."""
    return (np.arange(count, dtype=np.int64) * multiplier % modulus) / modulus


def write(script, packages, cases):
    """Writes `<script>.json`, with the versions of the packages that computed it."""
    versions = {package.__name__: package.__version__ for package in packages}
    text = json.dumps({"versions": versions, **cases}, separators=(",", ":"), sort_keys=True, allow_nan=False)
    Path(script).with_suffix(".json").write_text(text.replace('},{', '},\n{') + "\n")

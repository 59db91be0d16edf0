"""Labelled baselines and streams with a change after row 2000, written and read. Not which tool looks at them.

A fixed logistic model of eight independent standard normal features gives the probability of class 1 and predicts it
from 0.5 on. Labels of the baseline and of a stream's first rows are drawn from that very probability. Every stream
has a baseline of its own. What comes after the change is drawn from the same random numbers for every kind but
`label`, which needs more.

Files are `FOLDER/SEED/{baseline,before,KIND}.f64`: rows of eight features, the probability and the label, as 64-bit
floats, little-endian.

Run: `target/evidently-venv/bin/python bench/monitoring/streams.py FOLDER N_STREAMS`.
"""

import sys
from pathlib import Path

import numpy as np

N_FEATURES = 8
N_COLUMNS = N_FEATURES + 2
N_BASELINE, N_BEFORE, N_AFTER = 5_000, 2_000, 8_000
WINDOW = 500
KINDS = ["none", "covariate-0.25", "covariate-0.75", "label", "concept"]

WEIGHTS = np.array([1.5, -1.0, 0.8, 0.6, 0.4, 0.2, 0.0, 0.0])
CONCEPT_WEIGHTS = np.array([0.0, *WEIGHTS[1:]])
INTERCEPT = -1.0
LABEL_PRIOR = 0.5


def probability(features, weights):
    return 1 / (1 + np.exp(-(features @ weights + INTERCEPT)))


def rows(features, uniforms, weights=WEIGHTS):
    """Rows whose probability is the model's, whose label is drawn from what `weights` make of the features."""
    labels = uniforms < probability(features, weights)
    return np.column_stack([features, probability(features, WEIGHTS), labels])


def drawn(random, n):
    return random.standard_normal((n, N_FEATURES)), random.random(n)


def with_prior(random, n, prior):
    """Rows of which a share `prior` is of class 1, and in which a class looks as it did."""
    pool = rows(*drawn(random, 4 * n))
    wanted = random.random(n) < prior
    found = np.empty((n, N_COLUMNS))
    for label in [False, True]:
        found[wanted == label] = pool[pool[:, -1] == label][: np.count_nonzero(wanted == label)]
    return found


def after(kind, features, uniforms, random):
    if kind.startswith("covariate-"):
        features = features.copy()
        features[:, 0] += float(kind.removeprefix("covariate-"))
    if kind == "label":
        return with_prior(random, len(features), LABEL_PRIOR)
    return rows(features, uniforms, CONCEPT_WEIGHTS if kind == "concept" else WEIGHTS)


def write(folder, seed):
    random = np.random.default_rng(seed)
    folder = folder / str(seed)
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"baseline": rows(*drawn(random, N_BASELINE)), "before": rows(*drawn(random, N_BEFORE))}
    features, uniforms = drawn(random, N_AFTER)
    parts |= {kind: after(kind, features, uniforms, random) for kind in KINDS}
    for name, part in parts.items():
        part.astype("<f8").tofile(folder / f"{name}.f64")


def read(folder, seed, part):
    return np.fromfile(folder / str(seed) / f"{part}.f64", "<f8").reshape(-1, N_COLUMNS)


def error_rates(folder, n_streams):
    """The share of wrong predictions after each kind of change, over all streams."""
    for kind in KINDS:
        after_change = np.concatenate([read(folder, seed, kind) for seed in range(1, n_streams + 1)])
        wrong = (after_change[:, -2] >= 0.5) != (after_change[:, -1] == 1)
        yield kind, wrong.mean(), after_change[:, -1].mean()


def main():
    folder, n_streams = Path(sys.argv[1]), int(sys.argv[2])
    for seed in range(1, n_streams + 1):
        write(folder, seed)
    for kind, error_rate, prior in error_rates(folder, n_streams):
        print(f"{kind}: error rate {error_rate:.3f}, class 1 {prior:.3f}", file=sys.stderr)


if __name__ == "__main__":
    main()

"""Writes `performance.json`: inputs, and what scikit-learn, SciPy and statsmodels make of them.

Nothing here runs Plinth. Numbers that are read exactly are whole multiples of a power of two and stored as the multiple, for a reader
of JSON may miss the last bit of a decimal. Standard errors that no library has are computed by the plainest definition there is:
derivatives by the complex step, placements of pairs one by one, resampling. `check_coverage` fails unless the intervals hold the true
value about as often as they say.

Run: `python crates/metrics/golden/performance.py` with `requirements-performance.txt` installed.
"""

import json
import math
import statistics
import sys
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

# This folder holds scripts named after the tools that they ask.
sys.path.pop(0)

import numpy as np  # noqa: E402
from scipy import special, stats  # noqa: E402
from sklearn import calibration, metrics  # noqa: E402
from statsmodels.stats.inter_rater import cohens_kappa  # noqa: E402
from statsmodels.stats.proportion import proportion_confint  # noqa: E402
from statsmodels.stats.weightstats import DescrStatsW  # noqa: E402

PACKAGES = ["numpy", "scikit-learn", "scipy", "statsmodels"]
SCORE_BITS = 20
VALUE_BITS = 10
BETAS = [0.5, 1.0, 2.0]
BOOTSTRAPS = 4000
SEED = 20261127
STEP = 1e-200


def main():
    rng = np.random.default_rng(SEED)
    golden = {
        "packages": {package: version(package) for package in PACKAGES},
        "proportions": proportions(),
        "quantiles": quantiles(),
        "means": means(rng),
        "classification": [confusion_case(rng, *case) for case in confusion_matrices()],
        "coverage": check_coverage(rng),
        "binary": binary_probabilities(rng),
        "multiclass": [multiclass_probabilities(rng, n_classes) for n_classes in (2, 3, 5)],
        "reliability": reliability(rng),
        "rankings": rankings(rng),
        "histograms": histograms(rng),
        "counts": counted_histograms(),
        "one_vs_rest": one_vs_rest(rng),
        "regression": regressions(rng),
        "pinball": pinball(rng),
    }
    path = Path(__file__).resolve().parent / "performance.json"
    path.write_text(json.dumps(plain(golden), allow_nan=False, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes; coverage {plain(golden['coverage'])}")


def plain(value):
    """What JSON can hold: no NumPy, and null for NaN."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value


def scaled(values, bits):
    """The nearest multiples of a power of two, as whole numbers and as what they stand for."""
    whole = np.rint(np.asarray(values) * 2**bits).astype(np.int64)
    return whole, whole / 2**bits


# Intervals


def proportions():
    counts = [(0, 1), (1, 1), (0, 10), (10, 10), (3, 10), (1, 29), (50, 100), (999, 1000), (5_000, 10_000)]
    counts += [(90_000, 100_000), (17, 1_000_000), (500_000, 1_000_000), (999_999, 1_000_000)]
    counts += [(1, 10**9), (5 * 10**8, 10**9), (10**9 - 3, 10**9), (10**5, 2 * 10**8), (2, 9 * 10**7), (10**6, 10**9)]
    counts += [(99_000, 10**7), (101_000, 220_000), (5, 10**12), (10**12 - 70_000, 10**12)]
    cases = []
    for n_successes, n in counts:
        for level in (0.8, 0.95, 0.99):
            interval = {
                method: proportion_confint(n_successes, n, alpha=1 - level, method=name)
                for method, name in (("wilson", "wilson"), ("clopper_pearson", "beta"))
            }
            cases.append({"n_successes": n_successes, "n": n, "level": level, **interval})
    return cases


def quantiles():
    return [{"level": level, "z": stats.norm.isf((1 - level) / 2)} for level in (0.5, 0.8, 0.9, 0.95, 0.99, 0.999999)]


def means(rng):
    cases = []
    for mean, spread, n in ((0.0, 1.0, 40), (3.0, 0.5, 2), (1e8, 1.0, 50), (-1e11, 0.25, 30)):
        whole, values = scaled(rng.normal(mean, spread, n), VALUE_BITS)
        exact = [Fraction(int(number), 2**VALUE_BITS) for number in whole]
        variance = float(statistics.variance(exact))
        cases.append(
            {
                "values": whole,
                "mean": float(statistics.mean(exact)),
                "variance": variance,
                "standard_error": math.sqrt(variance / n),
                "interval": DescrStatsW(values).zconfint_mean(alpha=0.05) if abs(mean) < 10 else None,
            }
        )
    return cases


# Predicted classes


def confusion_matrices():
    """Rows are true classes. The second number is how many resamples to draw."""
    return [
        ([[50, 10], [5, 35]], BOOTSTRAPS),
        ([[900, 100], [40, 60]], BOOTSTRAPS),
        ([[120, 15, 8, 2], [20, 210, 30, 5], [4, 25, 160, 11], [9, 3, 14, 44]], BOOTSTRAPS),
        ([[30, 2, 0, 1], [4, 25, 0, 3], [0, 0, 0, 0], [2, 1, 0, 20]], 0),
        ([[30, 2, 0], [4, 25, 0], [3, 2, 0]], 0),
        ([[30, 2, 1], [0, 0, 0], [4, 2, 20]], 0),
        ([[5, 0], [0, 7]], 0),
        ([[5, 3], [0, 0]], 0),
        ([[5, 0], [0, 0]], 0),
        ([[0, 4], [6, 0]], 0),
        ([[3_000_000, 12], [7, 2_000_000]], 0),
        ([[7]], 0),
    ]


def confusion_case(rng, matrix, n_bootstraps):
    matrix = np.array(matrix)
    n_classes, n = len(matrix), matrix.sum()
    truth, predicted = np.divmod(np.arange(n_classes**2), n_classes)
    weights, labels = matrix.ravel(), list(range(n_classes))
    drawn = {"sample_weight": weights}
    shares = weights / n
    standard_errors = {name: standard_error(function, shares, n) for name, function in functions(n_classes).items()}
    expected = {
        "accuracy": metrics.accuracy_score(truth, predicted, **drawn),
        "matthews": matthews_of(truth, predicted, weights),
        "kappa": metrics.cohen_kappa_score(truth, predicted, labels=labels, **drawn),
        "balanced": balanced_of(truth, predicted, weights),
        "classes": class_metrics(truth, predicted, weights, labels, None),
        "averages": {
            average: class_metrics(truth, predicted, weights, labels, average)
            for average in ("macro", "weighted", "micro")
        },
    }
    case = {"counts": matrix, "expected": expected, "standard_errors": standard_errors}
    if n_bootstraps:
        case["kappa_standard_error"] = cohens_kappa(matrix).std_kappa
        case["bootstrap"] = bootstrap_matrix(rng, shares, n, n_classes, n_bootstraps)
    return case


def matthews_of(truth, predicted, weights):
    seen = weights > 0
    return metrics.matthews_corrcoef(truth[seen], predicted[seen], sample_weight=weights[seen])


def balanced_of(truth, predicted, weights):
    seen = weights > 0
    return metrics.balanced_accuracy_score(truth[seen], predicted[seen], sample_weight=weights[seen])


def class_metrics(truth, predicted, weights, labels, average):
    options = {"labels": labels, "average": average, "zero_division": 0, "sample_weight": weights}
    found = {
        "precision": metrics.precision_score(truth, predicted, **options),
        "recall": metrics.recall_score(truth, predicted, **options),
        "f_beta": [metrics.fbeta_score(truth, predicted, beta=beta, **options) for beta in BETAS],
        "specificity": specificity(truth, predicted, weights, labels, average),
    }
    return found


def specificity(truth, predicted, weights, labels, average):
    parts = metrics.multilabel_confusion_matrix(truth, predicted, labels=labels, sample_weight=weights)
    negatives, false_positives = parts[:, 0, 0], parts[:, 0, 1]
    if average == "micro":
        negatives, false_positives = negatives.sum(keepdims=True), false_positives.sum(keepdims=True)
    both = negatives + false_positives
    shares = np.divide(negatives, both, out=np.zeros(len(both)), where=both > 0)
    if average == "weighted":
        return np.average(shares, weights=parts[:, 1].sum(axis=1))
    return shares if average is None else shares.mean()


def functions(n_classes):
    """Metrics as plain functions of the cells' shares that take complex numbers too."""

    def parts(cells):
        matrix = cells.reshape(n_classes, n_classes)
        return matrix.sum(), np.diagonal(matrix), matrix.sum(axis=1), matrix.sum(axis=0)

    def f_beta(beta):
        def of(cells):
            _, both, truth, predicted = parts(cells)
            return (1 + beta**2) * both / (beta**2 * truth + predicted)

        return of

    def precision(cells):
        _, both, _, predicted = parts(cells)
        return both / predicted

    def recall(cells):
        _, both, truth, _ = parts(cells)
        return both / truth

    def specific(cells):
        total, both, truth, predicted = parts(cells)
        return (total - truth - predicted + both) / (total - truth)

    def matthews(cells):
        total, both, truth, predicted = parts(cells)
        spread = (total**2 - (truth**2).sum()) * (total**2 - (predicted**2).sum())
        return (both.sum() * total - (truth * predicted).sum()) / np.sqrt(spread)

    def kappa(cells):
        total, both, truth, predicted = parts(cells)
        by_chance = (truth * predicted).sum() / total**2
        return (both.sum() / total - by_chance) / (1 - by_chance)

    def macro(of):
        return lambda cells: of(cells).mean()

    def weighted(of):
        def mean(cells):
            total, _, truth, _ = parts(cells)
            return (truth * of(cells)).sum() / total

        return mean

    of_class = {"precision": precision, "recall": recall, "specificity": specific}
    of_class |= {f"f_{beta:g}": f_beta(beta) for beta in BETAS}
    found = {"matthews": matthews, "kappa": kappa}
    found |= {f"macro_{name}": macro(of) for name, of in of_class.items()}
    found |= {f"weighted_{name}": weighted(of) for name, of in of_class.items()}
    for class_idx in range(n_classes):
        one = f_beta(1.0)
        found[f"f_1_of_{class_idx}"] = lambda cells, one=one, class_idx=class_idx: one(cells)[class_idx]
    return found


def standard_error(function, shares, n):
    """By the delta method with derivatives by the complex step; none if the metric or a part of it is undefined."""
    gradient = np.empty(len(shares))
    with np.errstate(all="ignore"):
        for cell in range(len(shares)):
            moved = shares.astype(complex)
            moved[cell] += STEP * 1j
            gradient[cell] = np.imag(function(moved)) / STEP
    mean = (shares * gradient).sum()
    return math.sqrt(max((shares * (gradient - mean) ** 2).sum() / n, 0.0)) if math.isfinite(mean) else None


def bootstrap_matrix(rng, shares, n, n_classes, n_bootstraps):
    resamples = rng.multinomial(n, shares, size=n_bootstraps) / n
    return {
        name: np.quantile([function(resample) for resample in resamples], [0.025, 0.975])
        for name, function in functions(n_classes).items()
    }


def check_coverage(rng):
    """How often intervals at 95 % hold the true value: of metrics of a confusion matrix, R² and the two areas."""
    shares = np.array([[0.25, 0.05, 0.02], [0.04, 0.2, 0.06], [0.03, 0.05, 0.3]]).ravel()
    names = ["matthews", "kappa", "macro_f_1", "macro_recall", "weighted_precision", "f_1_of_1"]
    held = dict.fromkeys(names, 0)
    n_trials, n, z = 2000, 500, stats.norm.isf(0.025)
    for cells in rng.multinomial(n, shares, size=n_trials) / n:
        for name in names:
            function = functions(3)[name]
            half_width = z * standard_error(function, cells, n)
            held[name] += abs(function(cells) - function(shares)) <= half_width
    true_auc = stats.norm.cdf(1 / math.sqrt(2))
    held |= {"roc_auc": 0, "average_precision": 0, "r_squared": 0}
    true_precision = metrics.average_precision_score(*normal_scores(rng, 1_000_000))
    for _ in range(n_trials):
        labels, scores = normal_scores(rng, 400)
        area = metrics.roc_auc_score(labels, scores)
        held["roc_auc"] += abs(area - true_auc) <= z * delong(labels, scores)
        lower, upper = boyd(metrics.average_precision_score(labels, scores), labels.sum())
        held["average_precision"] += lower <= true_precision <= upper
        truth = rng.normal(size=400)
        error = rng.normal(0, 0.7, size=400)
        r_squared, spread = r_squared_and_error(truth, error)
        held["r_squared"] += abs(r_squared - (1 - 0.49)) <= z * spread
    coverage = {name: count / n_trials for name, count in held.items()}
    for name, share in coverage.items():
        least = 0.90 if name == "average_precision" else 0.93
        assert least <= share <= 0.975, (name, share)
    return coverage


# Predicted probabilities


def mean_case(losses, value):
    return {"value": value, "standard_error": np.std(losses, ddof=1) / math.sqrt(len(losses))}


def binary_probabilities(rng):
    whole, probabilities = scaled(rng.beta(0.6, 0.9, 300), SCORE_BITS)
    whole[:4] = [0, 0, 2**SCORE_BITS, 2**SCORE_BITS]
    probabilities = whole / 2**SCORE_BITS
    truth = (rng.uniform(size=300) < probabilities).astype(int)
    truth[:4] = [0, 1, 0, 1]
    clipped = np.clip(np.stack([1 - probabilities, probabilities]), 2**-52, 1 - 2**-52)
    return {
        "probabilities": whole,
        "truth": truth,
        "log_loss": mean_case(-np.log(clipped[truth, range(300)]), metrics.log_loss(truth, probabilities)),
        "brier": mean_case((probabilities - truth) ** 2, metrics.brier_score_loss(truth, probabilities)),
    }


def multiclass_rows(rng, n, n_classes, sharpness):
    logits = rng.normal(0, sharpness, (n, n_classes))
    rows = special.softmax(logits, axis=1)
    truth = np.array([rng.choice(n_classes, p=row) for row in rows])
    whole, rows = scaled(rows, SCORE_BITS)
    return whole, rows, truth


def multiclass_probabilities(rng, n_classes):
    whole, rows, truth = multiclass_rows(rng, 120, n_classes, 2.0)
    labels = list(range(n_classes))
    scale = 0.5 if n_classes == 2 else 1.0
    squares = scale * ((np.eye(n_classes)[truth] - rows) ** 2).sum(axis=1)
    losses = -np.log(np.clip(rows[range(len(rows)), truth], 2**-52, 1 - 2**-52))
    return {
        "n_classes": n_classes,
        "rows": whole.ravel(),
        "truth": truth,
        "log_loss": mean_case(losses, metrics.log_loss(truth, rows, labels=labels)),
        "brier": mean_case(squares, metrics.brier_score_loss(truth, rows, labels=labels)),
    }


def reliability(rng):
    cases = []
    for n_bins in (1, 5, 10, 15, 16):
        whole, probabilities = scaled(rng.beta(2, 1, 250), SCORE_BITS)
        edges = np.rint(np.linspace(0, 1, n_bins + 1) * 2**SCORE_BITS).astype(np.int64)
        whole = np.concatenate([whole, edges, edges])
        probabilities = whole / 2**SCORE_BITS
        truth = rng.uniform(size=len(whole)) < probabilities**1.5
        shares, mean_probabilities = calibration.calibration_curve(truth, probabilities, n_bins=n_bins)
        places = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], probabilities)
        counts = np.bincount(places, minlength=n_bins)
        filled = counts[counts > 0]
        gaps = abs(shares - mean_probabilities)
        cases.append(
            {
                "n_bins": n_bins,
                "probabilities": whole,
                "truth": truth,
                "counts": counts,
                "shares": shares,
                "intervals": [proportion_confint(round(s * n), n, method="wilson") for s, n in zip(shares, filled)],
                "mean_probabilities": mean_probabilities,
                "expected_error": np.average(gaps, weights=filled),
                "maximum_error": gaps.max(),
            }
        )
    return cases


# The order of scores


def normal_scores(rng, n):
    labels = (rng.uniform(size=n) < 0.3).astype(int)
    return labels, rng.normal(size=n) + labels


def comparisons(labels, scores):
    """For each pair of a positive and a negative row whether they are in order, ties by half."""
    positives, negatives = scores[labels == 1, None], scores[labels == 0][None, :]
    return (positives > negatives) + 0.5 * (positives == negatives)


def delong(labels, scores):
    """By the definition, pair by pair; not a number if there is one row of a label."""
    pairs = comparisons(labels, scores)
    n_positive, n_negative = pairs.shape
    if min(n_positive, n_negative) < 2:
        return math.nan
    of_positives, of_negatives = pairs.mean(axis=1), pairs.mean(axis=0)
    return math.sqrt(of_positives.var(ddof=1) / n_positive + of_negatives.var(ddof=1) / n_negative)


def boyd(precision, n_positive):
    half_width = stats.norm.isf(0.025) / math.sqrt(n_positive * precision * (1 - precision))
    return special.expit(special.logit(precision) + np.array([-half_width, half_width]))


def ranking_case(labels, whole, scores):
    precision = metrics.average_precision_score(labels, scores)
    return {
        "scores": whole,
        "labels": labels,
        "roc_auc": metrics.roc_auc_score(labels, scores),
        "standard_error": delong(labels, scores),
        "average_precision": precision,
        "average_precision_interval": boyd(precision, labels.sum()) if precision < 1 - 1e-12 else None,
    }


def rankings(rng):
    labels, scores = normal_scores(rng, 400)
    tied = np.floor(scores * 2) / 8
    ordered = np.arange(12) / 16
    some = labels[:12] * 0
    some[7] = 1
    cases = [(labels, scores), (labels, tied), (np.array([0] * 5 + [1] * 7), ordered), (some, ordered[::-1])]
    cases += [(np.array([0, 1, 0, 1, 1]), np.full(5, 0.5)), (np.array([1, 0]), np.array([0.25, 0.75]))]
    return [ranking_case(labels, *scaled(scores, SCORE_BITS)) for labels, scores in cases]


def with_bounds(labels, bins):
    """The two areas of rows that are known to their bin, and the least and greatest that the order in the bins allows."""
    count = len(bins) + 1
    place = np.arange(len(bins)) / count
    negatives_first = bins + np.where(labels == 1, 0.4 * place, 0.9)
    positives_first = bins + np.where(labels == 1, 0.9, 0.4 * place)
    area, precision = metrics.roc_auc_score, metrics.average_precision_score
    return {
        "roc_auc": area(labels, bins),
        "standard_error": delong(labels, bins),
        "roc_auc_bounds": [area(labels, negatives_first), area(labels, positives_first)],
        "average_precision": precision(labels, bins),
        "average_precision_bounds": [precision(labels, negatives_first), precision(labels, positives_first)],
    }


def histograms(rng):
    cases = []
    for n_bins, shift in ((1, 0.0), (10, 0.0), (16, 0.4), (50, 0.0)):
        labels = (rng.uniform(size=300) < 0.4).astype(int)
        whole, scores = scaled(rng.beta(2 + labels, 3) - shift, SCORE_BITS)
        bins = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], scores) + 1
        bins = np.where(scores < 0, 0, np.where(scores > 1, n_bins + 1, bins))
        counts = [np.bincount(bins[labels == label], minlength=n_bins + 2) for label in (1, 0)]
        case = {"n_bins": n_bins, "scores": whole, "labels": labels, "positives": counts[0], "negatives": counts[1]}
        exact = {"exact_roc_auc": metrics.roc_auc_score(labels, scores)}
        exact["exact_average_precision"] = metrics.average_precision_score(labels, scores)
        cases.append(case | exact | with_bounds(labels, bins.astype(float)))
    return cases


def counted_histograms():
    cases = []
    for positives, negatives in (([0, 1500, 2500, 700, 0], [0, 4000, 2100, 30, 0]), ([5, 0, 0, 9], [2, 8, 0, 0])):
        places = np.arange(len(positives), dtype=float)
        bins = np.concatenate([np.repeat(places, positives), np.repeat(places, negatives)])
        labels = np.repeat([1, 0], [sum(positives), sum(negatives)])
        cases.append({"positives": positives, "negatives": negatives} | with_bounds(labels, bins))
    return cases


def one_vs_rest(rng):
    n, n_classes = 400, 4
    whole, rows, truth = multiclass_rows(rng, n, n_classes, 1.2)
    classes = np.eye(n_classes, dtype=int)[truth]
    areas = [metrics.roc_auc_score(classes[:, k], rows[:, k]) for k in range(n_classes)]
    case = {"n_classes": n_classes, "rows": whole.ravel(), "truth": truth}
    resamples = [rng.integers(0, n, n) for _ in range(1000)]
    for average in ("macro", "weighted"):
        weights = np.full(n_classes, 1 / n_classes) if average == "macro" else classes.mean(axis=0)
        influence = np.zeros(n)
        for k in range(n_classes):
            pairs = comparisons(classes[:, k], rows[:, k])
            is_class = classes[:, k] == 1
            influence[is_class] += weights[k] * (pairs.mean(axis=1) - areas[k]) / is_class.mean()
            influence[~is_class] += weights[k] * (pairs.mean(axis=0) - areas[k]) / (~is_class).mean()
        if average == "weighted":
            influence += np.array(areas)[truth] - np.dot(weights, areas)
        options = {"average": average, "multi_class": "ovr"}
        drawn = [metrics.roc_auc_score(truth[rows_of], rows[rows_of], **options) for rows_of in resamples]
        case[average] = {
            "roc_auc": metrics.roc_auc_score(truth, rows, **options),
            "standard_error": math.sqrt((influence**2).sum()) / n,
            "bootstrap": np.quantile(drawn, [0.025, 0.975]),
            "average_precision": metrics.average_precision_score(truth, rows, average=average),
        }
    return case


# Predicted numbers


def r_squared_and_error(truth, error):
    """R² and its standard error, by the derivative with regard to the weight of each row, in two passes."""
    from_mean = (truth - truth.mean()) ** 2
    unexplained = (error**2).sum() / from_mean.sum()
    influence = (error**2 - unexplained * from_mean) / from_mean.mean()
    return 1 - unexplained, math.sqrt((influence**2).sum()) / len(truth)


def r_squared_by_weights(truth, error):
    """The same standard error by the complex step: R² of weighted rows, each weight moved in turn."""
    derivatives = []
    for row in range(len(truth)):
        weights = np.ones(len(truth), complex)
        weights[row] += STEP * 1j
        mean = (weights * truth).sum() / weights.sum()
        total = (weights * (truth - mean) ** 2).sum()
        derivatives.append(np.imag(1 - (weights * error**2).sum() / total) / STEP)
    return math.sqrt(sum(derivative**2 for derivative in derivatives))


def regression_case(rng, truth, predicted, origin, n_bootstraps):
    whole_truth, truth = scaled(truth, VALUE_BITS)
    whole_predicted, predicted = scaled(predicted, VALUE_BITS)
    error, n = predicted - truth, len(truth)
    relative = abs(error) / np.maximum(abs(truth), np.finfo(float).eps)
    case = {
        "truth": whole_truth,
        "predicted": whole_predicted,
        "origin": origin,
        "mean_error": mean_case(error, -np.mean(truth - predicted)),
        "mean_absolute_error": mean_case(abs(error), metrics.mean_absolute_error(truth, predicted)),
        "mean_squared_error": mean_case(error**2, metrics.mean_squared_error(truth, predicted)),
        "root_mean_squared_error": metrics.root_mean_squared_error(truth, predicted),
        "percentage": mean_case(relative, metrics.mean_absolute_percentage_error(truth, predicted)),
        "max_error": metrics.max_error(truth, predicted),
        "r_squared": metrics.r2_score(truth, predicted),
        "r_squared_error": r_squared_by_weights(truth, error) if np.ptp(truth) > 0 and np.ptp(error) > 0 else None,
    }
    if n_bootstraps:
        draws = rng.integers(0, n, (n_bootstraps, n))
        ends = [0.025, 0.975]
        roots = [metrics.root_mean_squared_error(truth[rows], predicted[rows]) for rows in draws]
        case["bootstrap"] = {
            "root_mean_squared_error": np.quantile(roots, ends),
            "mean_absolute_error": np.quantile([abs(error[rows]).mean() for rows in draws], ends),
            "r_squared": np.quantile([metrics.r2_score(truth[rows], predicted[rows]) for rows in draws], ends),
        }
    return case


def regressions(rng):
    truth = rng.normal(20, 5, 400)
    predicted = truth + rng.normal(0.5, 3, 400)
    far = 1e8 + rng.normal(0, 1, 60)
    cases = [
        (truth, predicted, 0.0, BOOTSTRAPS),
        (truth, predicted, 17.5, 0),
        (far, far + rng.normal(0, 0.5, 60), 1e8, 0),
        (far, far + rng.normal(0, 0.5, 60), 0.0, 0),
        (np.array([0.0, 1.0, -2.0, 0.0]), np.array([0.5, 1.0, -1.0, 0.0]), 0.0, 0),
        (np.full(3, 7.0), np.array([7.0, 7.5, 6.5]), 0.0, 0),
        (np.full(3, 7.0), np.full(3, 7.0), 0.0, 0),
        (np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 4.0]), 0.0, 0),
    ]
    return [regression_case(rng, *case) for case in cases]


def pinball(rng):
    levels = [0.05, 0.5, 0.9]
    whole_truth, truth = scaled(rng.normal(size=80), VALUE_BITS)
    whole, predicted = scaled(stats.norm.ppf(levels) + rng.normal(0, 0.3, (80, 3)), VALUE_BITS)
    whole[:5] = whole_truth[:5, None]
    predicted = whole / 2**VALUE_BITS
    losses = [
        mean_case(
            np.maximum(level * (truth - of), (level - 1) * (truth - of)),
            metrics.mean_pinball_loss(truth, of, alpha=level),
        )
        for level, of in zip(levels, predicted.T)
    ]
    below = (truth[:, None] <= predicted).sum(axis=0)
    return {
        "levels": levels,
        "truth": whole_truth,
        "predicted": whole.ravel(),
        "losses": losses,
        "coverages": below / len(truth),
        "coverage_intervals": [proportion_confint(count, len(truth), method="wilson") for count in below],
    }


if __name__ == "__main__":
    main()

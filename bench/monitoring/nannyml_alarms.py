"""When NannyML's defaults first alarm in each stream, with chunks of the size of the others' windows.

Metrics have no default; ROC-AUC, F1 and accuracy are asked for. Thresholds come from the baseline's ten chunks.

Run: `target/nannyml-venv/bin/python bench/monitoring/nannyml_alarms.py FOLDER FIRST_SEED LAST_SEED`.
"""

import os
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

from alarms import INPUTS, report
from streams import WINDOW

from nannyml import CBPE, PerformanceCalculator, UnivariateDriftCalculator

warnings.simplefilter("ignore")

ANY_COLUMN = "NannyML: any column drifted"
ESTIMATED = "NannyML: any estimated metric (CBPE)"
REALISED = "NannyML: any realised metric"
ACCURACY = "NannyML: realised accuracy"

MODEL = {
    "metrics": ["roc_auc", "f1", "accuracy"],
    "y_true": "label",
    "y_pred": "prediction",
    "y_pred_proba": "probability",
    "problem_type": "classification_binary",
    "chunk_size": WINDOW,
}


def alerts(result):
    """Its alert flags, chunk by chunk."""
    return result.filter(period="analysis").to_df().xs("alert", axis=1, level=-1)


def make_watch(reference):
    drift = UnivariateDriftCalculator(column_names=INPUTS, chunk_size=WINDOW).fit(reference)
    estimator, calculator = CBPE(**MODEL).fit(reference), PerformanceCalculator(**MODEL).fit(reference)

    def watch(table, _):
        realised = alerts(calculator.calculate(table))
        flags = {
            ANY_COLUMN: alerts(drift.calculate(table)).any(axis=1),
            ESTIMATED: alerts(estimator.estimate(table.drop(columns="label"))).any(axis=1),
            REALISED: realised.any(axis=1),
            ACCURACY: realised["accuracy"],
        }
        if any(len(raised) != len(table) / WINDOW for raised in flags.values()):
            raise SystemExit("chunks are not the windows")
        return [[name for name in flags if flags[name].iloc[chunk]] for chunk in range(len(realised))]

    return watch


report([ANY_COLUMN, ESTIMATED, REALISED, ACCURACY], make_watch)

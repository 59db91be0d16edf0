"""When Evidently's defaults first alarm in each stream.

Columns are judged by the tests that `DataDriftPreset` chooses, called one by one, as a report takes a second. The
preset itself is asked for one window, its metric of the data set for the last window before the change and after each
kind of change, and they must agree. Of `ClassificationPreset` only the metrics of `ClassificationQuality` have tests
by default.

Run: `target/evidently-venv/bin/python bench/monitoring/evidently_alarms.py FOLDER FIRST_SEED LAST_SEED`.
"""

import warnings

from alarms import INPUTS, report, windows

from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType
from evidently.metrics import Accuracy
from evidently.metrics.column_statistics import DriftedColumnsCount
from evidently.presets import ClassificationQuality, DataDriftPreset

warnings.simplefilter("ignore")

DATA_SET = "Evidently: data set drift"
ANY_COLUMN = "Evidently: any column drifted"
ANY_QUALITY = "Evidently: any test of quality"
ACCURACY = "Evidently: test of accuracy"

COLUMNS = DataDefinition(numerical_columns=INPUTS)
CLASSIFICATION = DataDefinition(
    classification=[
        BinaryClassification(
            target="label", prediction_labels="prediction", prediction_probas="probability", pos_label=1
        )
    ],
    numerical_columns=["probability"],
    categorical_columns=["label", "prediction"],
)


def drift_data(table):
    return Dataset.from_pandas(table[INPUTS], COLUMNS)


def quality_data(table):
    return Dataset.from_pandas(table[["label", "prediction", "probability"]], CLASSIFICATION)


def run(metrics, current, reference):
    """What the metrics and their default tests say of a window against the reference."""
    return Report(metrics, include_tests=True).run(current, reference).dict()


def has_failed(test):
    """A test that could not be evaluated is no alarm, but no answer either."""
    if test["status"].value not in {"SUCCESS", "FAIL"}:
        raise SystemExit(f"no answer: {test}")
    return test["status"].value == "FAIL"


def drift(current, reference):
    """The columns that drifted, by the tests that Evidently chooses for them."""
    drifted = []
    for column in INPUTS:
        test = get_stattest(reference[column], current[column], ColumnType.Numerical, None)
        if test(reference[column], current[column], ColumnType.Numerical, None).drifted:
            drifted.append(column)
    return drifted


def drift_alarms(drifted):
    if len(drifted) / len(INPUTS) >= DataDriftPreset().drift_share:
        yield DATA_SET
    if drifted:
        yield ANY_COLUMN


def check_drift(metric, drifted, current, reference):
    """The preset, or its metric of the data set, says what the tests of the columns say."""
    said = run([metric], drift_data(current), drift_data(reference))
    count, is_alarm = said["metrics"][0]["value"]["count"], has_failed(said["tests"][0])
    if count != len(drifted) or is_alarm != (DATA_SET in drift_alarms(drifted)):
        raise SystemExit(f"{drifted} drifted, but {metric} says {count}, alarm {is_alarm}")
    of_columns = [has_failed(test) for test in said["tests"][1:]]
    if of_columns and of_columns != [column in drifted for column in INPUTS]:
        raise SystemExit(f"{drifted} drifted, but {metric} says {of_columns}")


def quality(current, reference, found):
    tests = run([Accuracy()] if ANY_QUALITY in found else [ClassificationQuality()], current, reference)["tests"]
    if any(map(has_failed, tests)):
        yield ANY_QUALITY
    if has_failed(tests[0]):
        yield ACCURACY


def accuracy(table):
    return (table["prediction"] == table["label"]).mean()


class Watch:
    """What is still asked of a stream's windows. As each report is slow, what is known already is not asked again."""

    is_preset_checked = False

    def __init__(self, baseline):
        self.baseline, self.quality_reference = baseline, quality_data(baseline)

    def __call__(self, table, found):
        """The alarms of each window of a part of the stream, whose last one is compared with what a report says."""
        for window in windows(table):
            drifted = drift(window, self.baseline)
            yield [*drift_alarms(drifted), *self.quality_alarms(window, found)]
        metric = DriftedColumnsCount() if Watch.is_preset_checked else DataDriftPreset()
        check_drift(metric, drifted, window, self.baseline)
        Watch.is_preset_checked = True

    def quality_alarms(self, window, found):
        if ANY_QUALITY not in found or (ACCURACY not in found and self.is_accuracy_in_doubt(window)):
            yield from quality(quality_data(window), self.quality_reference, found)

    def is_accuracy_in_doubt(self, window):
        """Its test allows a fifth of the baseline's more or less: nearer to that than this, Evidently decides."""
        return abs(accuracy(window) / accuracy(self.baseline) - 1) > 0.18


report([DATA_SET, ANY_COLUMN, ANY_QUALITY, ACCURACY], Watch)

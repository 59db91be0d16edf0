"""Evidently's drift scores: its own tests, called with columns cleaned as `get_one_column_drift` cleans them.

python3 -m venv venv && venv/bin/pip install -r requirements-drift_evidently.txt && venv/bin/python drift_evidently.py
"""

import warnings

from drift_data import number, write
from drift_samples import category_pairs, described, described_categories, numeric_pairs

import evidently
import numpy as np
import pandas as pd
import scipy
from evidently.legacy.calculations import stattests
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType

warnings.simplefilter("ignore")

TESTS = {
    "evidently_psi": stattests.psi_stat_test,
    "evidently_jensen_shannon": stattests.jensenshannon_stat_test,
    "evidently_wasserstein": stattests.wasserstein_stat_test,
    "evidently_ks": stattests.ks_stat_test,
    "evidently_chi_square": stattests.chi_stat_test,
    "evidently_z": stattests.z_stat_test,
    "evidently_hellinger": stattests.hellinger_stat_test,
    "evidently_kl_div": stattests.kl_div_stat_test,
    "evidently_tvd": stattests.tvd_test,
    "evidently_energy": stattests.energy_dist_test,
}
NUMBERS_ONLY = {"evidently_wasserstein", "evidently_ks", "evidently_energy"}
NAMES = {test.name: name for name, test in TESTS.items()}


def cleaned(values):
    return pd.Series(values).replace([-np.inf, np.inf], np.nan).dropna()


def compared(case, reference, current, column_type, names):
    default = get_stattest(cleaned(reference), cleaned(current), column_type, None)
    case["default"] = NAMES[default.name]
    case["outcomes"] = {}
    for name in names:
        result = TESTS[name](cleaned(reference), cleaned(current), column_type, None)
        case["outcomes"][name] = {
            "score": number(result.drift_score),
            "threshold": number(result.actual_threshold),
            "is_drift": bool(result.drifted),
        }
    return case


def cases():
    for name, reference, current in numeric_pairs():
        case = described(name, reference, current)
        yield compared(case, reference, current, ColumnType.Numerical, [name for name in TESTS if name != "evidently_tvd"])
    for name, reference, current in category_pairs():
        case = described_categories(name, reference, current)
        reference, current = reference[reference >= 0], current[current >= 0]
        yield compared(case, reference, current, ColumnType.Categorical, [name for name in TESTS if name not in NUMBERS_ONLY])


class Evidently:
    __name__ = "evidently"
    __version__ = evidently.__version__


write(__file__, [Evidently, np, pd, scipy], {"cases": list(cases())})

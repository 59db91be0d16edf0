//! Bin edges, counts, distances and tests against NumPy, SciPy and statsmodels.

use metrics::{
    distance::{self, LogBase},
    histogram::{Counts, Dtype, Edges, Tails},
    hypothesis::{self, KsMethod, TestResult},
};
use serde_json::Value;

use crate::golden::{
    assert_close, assert_p, assert_root, assert_sum, cases, counts, exact, exacts, number, numbers, parsed,
};

fn golden() -> Value {
    parsed(include_str!("../../golden/drift_numpy_scipy.json"))
}

fn edges_by(rule: &str, values: &[f64], dtype: Dtype) -> Option<Edges> {
    let edges = match rule {
        "sturges" => Edges::sturges(values, dtype),
        "doane" => Edges::doane(values, dtype),
        "quantiles 4" => Edges::quantiles(values, 4),
        "quantiles 10" => Edges::quantiles(values, 10),
        n_bins => Edges::equal_width(values, n_bins.parse().unwrap()),
    };
    edges.ok()
}

#[test]
fn edges_and_counts_are_those_of_numpy() {
    for case in cases(&golden(), "histograms") {
        let (values, other) = (exacts(&case["values"]), exacts(&case["other"]));
        let dtype = if case["integer"].as_bool().unwrap() { Dtype::Integer } else { Dtype::Float };
        for (rule, expected) in case["rules"].as_object().unwrap() {
            let name = (&case["name"], rule);
            let edges = edges_by(rule, &values, dtype);
            assert_eq!(edges.is_none(), expected.is_null(), "{name:?}");
            let Some(edges) = edges else { continue };
            assert_eq!(edges.as_slice(), exacts(&expected["edges"]), "{name:?}");
            for (key, values) in [("counts", &values), ("other", &other)] {
                let found = Counts::of(&edges, values);
                assert_eq!(found.bins(), counts(&expected[key]), "{name:?} {key}");
                assert_eq!(found.n_finite(), values.len() as u64);
            }
        }
    }
}

#[test]
fn rounding_adds_a_bin_where_it_does_in_numpy() {
    for case in cases(&golden(), "number_of_bins") {
        let step = exact(&case["step"]);
        let values: Vec<f64> = (0..case["count"].as_u64().unwrap()).map(|idx| idx as f64 * step).collect();
        let sturges = Edges::sturges(&values, Dtype::Float).unwrap().n_bins();
        let doane = Edges::doane(&values, Dtype::Float).unwrap().n_bins();
        let expected = |rule: &str| usize::try_from(case[rule].as_u64().unwrap()).unwrap();
        assert_eq!((sturges, doane), (expected("sturges"), expected("doane")), "{case}");
    }
}

#[test]
fn distances_of_shares_are_those_of_scipy() {
    for case in cases(&golden(), "binned_distances") {
        let (p, q) = (exacts(&case["p"]), exacts(&case["q"]));
        assert_sum(distance::psi(&p, &q).unwrap(), number(&case["psi"]), case);
        assert_sum(distance::kl_divergence(&p, &q).unwrap(), number(&case["kl"]), case);
        assert_root(distance::jensen_shannon(&p, &q, LogBase::E).unwrap(), number(&case["js_e"]), case);
        assert_root(distance::jensen_shannon(&p, &q, LogBase::Two).unwrap(), number(&case["js_2"]), case);
        assert_root(distance::hellinger(&p, &q).unwrap(), number(&case["hellinger"]), case);
        assert_sum(distance::total_variation(&p, &q).unwrap(), number(&case["tv"]), case);
        assert_sum(distance::l_infinity(&p, &q).unwrap(), number(&case["l_infinity"]), case);
        assert_sum(distance::chi_square(&p, &q).unwrap(), number(&case["chi_square"]), case);
    }
}

fn assert_test(found: TestResult, expected: &Value, case: &dyn std::fmt::Debug) {
    let expected = numbers(expected);
    assert_sum(found.statistic, expected[0], case);
    assert_p(found.p_value, expected[1], case);
}

const METHODS: [(&str, KsMethod); 3] =
    [("auto", KsMethod::Auto), ("exact", KsMethod::Exact), ("asymp", KsMethod::Asymptotic)];

#[test]
fn tests_and_distances_of_samples_are_those_of_scipy() {
    for case in cases(&golden(), "sample_tests") {
        let (x, y) = (exacts(&case["x"]), exacts(&case["y"]));
        for (name, method) in METHODS {
            let found = hypothesis::ks_2samp(&x, &y, method).unwrap();
            assert_test(found, &case[name], &(&case["name"], name));
        }
        let name = &case["name"];
        assert_sum(distance::wasserstein(&x, &y).unwrap(), number(&case["wasserstein"]), name);
        assert_sum(distance::wasserstein_normed(&x, &y).unwrap(), number(&case["normed"]), name);
        assert_root(distance::energy(&x, &y).unwrap(), number(&case["energy"]), name);
    }
}

/// The multiples of a number modulo another, over it.
fn walk(spec: &Value) -> Vec<f64> {
    let [count, multiplier, modulus] = counts(spec)[..] else { panic!("{spec}") };
    (0..count).map(|idx| (idx * multiplier % modulus) as f64 / modulus as f64).collect()
}

#[test]
fn tests_of_large_samples_are_those_of_scipy() {
    for case in cases(&golden(), "large_tests") {
        let (x, mut y) = (walk(&case["x"]), walk(&case["y"]));
        if case["squared"].as_bool().unwrap() {
            y.iter_mut().for_each(|value| *value *= *value);
        }
        for (name, method) in METHODS.into_iter().filter(|(name, _)| !case[*name].is_null()) {
            assert_test(hypothesis::ks_2samp(&x, &y, method).unwrap(), &case[name], &(case, name));
        }
        assert_sum(distance::wasserstein(&x, &y).unwrap(), number(&case["wasserstein"]), case);
    }
}

#[test]
fn the_law_of_kolmogorov_is_that_of_scipy() {
    for case in cases(&golden(), "kolmogorov") {
        let found = hypothesis::kolmogorov_survival(number(&case["n"]), exact(&case["x"]));
        assert_close(found, number(&case["sf"]), 1e-9, 1e-300, case);
    }
}

#[test]
fn the_chi_square_law_is_that_of_scipy() {
    for case in cases(&golden(), "chi_square") {
        let found = hypothesis::chi_square_survival(number(&case["x"]), number(&case["df"]));
        assert_close(found, number(&case["sf"]), 1e-9, 1e-300, case);
    }
}

#[test]
fn tests_of_counts_are_those_of_scipy() {
    for case in cases(&golden(), "count_tests") {
        let (reference, current) = (counts(&case["reference"]), counts(&case["current"]));
        let found = hypothesis::chi2_contingency(&reference, &current).unwrap();
        assert_test(found, &case["contingency"], case);
        if current.len() > 1 {
            let observed: Vec<f64> = current.iter().map(|&count| count as f64).collect();
            let found = hypothesis::chisquare(&observed, &exacts(&case["expected"])).unwrap();
            assert_test(found, &case["chisquare"], case);
        }
        if let [expected_z, expected_p] = case["z"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let of = |counts: &[u64]| (counts[1], counts.iter().sum());
            let found = hypothesis::two_proportions(of(&reference), of(&current)).unwrap();
            assert_sum(found.statistic, number(expected_z), case);
            assert_p(found.p_value, number(expected_p), case);
        }
        let edges = Edges::new(exacts(&case["edges"]), Tails::Closed).unwrap();
        let found = distance::wasserstein_of_bins(&edges, &reference, &current).unwrap();
        assert_sum(found, number(&case["wasserstein"]), case);
        assert_sum(hypothesis::ks_of_bins(&reference, &current).unwrap(), number(&case["ks"]), case);
    }
}

#[test]
fn adjusted_p_values_are_those_of_statsmodels() {
    for case in cases(&golden(), "adjustments") {
        let p_values = exacts(&case["p"]);
        for (name, adjusted) in [
            ("bonferroni", hypothesis::bonferroni(&p_values).unwrap()),
            ("holm", hypothesis::holm(&p_values).unwrap()),
            ("bh", hypothesis::benjamini_hochberg(&p_values).unwrap()),
        ] {
            let expected = numbers(&case[name]);
            assert_eq!(adjusted.len(), expected.len());
            adjusted.iter().zip(expected).for_each(|(&found, expected)| assert_sum(found, expected, case));
        }
    }
}

#[test]
fn the_noise_of_psi_is_chi_square() {
    for case in cases(&golden(), "psi_noise") {
        let n_bins = usize::try_from(case["n_bins"].as_u64().unwrap()).unwrap();
        let lens = (number(&case["n"]), number(&case["m"]));
        let floor = hypothesis::psi_noise_floor(n_bins, lens, number(&case["level"])).unwrap();
        assert_close(floor, number(&case["floor"]), 1e-9, 1e-300, case);
        let p_value = hypothesis::psi_p_value(number(&case["psi"]), n_bins, lens).unwrap();
        assert_p(p_value, number(&case["p"]), case);
    }
}

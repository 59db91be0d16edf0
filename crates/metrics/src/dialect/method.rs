//! The names of methods.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Error;

/// A drift method, with everything that its tool decides by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Method {
    /// Evidently's `psi`: Sturges' bins over both samples if the reference has more than 20 values, else a bin for each value; zeros
    /// filled with 0.0001.
    EvidentlyPsi,
    /// Evidently's `jensenshannon`: the same bins, a distance in nats.
    EvidentlyJensenShannon,
    /// Evidently's `wasserstein`, in standard deviations of the reference.
    EvidentlyWasserstein,
    /// Evidently's `ks`, a p-value.
    EvidentlyKs,
    /// Evidently's `chisquare`, a p-value: current counts against those expected from the reference.
    EvidentlyChiSquare,
    /// Evidently's `z`, a p-value: the share of all values but the smallest.
    EvidentlyZ,
    /// Evidently's `hellinger`: of numbers, with Sturges' bins over the distinct values.
    EvidentlyHellinger,
    /// Evidently's `kl_div`: the bins of its `psi`.
    EvidentlyKlDiv,
    /// Evidently's `TVD`, a p-value: of 1000 permutations by NumPy's generator with seed 0. Of categories that sort as Evidently's set
    /// does; another order may count ties in another way.
    EvidentlyTvd,
    /// Evidently's `ed`: the energy distance.
    EvidentlyEnergy,
    /// NannyML's `jensen_shannon`: Doane's bins over the reference and one for what falls outside, a distance in bits.
    NannymlJensenShannon,
    /// NannyML's `hellinger`, in the same bins.
    NannymlHellinger,
    /// NannyML's `kolmogorov_smirnov`, the statistic; of a reference of 10 000 values or more, in 10 000 bins.
    NannymlKolmogorovSmirnov,
    /// NannyML's `wasserstein`; of a reference of 10 000 values or more, in 10 000 bins.
    NannymlWasserstein,
    /// NannyML's `chi2`, the statistic of a contingency table, with an alert by its p-value.
    NannymlChi2,
    /// NannyML's `l_infinity`.
    NannymlLInfinity,
    /// SciPy's `ks_2samp(method="exact")`.
    ScipyKsExact,
    /// SciPy's `ks_2samp(method="asymp")`.
    ScipyKsAsymp,
    /// Phoenix's population stability index: deciles of the reference, one more of each bin, a bin of missing values.
    PhoenixPsi,
    /// Deepchecks' population stability index: the reference's ten most frequent categories and the others, no share below 0.01.
    DeepchecksPsi,
    /// scouter's population stability index: deciles of the reference, 1e-10 more of each share, the chance bound as threshold.
    ScouterPsi,
    /// The population stability index of the books: deciles of the reference, no share below 0.0001.
    DecilePsi,
    /// SageMaker Model Monitor's `Simple`: the largest difference of cumulative shares, or of categories' shares.
    SagemakerLinfSimple,
    /// SageMaker Model Monitor's `Robust`: the same less `1.8 sqrt((n + m) / (n m))`.
    SagemakerLinfRobust,
}

impl Method {
    /// Every method with its name.
    pub const NAMED: [(Self, &'static str); 24] = [
        (Self::EvidentlyPsi, "evidently_psi"),
        (Self::EvidentlyJensenShannon, "evidently_jensen_shannon"),
        (Self::EvidentlyWasserstein, "evidently_wasserstein"),
        (Self::EvidentlyKs, "evidently_ks"),
        (Self::EvidentlyChiSquare, "evidently_chi_square"),
        (Self::EvidentlyZ, "evidently_z"),
        (Self::EvidentlyHellinger, "evidently_hellinger"),
        (Self::EvidentlyKlDiv, "evidently_kl_div"),
        (Self::EvidentlyTvd, "evidently_tvd"),
        (Self::EvidentlyEnergy, "evidently_energy"),
        (Self::NannymlJensenShannon, "nannyml_jensen_shannon"),
        (Self::NannymlHellinger, "nannyml_hellinger"),
        (Self::NannymlKolmogorovSmirnov, "nannyml_kolmogorov_smirnov"),
        (Self::NannymlWasserstein, "nannyml_wasserstein"),
        (Self::NannymlChi2, "nannyml_chi2"),
        (Self::NannymlLInfinity, "nannyml_l_infinity"),
        (Self::ScipyKsExact, "scipy_ks_exact"),
        (Self::ScipyKsAsymp, "scipy_ks_asymp"),
        (Self::PhoenixPsi, "phoenix_psi"),
        (Self::DeepchecksPsi, "deepchecks_psi"),
        (Self::ScouterPsi, "scouter_psi"),
        (Self::DecilePsi, "decile_psi"),
        (Self::SagemakerLinfSimple, "sagemaker_linf_simple"),
        (Self::SagemakerLinfRobust, "sagemaker_linf_robust"),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(method, _)| *method == self).map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let named = Self::NAMED.iter().find(|(_, known)| *known == name);
        named.map(|(method, _)| *method).ok_or_else(|| Error::Name { found: name.to_owned() })
    }
}

impl TryFrom<String> for Method {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        name.parse()
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for (method, name) in Method::NAMED {
            assert_eq!((name.parse(), method.to_string()), (Ok(method), name.to_owned()));
        }
        assert_eq!(serde_json::to_string(&Method::DecilePsi).unwrap(), r#""decile_psi""#);
        assert!(serde_json::from_str::<Method>(r#""psi""#).is_err());
    }
}

//! Monitors of an error rate, each looked at after every answer.

use metrics::{
    risk_monitor::{
        LossCounts, MixtureMonitor, MixtureSettings, Reference, RiskMonitor, Tolerance, error_rate_threshold,
    },
    sequential::{
        Signal,
        adwin::{Adwin, AdwinSettings},
        ddm::{Ddm, DdmSettings},
        eddm::{Eddm, EddmSettings},
        hddm_a::{HddmA, HddmASettings},
        hddm_w::{HddmW, HddmWSettings},
        page_hinkley::{PageHinkley, PageHinkleySettings},
    },
};

use crate::{Contender, Result, random::Random};

/// The error rate before any change.
pub(crate) const RATE: f64 = 0.1;
const N_REFERENCE: u64 = 5000;
const TEST_LEVEL: f64 = 0.05;

/// The monitors, which know a reference drawn for the stream.
pub(crate) fn contenders(random: &mut Random) -> Result<Vec<Contender<bool>>> {
    let n_errors = (0..N_REFERENCE).filter(|_| random.bit(RATE)).count() as u64;
    Ok([of_risk(n_errors)?, of_drift()?].into_iter().flatten().collect())
}

fn of_risk(n_errors: u64) -> Result<Vec<Contender<bool>>> {
    let reference = Reference::of_losses(&LossCounts::of_errors(n_errors, N_REFERENCE)?)?;
    let exact =
        |tolerance| error_rate_threshold(n_errors, N_REFERENCE, Tolerance::Absolute(tolerance), TEST_LEVEL);
    let mixture = |threshold| MixtureMonitor::new(threshold, MixtureSettings::default());
    let mut defaults =
        RiskMonitor::new(reference.threshold(Tolerance::Absolute(0.05), TEST_LEVEL)?, TEST_LEVEL)?;
    let mut strict = RiskMonitor::new(exact(0.0)?, TEST_LEVEL)?;
    let (mut mixture_tolerant, mut mixture_strict) = (mixture(exact(0.02)?)?, mixture(exact(0.0)?)?);
    Ok(vec![
        Contender::new("MixtureMonitor, tolerance 0", move |is_error| {
            mixture_strict.update(loss(is_error)).unwrap_or(true)
        }),
        Contender::new("MixtureMonitor, tolerance 0.02", move |is_error| {
            mixture_tolerant.update(loss(is_error)).unwrap_or(true)
        }),
        Contender::new("RiskMonitor, tolerance 0", move |is_error| {
            strict.update(loss(is_error)).unwrap_or(true)
        }),
        Contender::new("RiskMonitor as MAPIE's defaults", move |is_error| {
            defaults.update(loss(is_error)).unwrap_or(true)
        }),
    ])
}

fn of_drift() -> Result<Vec<Contender<bool>>> {
    let mut adwin = Adwin::new(AdwinSettings::default())?;
    let mut page_hinkley = PageHinkley::new(PageHinkleySettings::default())?;
    let mut ddm = Ddm::new(DdmSettings::default())?;
    let mut eddm = Eddm::new(EddmSettings::default())?;
    let mut hddm_a = HddmA::new(HddmASettings::default())?;
    let mut hddm_w = HddmW::new(HddmWSettings::default())?;
    Ok(vec![
        Contender::new("ADWIN", move |is_error| adwin.update(loss(is_error))),
        Contender::new("Page-Hinkley", move |is_error| page_hinkley.update(loss(is_error))),
        Contender::new("DDM", move |is_error| ddm.update(is_error) == Signal::Drift),
        Contender::new("EDDM", move |is_error| eddm.update(is_error) == Signal::Drift),
        Contender::new("HDDM-A", move |is_error| hddm_a.update(is_error) == Signal::Drift),
        Contender::new("HDDM-W", move |is_error| hddm_w.update(is_error) == Signal::Drift),
    ])
}

fn loss(is_error: bool) -> f64 {
    f64::from(u8::from(is_error))
}

//! What a policy that was read must keep to, so that whoever decides by it need not look again.

use std::collections::BTreeSet;

use super::{DataSummary, Group, MAX_CURVE_POINTS, ModelRef, OperatingPoint, Policy, Promise, Thresholds};
use crate::error::Error;

const MIN_CLASSES: usize = 2;
const DIGEST_DIGITS: usize = 64;

impl Policy {
    /// Refuses what [`crate::Calibration`] would never make.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.edge.check("edge")?;
        self.cloud.check("cloud")?;
        if self.edge.outputs.probabilities.is_none() {
            return Err(Error::field("edge.outputs.probabilities", "the name of an output", "none"));
        }
        check_names("classes", MIN_CLASSES, self.classes.iter().map(String::as_str))?;
        self.calibrator.check()?;
        self.guard.as_ref().map_or(Ok(()), crate::guard::Guard::check)?;
        self.promise.check()?;
        self.check_thresholds()?;
        self.check_curve()?;
        self.data.check()?;
        check_share("audit_share", self.audit_share)
    }

    fn check_thresholds(&self) -> Result<(), Error> {
        match &self.thresholds {
            Thresholds::All { ladder } if ladder.is_empty() => {
                Err(Error::field("thresholds.ladder", "at least one rung", "none"))
            }
            Thresholds::All { ladder } => check_ladder("thresholds.ladder", ladder),
            Thresholds::Class { groups } => {
                let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
                if names != self.classes {
                    let expected = format!("one group for each of the classes {:?}", self.classes);
                    return Err(Error::field("thresholds.groups", expected, format!("{names:?}")));
                }
                check_groups(groups)
            }
            Thresholds::Segment { groups, .. } => {
                check_names("thresholds.groups", 1, groups.iter().map(|group| group.name.as_str()))?;
                check_groups(groups)
            }
        }
    }

    fn check_curve(&self) -> Result<(), Error> {
        let n_points = self.curve.len();
        if n_points > MAX_CURVE_POINTS {
            return Err(Error::field("curve", format!("at most {MAX_CURVE_POINTS} points"), n_points));
        }
        check_points("curve", self.curve.iter())?;
        let strictest_first = |(left, right): (&OperatingPoint, &OperatingPoint)| {
            left.threshold > right.threshold && left.coverage <= right.coverage
        };
        check_order("curve", &self.curve, strictest_first, "thresholds that fall, and coverage that does not")
    }
}

impl ModelRef {
    fn check(&self, role: &str) -> Result<(), Error> {
        check_digest(&format!("{role}.onnx_sha256"), &self.onnx_sha256)
    }
}

impl Promise {
    fn check(&self) -> Result<(), Error> {
        match *self {
            Self::Risk { max_risk, confidence, .. } => check_promise("promise", max_risk, confidence),
            Self::Budget { max_escalated, .. } => {
                let is_share = (0.0..=1.0).contains(&max_escalated);
                let error = || Error::field("promise.max_escalated", "a share from 0 to 1", max_escalated);
                if is_share { Ok(()) } else { Err(error()) }
            }
        }
    }
}

/// Refuses a risk or a confidence that nobody can promise.
pub(crate) fn check_promise(at: &str, max_risk: f64, confidence: f64) -> Result<(), Error> {
    if !(max_risk > 0.0 && max_risk < 1.0) {
        return Err(Error::field(format!("{at}.max_risk"), "a share above 0 and below 1", max_risk));
    }
    if !(confidence > 0.5 && confidence < 1.0) {
        return Err(Error::field(
            format!("{at}.confidence"),
            "a confidence above 0.5 and below 1",
            confidence,
        ));
    }
    Ok(())
}

/// Refuses a share of rows that leaves none.
pub(crate) fn check_share(at: &str, share: f64) -> Result<(), Error> {
    let is_share = (0.0..1.0).contains(&share);
    if is_share { Ok(()) } else { Err(Error::field(at, "a share of at least 0 and below 1", share)) }
}

impl DataSummary {
    fn check(&self) -> Result<(), Error> {
        check_digest("data.sha256", &self.sha256)?;
        check_share("data.fit_share", self.fit_share)?;
        let n_used = self.n_fit.checked_add(self.n_test).and_then(|n| n.checked_add(self.n_unlabelled));
        let is_sum = n_used == Some(self.n_rows);
        let error = || Error::field("data.n_rows", "the sum of n_fit, n_test and n_unlabelled", self.n_rows);
        if is_sum { Ok(()) } else { Err(error()) }
    }
}

/// Refuses what is no SHA-256 in lower-case hexadecimal digits.
pub(crate) fn check_digest(at: &str, digest: &str) -> Result<(), Error> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_digest = digest.len() == DIGEST_DIGITS && digest.bytes().all(is_digit);
    let expected = "64 hexadecimal digits in lower case";
    if is_digest { Ok(()) } else { Err(Error::field(at, expected, format!("{digest:?}"))) }
}

/// Refuses fewer names than needed, and a name that comes twice.
pub(crate) fn check_names<'a>(
    at: &str,
    at_least: usize,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Error::field(at, "names that differ", format!("{name:?} twice")));
        }
    }
    let enough = seen.len() >= at_least;
    if enough { Ok(()) } else { Err(Error::field(at, format!("at least {at_least}"), seen.len())) }
}

fn check_groups(groups: &[Group]) -> Result<(), Error> {
    groups.iter().enumerate().try_for_each(|(idx, group)| {
        let at = format!("thresholds.groups[{idx}]");
        if group.ladder.is_empty() && group.why_none.is_none() {
            return Err(Error::field(format!("{at}.why_none"), "a reason, as there is no rung", "none"));
        }
        check_ladder(&format!("{at}.ladder"), &group.ladder)
    })
}

fn check_ladder(at: &str, ladder: &[OperatingPoint]) -> Result<(), Error> {
    check_points(at, ladder.iter())?;
    let rises = |(left, right): (&OperatingPoint, &OperatingPoint)| {
        left.threshold < right.threshold && left.coverage >= right.coverage
    };
    check_order(at, ladder, rises, "thresholds that rise, and coverage that does not")
}

fn check_order(
    at: &str,
    points: &[OperatingPoint],
    is_ordered: impl Fn((&OperatingPoint, &OperatingPoint)) -> bool,
    expected: &str,
) -> Result<(), Error> {
    let pairs = points.iter().zip(points.iter().skip(1));
    let wrong = pairs.enumerate().find(|(_, (left, right))| !is_ordered((left, right)));
    wrong.map_or(Ok(()), |(idx, (left, right))| {
        let text = |point: &OperatingPoint| format!("{} (coverage {})", point.threshold, point.coverage);
        let found = format!("{} after {}", text(right), text(left));
        Err(Error::field(format!("{at}[{}].threshold", idx + 1), expected, found))
    })
}

fn check_points<'a>(at: &str, points: impl Iterator<Item = &'a OperatingPoint>) -> Result<(), Error> {
    points.enumerate().try_for_each(|(idx, point)| point.check(&format!("{at}[{idx}]")))
}

impl OperatingPoint {
    fn check(&self, at: &str) -> Result<(), Error> {
        let shares = [
            ("threshold", Some(self.threshold)),
            ("coverage", Some(self.coverage)),
            ("risk", self.risk),
            ("upper_bound", self.upper_bound),
        ];
        for (name, share) in shares {
            if let Some(found) = share.filter(|share| !(0.0..=1.0).contains(share)) {
                return Err(Error::field(format!("{at}.{name}"), "a number from 0 to 1", found));
            }
        }
        match self.n_wrong {
            Some(n_wrong) if n_wrong > self.n_accepted => {
                let expected = format!("at most the {} accepted rows", self.n_accepted);
                Err(Error::field(format!("{at}.n_wrong"), expected, n_wrong))
            }
            _ => Ok(()),
        }
    }
}

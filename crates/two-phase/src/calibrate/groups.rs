//! A threshold for all rows, or one for each class or segment. Not how a threshold is found.

use std::collections::{BTreeMap, BTreeSet};

use super::{Calibration, Goal, Grouping, Labelled, Parts};
use crate::{
    error::Error,
    policy::{Group, OperatingPoint, Policy, Thresholds},
    threshold::{Acceptance, RiskLimit, Scored, budget_threshold, ladder, risk_threshold},
};

/// The rows of one group, by what they are used for.
#[derive(Default)]
struct Rows {
    fit: Vec<Scored>,
    test: Vec<Scored>,
}

impl Calibration {
    pub(super) fn thresholds(&self, policy: &Policy, parts: &Parts<'_>) -> Result<Thresholds, Error> {
        let names = self.group_names(parts);
        let mut groups = self.grouped(policy, parts);
        let level = self.level() / names.len().max(1) as f64;
        let mut ladder_of = |name: &str| self.ladder(&groups.remove(name).unwrap_or_default(), level);
        match &self.grouping {
            Grouping::All => Ok(Thresholds::All { ladder: ladder_of("")? }),
            grouping => {
                let groups = names.into_iter().map(|name| self.group(ladder_of(&name), name));
                let groups = some_accepted(groups.collect::<Result<_, _>>()?)?;
                Ok(match grouping {
                    Grouping::Segment { field } => Thresholds::Segment { field: field.clone(), groups },
                    _ => Thresholds::Class { groups },
                })
            }
        }
    }

    /// The names of all groups, in the order of the policy.
    fn group_names(&self, parts: &Parts<'_>) -> Vec<String> {
        let all = || parts.fit.iter().chain(&parts.test);
        match self.grouping {
            Grouping::All => vec![String::new()],
            Grouping::Class => self.classes.clone(),
            Grouping::Segment { .. } => {
                let names: BTreeSet<String> =
                    all().filter_map(|part| part.observed.segment.clone()).collect();
                names.into_iter().collect()
            }
        }
    }

    fn grouped(&self, policy: &Policy, parts: &Parts<'_>) -> BTreeMap<String, Rows> {
        let mut groups: BTreeMap<String, Rows> = BTreeMap::new();
        let mut put = |part: &Labelled<'_>, is_to_fit: bool| {
            let Some(name) = self.group_name(part) else { return };
            let rows = groups.entry(name).or_default();
            if is_to_fit { &mut rows.fit } else { &mut rows.test }.push(part.scored(policy));
        };
        parts.fit.iter().for_each(|part| put(part, true));
        parts.test.iter().for_each(|part| put(part, false));
        groups
    }

    fn group_name(&self, part: &Labelled<'_>) -> Option<String> {
        match self.grouping {
            Grouping::All => Some(String::new()),
            Grouping::Class => self.classes.get(part.observed.label).cloned(),
            Grouping::Segment { .. } => part.observed.segment.clone(),
        }
    }

    /// The threshold of some rows, and stricter ones.
    fn ladder(&self, rows: &Rows, level: f64) -> Result<Vec<OperatingPoint>, Error> {
        let (fit, test) = (Acceptance::of(&rows.fit), Acceptance::of(&rows.test));
        let threshold = match self.goal {
            Goal::Risk { max_risk, .. } => risk_threshold(&fit, &test, RiskLimit { max_risk, level })?,
            Goal::Budget { max_escalated } => budget_threshold(&test, self.unaudited(max_escalated)?)?,
        };
        Ok(ladder(threshold, &fit.grid(), &test, level))
    }

    /// What is left of a budget when the audited share of accepted rows is escalated too.
    fn unaudited(&self, budget: f64) -> Result<f64, Error> {
        let share = self.audit_share;
        if budget < share {
            return Err(Error::Budget { budget, share, why: "audited" });
        }
        Ok(1.0 - (1.0 - budget) / (1.0 - share))
    }

    /// A group for which nothing can be promised is escalated as a whole, and the policy says why. A budget has no room for that.
    fn group(&self, ladder: Result<Vec<OperatingPoint>, Error>, name: String) -> Result<Group, Error> {
        match ladder {
            Ok(ladder) => Ok(Group { name, ladder, why_none: None }),
            Err(why @ (Error::TooFewRows { .. } | Error::NotKept { .. })) => {
                Ok(Group { name, ladder: Vec::new(), why_none: Some(why.to_string()) })
            }
            Err(error) => Err(error),
        }
    }
}

/// Refuses groups of which none has a threshold, with the reason of the first.
fn some_accepted(groups: Vec<Group>) -> Result<Vec<Group>, Error> {
    if groups.iter().any(|group| !group.ladder.is_empty()) {
        return Ok(groups);
    }
    let reason = groups.first().map_or_else(
        || "no row has a segment".to_owned(),
        |group| format!("{:?} {}", group.name, group.why_none.as_deref().unwrap_or_default()),
    );
    Err(Error::NoGroup { reason })
}

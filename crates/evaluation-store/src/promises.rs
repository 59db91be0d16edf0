//! The promises of two-phase policies: audited rows bring their monitors on, in the transaction that counts the rows. What is wrong, and when
//! that is enough, is decided in `two-phase`.

use std::collections::BTreeMap;

use evaluation::{Audited as Row, Finding, Judgement};
use serde::Serialize;
use two_phase::{
    Policy,
    monitor::{Audited, PromiseMonitor},
    policy::{Promise, Target},
};

use crate::{
    Database, Error, Result, Store, Value,
    database::execute,
    model::{json as written, parsed},
};

/// Of all policies of which the promise holds, at most this share ever leaves the first rung.
const LEVEL: f64 = 0.05;

/// A promise, and what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PromiseStatus {
    /// The policy.
    pub policy: String,
    /// The promise in words.
    pub statement: String,
    /// The rung to be used: the strictest of all ladders.
    pub rung: usize,
    /// Each ladder.
    pub ladders: Vec<LadderStatus>,
}

/// A ladder of a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LadderStatus {
    /// Its group; empty if there is one ladder for all.
    pub group: String,
    /// How often it has stepped up.
    pub rung: usize,
    /// Whether it has ended, and every row is escalated.
    pub is_suspended: bool,
    /// How many audited rows of this rung were looked at.
    pub n: u64,
    /// How many of them were wrong.
    pub n_wrong: f64,
    /// The logarithm of the evidence against the promise on this rung.
    pub log_e_value: f64,
}

/// A promise as it is kept.
struct Kept {
    policy: String,
    target: Target,
    statement: String,
    monitors: Vec<(String, PromiseMonitor)>,
}

impl<D: Database> Store<'_, D> {
    /// Begins to watch the promise of a policy, unless it is watched already.
    ///
    /// # Errors
    /// [`Error::Policy`] if it promises no risk; [`Error::Database`].
    pub fn put_policy(&self, model: &str, policy: &Policy) -> Result<PromiseStatus> {
        let Promise::Risk { target, .. } = &policy.promise else {
            return Err(Error::Policy("expected a promise of a risk, found a budget".to_owned()));
        };
        let monitors = policy.monitors(LEVEL).map_err(|error| Error::Policy(error.to_string()))?;
        let statement = "INSERT INTO plinth_promises (model, policy, target, statement, monitors) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (model, policy) DO NOTHING";
        let parameters = [
            Value::text(model),
            Value::Text(policy.id()),
            Value::Text(written("a target", target)?),
            Value::text(policy.promise.statement()),
            Value::Text(written("monitors", &monitors)?),
        ];
        execute(self.database, statement, &parameters)?;
        self.promise(model, &policy.id())
    }

    /// What is known of a promise.
    ///
    /// # Errors
    /// [`Error::NoPolicy`], [`Error::Database`].
    pub fn promise(&self, model: &str, policy: &str) -> Result<PromiseStatus> {
        let found = self.kept(model)?.into_iter().find(|kept| kept.policy == policy);
        let missing = || Error::NoPolicy { model: model.to_owned(), policy: policy.to_owned() };
        found.map(|kept| status(&kept)).ok_or_else(missing)
    }

    /// Shows audited rows to the monitors of their policies. Rows of a policy that nobody has put are not looked at.
    pub(crate) fn audit(&self, model: &str, rows: &[Row]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        for mut kept in self.kept(model)? {
            let before = kept.monitors.clone();
            for ((group, rung), (n, n_wrong)) in counts(&kept, rows) {
                let monitor = kept.monitors.iter_mut().find(|(name, _)| *name == group);
                if let Some((_, monitor)) = monitor {
                    let looked = monitor.update(Audited { rung, n, n_wrong });
                    looked.map_err(|error| Error::Policy(error.to_string()))?;
                }
            }
            if kept.monitors != before {
                let statement = "UPDATE plinth_promises SET monitors = $1 WHERE model = $2 AND policy = $3";
                let monitors = Value::Text(written("monitors", &kept.monitors)?);
                let parameters = [monitors, Value::text(model), Value::text(&kept.policy)];
                execute(self.database, statement, &parameters)?;
            }
        }
        Ok(())
    }

    /// A finding for each promise that is broken.
    pub(crate) fn broken_promises(&self, model: &str) -> Result<Vec<Finding>> {
        let statuses = self.kept(model)?.iter().map(status).collect::<Vec<_>>();
        let broken = statuses.into_iter().filter(|status| status.rung > 0);
        Ok(broken.map(|status| finding(&status)).collect())
    }

    fn kept(&self, model: &str) -> Result<Vec<Kept>> {
        let statement = "SELECT policy, target, statement, monitors FROM plinth_promises WHERE model = $1 ORDER BY policy";
        let rows = execute(self.database, statement, &[Value::text(model)])?;
        let kept = |row: Vec<Value>| {
            let [policy, target, statement, monitors] = <[Value; 4]>::try_from(row).ok()?;
            let (target, monitors) = (target.into_text()?, monitors.into_text()?);
            let (policy, statement) = (policy.into_text()?, statement.into_text()?);
            let read = || {
                Ok(Kept {
                    policy,
                    target: parsed("a target", &target)?,
                    statement,
                    monitors: parsed("monitors", &monitors)?,
                })
            };
            Some(read())
        };
        rows.into_iter().filter_map(kept).collect()
    }
}

/// How many audited rows of a policy there are and how many are wrong, by group and rung.
fn counts(kept: &Kept, rows: &[Row]) -> BTreeMap<(String, usize), (u64, u64)> {
    let mut counts = BTreeMap::new();
    for row in rows.iter().filter(|row| row.audit.policy == kept.policy) {
        if let Some(is_wrong) = is_wrong(kept.target, row) {
            let (n, n_wrong): &mut (u64, u64) =
                counts.entry((row.audit.group.clone(), row.audit.rung)).or_default();
            *n += 1;
            *n_wrong += u64::from(is_wrong);
        }
    }
    counts
}

/// Whether the edge was wrong as the promise means it; none if this row does not say.
fn is_wrong(target: Target, Row { audit, label }: &Row) -> Option<bool> {
    match (target, label) {
        (Target::Disagreement, None) => Some(audit.edge != audit.cloud),
        (Target::Error, Some(label)) => Some(audit.edge != *label),
        (Target::Regret, Some(label)) => Some(audit.edge != *label && audit.cloud == *label),
        (Target::Disagreement, Some(_)) | (Target::Error | Target::Regret, None) => None,
    }
}

fn status(kept: &Kept) -> PromiseStatus {
    let ladder = |(group, monitor): &(String, PromiseMonitor)| {
        let (n, n_wrong) = monitor.losses();
        LadderStatus {
            group: group.clone(),
            rung: monitor.rung(),
            is_suspended: monitor.is_suspended(),
            n,
            n_wrong,
            log_e_value: monitor.log_e_value(),
        }
    };
    let ladders: Vec<LadderStatus> = kept.monitors.iter().map(ladder).collect();
    PromiseStatus {
        policy: kept.policy.clone(),
        statement: kept.statement.clone(),
        rung: ladders.iter().map(|ladder| ladder.rung).max().unwrap_or_default(),
        ladders,
    }
}

fn finding(status: &PromiseStatus) -> Finding {
    let is_suspended = status.ladders.iter().any(|ladder| ladder.is_suspended);
    let now = if is_suspended {
        "every row is escalated".to_owned()
    } else {
        format!("rung {} is in use", status.rung)
    };
    Finding {
        judgement: Judgement::Worse,
        subject: format!("promise of policy {}", status.policy),
        text: format!(
            "audited rows show that this does not hold: {} Now {now}; calibrate again",
            status.statement
        ),
        since: None,
    }
}

//! Counters as a report wants them: the windows in the order of time, and the segments over all of them.

use std::collections::BTreeMap;

use evaluation::{Named, Profile, Report, Rules, Windows};

use crate::{
    Database, Result, Store, Value,
    database::execute,
    model::{Model, parsed},
};

/// Which windows a report is of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// From this time on, in seconds since 1970.
    pub from: Option<f64>,
    /// Before this time.
    pub to: Option<f64>,
    /// Of this segment only, `name=value`.
    pub segment: Option<String>,
}

impl Selection {
    /// The numbers of the first window and of the last.
    fn windows(&self, windows: Windows) -> (i64, i64) {
        let first = self.from.and_then(|from| windows.of(0, Some(from)));
        let last = self.to.and_then(|to| windows.of(0, Some(to.next_down())));
        (first.unwrap_or(i64::MIN), last.unwrap_or(i64::MAX))
    }
}

/// Profiles of a selection.
#[derive(Default)]
pub(crate) struct Selected {
    pub(crate) windows: Vec<(i64, Profile)>,
    pub(crate) segments: BTreeMap<String, Profile>,
}

impl<D: Database> Store<'_, D> {
    /// The report of what has been counted.
    ///
    /// # Errors
    /// [`crate::Error::NoBaseline`], [`crate::Error::Database`].
    pub fn report(&self, model: &str, selection: &Selection, rules: Rules) -> Result<Report> {
        let known = self.model(model)?;
        let selected = self.selected(model, &known, selection)?;
        let mut report = self.report_of(&known, selected, rules, selection == &Selection::default())?;
        if report.model.is_empty() {
            model.clone_into(&mut report.model);
        }
        report.current.account.orphan = self.orphans(model)?;
        Ok(report)
    }

    /// How many labels wait for their prediction.
    fn orphans(&self, model: &str) -> Result<u64> {
        let statement = "SELECT count(*) FROM plinth_keys WHERE model = $1 AND is_orphan = 1";
        let rows = execute(self.database, statement, &[Value::text(model)])?;
        let n = rows.first().and_then(|row| row.first()?.integer());
        Ok(n.and_then(|n| u64::try_from(n).ok()).unwrap_or_default())
    }

    pub(crate) fn selected(&self, model: &str, known: &Model, selection: &Selection) -> Result<Selected> {
        let windows = Windows::Seconds(known.settings.cut.window_s);
        let (first, last) = selection.windows(windows);
        let statement = "SELECT segment, start, profile FROM plinth_profiles WHERE model = $1 AND start >= $2 AND start <= $3 \
             ORDER BY segment, start";
        let parameters = [Value::text(model), Value::Integer(first), Value::Integer(last)];
        let wanted = selection.segment.as_deref().unwrap_or_default();
        let mut selected = Selected::default();
        for row in execute(self.database, statement, &parameters)? {
            let [Value::Text(segment), Value::Integer(window), Value::Text(profile)] = row.as_slice() else {
                continue;
            };
            let is_segment = !segment.is_empty();
            if segment == wanted {
                selected.windows.push((*window, parsed("a profile", profile)?));
            }
            if is_segment && wanted.is_empty() {
                selected.add(segment, parsed("a profile", profile)?)?;
            }
        }
        Ok(selected)
    }
}

impl Selected {
    fn add(&mut self, segment: &str, profile: Profile) -> Result<()> {
        match self.segments.get_mut(segment) {
            Some(known) => known.merge(&profile)?,
            None => drop(self.segments.insert(segment.to_owned(), profile)),
        }
        Ok(())
    }

    /// The windows and the segments by name.
    pub(crate) fn named(self, windows: Windows) -> (Vec<Named>, Vec<Named>) {
        let window = |(window, profile)| Named { name: windows.start(window), profile };
        let segment = |(name, profile)| Named { name, profile };
        (self.windows.into_iter().map(window).collect(), self.segments.into_iter().map(segment).collect())
    }
}

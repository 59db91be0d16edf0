//! `plinth evaluate run` and `report`: rows into profiles of windows and segments, and those into the report.

use std::{
    collections::{BTreeMap, HashSet, btree_map::Entry},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use evaluation::{
    Account, Baseline, ClientKey, FORM, Frame, Judgement, Labels, Named, Profile, Report, Row, Rules,
    Tolerance, Windows,
};
use metrics::interval::Confidence;
use serde::{Deserialize, Serialize};

use super::{
    arguments::{Cut, Data, Outputs},
    baseline::count_label,
    columns::Columns,
    labels,
    read::{self, Batch, Buffers},
};
use crate::{
    batch::runtime,
    failure::{Misuse, Outcome},
    files,
    settings::processors,
};

/// What `plinth evaluate run` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The baseline that `plinth evaluate baseline` wrote
    #[arg(long, value_name = "FILE")]
    baseline: PathBuf,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    cut: Cut,
    #[command(flatten)]
    outputs: Outputs,
    /// Write the counters, which `plinth evaluate report` merges with others
    #[arg(long, value_name = "FILE")]
    profiles: Option<PathBuf>,
}

/// What `plinth evaluate report` takes.
#[derive(clap::Args)]
pub(crate) struct ReportArgs {
    /// The baseline of all profiles
    #[arg(long, value_name = "FILE")]
    baseline: PathBuf,
    /// Files that `plinth evaluate run --profiles` wrote
    #[arg(required = true)]
    profiles: Vec<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
}

/// Counters of some rows, by window and by segment.
#[derive(Serialize, Deserialize)]
struct Profiles {
    form: u32,
    /// The digest of the baseline's frame.
    baseline: String,
    windows_of: String,
    windows: BTreeMap<i64, Profile>,
    segments: BTreeMap<String, Profile>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let baseline = read_baseline(&args.baseline)?;
    let profiles = runtime(processors())?.block_on(counted(args, &baseline.frame))?;
    if let Some(path) = &args.profiles {
        files::write(
            path,
            &serde_json::to_vec(&profiles).context("the profiles cannot be written as JSON")?,
        )?;
    }
    finish(&baseline, profiles, &args.outputs)
}

pub(crate) fn report(args: &ReportArgs) -> Result<Outcome> {
    let baseline = read_baseline(&args.baseline)?;
    let mut all: Option<Profiles> = None;
    for path in &args.profiles {
        let found: Profiles = parsed(path)?;
        baseline
            .frame
            .check_digest("profiles", &found.baseline)
            .with_context(|| format!("`{}`", path.display()))?;
        match &mut all {
            None => all = Some(found),
            Some(all) => merge(all, found).with_context(|| format!("`{}`", path.display()))?,
        }
    }
    finish(&baseline, all.context("no profiles")?, &args.outputs)
}

fn merge(all: &mut Profiles, found: Profiles) -> Result<()> {
    if all.windows_of != found.windows_of {
        let message =
            format!("expected windows of {}, found windows of {}", all.windows_of, found.windows_of);
        return Err(Misuse(message).into());
    }
    for (window, profile) in found.windows {
        merge_into(&mut all.windows, window, profile)?;
    }
    for (segment, profile) in found.segments {
        merge_into(&mut all.segments, segment, profile)?;
    }
    Ok(())
}

fn merge_into<K: Ord>(profiles: &mut BTreeMap<K, Profile>, name: K, profile: Profile) -> Result<()> {
    match profiles.get_mut(&name) {
        Some(present) => Ok(present.merge(&profile)?),
        None => {
            profiles.insert(name, profile);
            Ok(())
        }
    }
}

/// What one pass over the rows counts.
struct Pass<'a> {
    frame: &'a Frame,
    cut: &'a Cut,
    windows: Windows,
    horizon: Option<f64>,
    labels: Option<Labels>,
    seen: HashSet<ClientKey>,
    n_rows: u64,
    found: Profiles,
}

async fn counted(args: &Args, frame: &Frame) -> Result<Profiles> {
    let windows = args.cut.window.unwrap_or(if args.data.time.is_some() {
        Windows::Seconds(86_400)
    } else {
        Windows::Rows(u64::MAX)
    });
    if matches!(windows, Windows::Seconds(_)) && args.data.time.is_none() {
        return Err(Misuse(
            "--window: windows by time need --time; without it use such as `1000rows`".to_owned(),
        )
        .into());
    }
    let labels = if args.cut.labels.is_empty() { None } else { Some(labels::read(&args.cut).await?) };
    let mut pass = Pass {
        frame,
        cut: &args.cut,
        windows,
        horizon: horizon(args.cut.horizon)?,
        labels,
        seen: HashSet::new(),
        n_rows: 0,
        found: Profiles {
            form: FORM,
            baseline: frame.digest(),
            windows_of: windows.to_string(),
            windows: BTreeMap::new(),
            segments: BTreeMap::new(),
        },
    };
    let columns = Columns::new(&frame.schema, &args.data, &args.cut.segment);
    let table = read::open(&args.data.data).await?;
    read::each_batch(&table, &columns.query, |batch| {
        let batch_of = Batch::new(batch, &columns, &frame.schema)?;
        let mut buffers = Buffers::default();
        (0..batch.num_rows()).try_for_each(|row| pass.add(&batch_of, row, &mut buffers))
    })
    .await?;
    pass.finish()
}

fn horizon(horizon: Option<Windows>) -> Result<Option<f64>> {
    match horizon {
        None => Ok(None),
        Some(Windows::Seconds(seconds)) => Ok(Some(seconds as f64)),
        Some(Windows::Rows(_)) => Err(Misuse("--horizon: expected a time such as `7d`".to_owned()).into()),
    }
}

impl Pass<'_> {
    fn add<'a>(&mut self, batch: &Batch<'a>, place: usize, buffers: &mut Buffers<'a>) -> Result<()> {
        let mut row = batch.row(place, buffers);
        let time = batch.time(place)?;
        let key = batch.key(place);
        let window = self.windows.of(self.n_rows, time).unwrap_or(i64::MIN);
        self.n_rows += 1;
        if let Some(key) = &key
            && !self.seen.insert(key.clone())
        {
            profile(&mut self.found.windows, window, self.frame)?.account.repeated += 1;
            return Ok(());
        }
        let mut account = Account::default();
        if let (Some(labels), Some(key)) = (&mut self.labels, &key) {
            let label = labels.take(key, time, self.horizon, &mut account);
            row.truth = label.and_then(|label| evaluation::truth(&self.frame.schema.task, &label.value));
        }
        let is_beside = self.labels.is_none() && batch.has_label();
        let names = self.cut.segment.iter().zip(batch.segments(place));
        let names: Vec<String> = names.map(|(column, value)| format!("{column}={value}")).collect();
        let joined = if is_beside { None } else { Some(&account) };
        count(profile(&mut self.found.windows, window, self.frame)?, self.frame, &row, joined);
        for name in names {
            count(profile(&mut self.found.segments, name, self.frame)?, self.frame, &row, joined);
        }
        Ok(())
    }

    /// What labels are left to account for goes into the last window.
    fn finish(mut self) -> Result<Profiles> {
        if let (Some(labels), Some(last)) = (&self.labels, self.found.windows.last_entry()) {
            last.into_mut().account.merge(&labels.rest());
        }
        Ok(self.found)
    }
}

fn profile<'a, K: Ord>(
    profiles: &'a mut BTreeMap<K, Profile>,
    name: K,
    frame: &Frame,
) -> Result<&'a mut Profile> {
    Ok(match profiles.entry(name) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => entry.insert(Profile::new(frame)?),
    })
}

/// Counts a row: with what joining said of its label, or with the label that stands beside it.
fn count(profile: &mut Profile, frame: &Frame, row: &Row<'_>, joined: Option<&Account>) {
    profile.add(frame, row);
    match joined {
        Some(account) => profile.account.merge(account),
        None => count_label(profile, row.truth.is_some()),
    }
}

fn finish(baseline: &Baseline, profiles: Profiles, outputs: &Outputs) -> Result<Outcome> {
    let windows_of: Windows = profiles.windows_of.parse()?;
    let window = |(window, profile)| Named { name: name_of(windows_of, window), profile };
    let windows: Vec<Named> = profiles.windows.into_iter().map(window).collect();
    let segments: Vec<Named> =
        profiles.segments.into_iter().map(|(name, profile)| Named { name, profile }).collect();
    let report = evaluation::report(baseline, &windows, &segments, rules(outputs)?, None)?;
    if let Some(path) = &outputs.html {
        files::write(path, report.page().as_bytes())?;
    }
    if let Some(path) = &outputs.json {
        files::write(
            path,
            &serde_json::to_vec_pretty(&report).context("the report cannot be written as JSON")?,
        )?;
    }
    print_report(&report, outputs);
    Ok(if outputs.fail_on_alarm && report.is_alarm() { Outcome::Alarm } else { Outcome::Done })
}

fn name_of(windows: Windows, window: i64) -> String {
    if window == i64::MIN { "without a time".to_owned() } else { windows.start(window) }
}

fn rules(outputs: &Outputs) -> Result<Rules> {
    let confidence =
        Confidence::new(outputs.confidence).map_err(|error| Misuse(format!("--confidence: {error}")))?;
    Ok(Rules { confidence, tolerance: Tolerance(outputs.tolerance), ..Rules::default() })
}

fn print_report(report: &Report, outputs: &Outputs) {
    println!(
        "{} rows in {} windows, {} with a label",
        report.current.n_rows,
        report.windows.len(),
        report.current.n_labelled
    );
    for metric in &report.current.metrics {
        let range = metric.estimate.interval;
        let range = range.map_or_else(String::new, |it| format!(" [{:.4}, {:.4}]", it.lower, it.upper));
        println!("  {:<30} {:.4}{range}", metric.name, metric.estimate.value);
    }
    for finding in &report.findings {
        let grade = if finding.judgement == Judgement::Worse { "ALARM" } else { "watch" };
        let since = finding.since.as_deref().map_or_else(String::new, |since| format!(", since {since}"));
        println!("{grade}: {}: {}{since}", finding.subject, finding.text);
    }
    if report.findings.is_empty() {
        println!("nothing has changed that chance would not explain");
    }
    for path in [&outputs.html, &outputs.json].into_iter().flatten() {
        println!("report: {}", path.display());
    }
}

pub(super) fn read_baseline(path: &Path) -> Result<Baseline> {
    let baseline: Baseline = parsed(path)?;
    if baseline.form != FORM {
        let message =
            format!("`{}`: expected a baseline of form {FORM}, found {}", path.display(), baseline.form);
        return Err(Misuse(message).into());
    }
    Ok(baseline)
}

fn parsed<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = files::read(path)?;
    Ok(serde_json::from_slice(&text).map_err(|error| Misuse(format!("`{}`: {error}", path.display())))?)
}

//! `plinth evaluate watch`: files that grow in number and length, told to `evaluate` as they come; its alarms go to a webhook and to the
//! terminal. Counting, judging and sending is what the function does, here as behind a server: this only reads files and asks it.

mod client;
mod rows;
mod taken;

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use evaluation::{Baseline, Windows};
use futures::{FutureExt as _, channel::oneshot, future, pin_mut};
use host::{Application, Limits, Server};

use self::{client::Client, taken::Taken};
use super::{
    arguments::{Cut, Data},
    run::read_baseline,
};
use crate::{failure::Misuse, failure::Outcome, files, serve, settings};

/// What `plinth evaluate watch` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The baseline that `plinth evaluate baseline` wrote
    #[arg(long, value_name = "FILE")]
    baseline: PathBuf,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    cut: Cut,
    /// The model's name [default: that of the baseline]
    #[arg(long)]
    model: Option<String>,
    /// Where counters, alarms, and which rows were taken are kept
    #[arg(long, value_name = "FOLDER")]
    state_dir: PathBuf,
    /// Tell the rows to a server with `/evaluate/` instead of evaluating them here
    #[arg(long, conflicts_with_all = ["webhook", "listen"])]
    url: Option<String>,
    /// Where alarms are sent, signed with `PLINTH_WEBHOOK_SECRET` of the environment if that is there
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Where the report can be seen meanwhile, at `/evaluate/`; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How long to wait before looking again
    #[arg(long, value_name = "LENGTH", default_value = "60s")]
    every: Windows,
    /// Look once, and end
    #[arg(long)]
    once: bool,
    /// Exit with code 5 as soon as an alarm is raised
    #[arg(long)]
    fail_on_alarm: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let baseline = read_baseline(&args.baseline)?;
    let every = match args.every {
        Windows::Seconds(seconds) => Duration::from_secs(seconds),
        Windows::Rows(_) => return Err(Misuse("--every: expected a time such as `60s`".to_owned()).into()),
    };
    std::fs::create_dir_all(&args.state_dir)
        .with_context(|| format!("cannot make the folder `{}`", args.state_dir.display()))?;
    let runtime = host::runtime()?;
    let workers = runtime.workers();
    runtime.block_on(async {
        let stop = host::termination()?;
        let Some(url) = &args.url else {
            let engine = settings::engine_for_serving(Limits::default().concurrent_requests, false)?;
            let evaluation = serve::evaluation(args.state_dir.clone(), args.webhook.as_deref(), 0.0)?;
            let application = Application::of_evaluation(evaluation);
            let server = Server::bind(application, &engine, &Limits::default(), args.listen).await?;
            let url = format!("http://{}", server.local_addr());
            println!("report: {url}/evaluate/");
            let (end, ended) = oneshot::channel::<()>();
            let watched = async {
                let outcome = watch(args, &baseline, &url, every, stop).await;
                drop(end);
                outcome
            };
            return future::join(server.run(workers, ended.map(drop)), watched).await.1;
        };
        watch(args, &baseline, url, every, stop).await
    })
}

/// Looks until it is asked to stop, or once.
async fn watch(
    args: &Args,
    baseline: &Baseline,
    url: &str,
    every: Duration,
    stop: impl Future<Output = ()>,
) -> Result<Outcome> {
    pin_mut!(stop);
    let watcher = Watcher::start(args, baseline, url).await?;
    let mut known: BTreeSet<String> = watcher.client.alarms().await?.into_iter().map(|it| it.id).collect();
    loop {
        let looked = watcher.look();
        pin_mut!(looked);
        match future::select(looked, &mut stop).await {
            future::Either::Left((looked, _)) => looked?,
            future::Either::Right(_) => return Ok(Outcome::Done),
        }
        let raised = watcher.client.alarms().await?;
        let new: Vec<_> = raised.into_iter().filter(|alarm| known.insert(alarm.id.clone())).collect();
        for alarm in &new {
            println!("ALARM: {}: {}", alarm.subject, alarm.data.text);
        }
        if args.fail_on_alarm && !new.is_empty() {
            return Ok(Outcome::Alarm);
        }
        if args.once {
            return Ok(Outcome::Done);
        }
        let pause = tokio::time::sleep(every);
        pin_mut!(pause);
        if let future::Either::Right(_) = future::select(pause, &mut stop).await {
            return Ok(Outcome::Done);
        }
    }
}

/// Who looks at the files.
struct Watcher<'a> {
    args: &'a Args,
    baseline: &'a Baseline,
    client: Client,
    /// The file that says which rows were taken.
    taken: PathBuf,
}

impl<'a> Watcher<'a> {
    /// Gives the model its baseline.
    async fn start(args: &'a Args, baseline: &'a Baseline, url: &str) -> Result<Self> {
        let model = args.model.clone().unwrap_or_else(|| baseline.model.clone());
        let client = Client::new(url, &model)?;
        client.put_baseline(&settings_of(&args.cut)?, files::read(&args.baseline)?).await?;
        Ok(Self { args, baseline, client, taken: args.state_dir.join("watched.json") })
    }

    /// Takes what is new, and has it counted.
    async fn look(&self) -> Result<()> {
        let mut taken = Taken::read(&self.taken)?;
        let (mut n_rows, mut n_labels) = (0, 0);
        for file in taken::grown(&self.args.data.data, &taken).await? {
            let n_new = rows::tell(self.args, self.baseline, &file, &self.client).await?;
            taken.write(&self.taken, file, n_new)?;
            n_rows += n_new;
        }
        for file in taken::grown(&self.args.cut.labels, &taken).await? {
            let n_new = rows::tell_labels(&self.args.cut, &file, &self.client).await?;
            taken.write(&self.taken, file, n_new)?;
            n_labels += n_new;
        }
        if n_rows + n_labels > 0 {
            println!("{n_rows} rows, {n_labels} labels");
        }
        self.client.fold().await
    }
}

/// How rows are cut, as the query of a baseline has it.
fn settings_of(cut: &Cut) -> Result<Vec<(&'static str, String)>> {
    let mut settings = Vec::new();
    for (name, length) in [("window", cut.window), ("horizon", cut.horizon)] {
        match length {
            Some(Windows::Rows(_)) => {
                let message =
                    format!("--{name}: expected a time such as `1d`; a watch has no windows of rows");
                return Err(Misuse(message).into());
            }
            Some(length) => settings.push((name, length.to_string())),
            None => {}
        }
    }
    settings.extend(cut.segment.iter().map(|segment| ("segment", segment.clone())));
    Ok(settings)
}

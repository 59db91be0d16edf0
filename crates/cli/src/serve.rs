//! `plinth serve`: models served without a manifest, by the function that this program carries.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use engine::Engine;
use host::{AllowedHosts, Application, Evaluation, Limits};

use crate::{models, settings, up};

/// What `plinth serve` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// ONNX files and packed models; an ONNX file is packed in memory and named for its file
    #[arg(required = true)]
    models: Vec<PathBuf>,
    /// Where to listen; port 0 takes any free one
    #[arg(long, default_value = up::LISTEN)]
    listen: SocketAddr,
    /// The share of rows that is told to `/evaluate/`, from 0 to 1, by key
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, requires = "state_dir")]
    capture_rate: f64,
    /// Where `/evaluate/` keeps what it is told; without a folder nothing is captured or evaluated
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<PathBuf>,
    /// Where alarms are sent, signed with `PLINTH_WEBHOOK_SECRET` of the environment if that is there
    #[arg(long, value_name = "URL", requires = "state_dir")]
    webhook: Option<String>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let engine = settings::engine_for_tools()?;
    let models = args.models.iter().map(|path| model(&engine, path)).collect::<Result<_>>()?;
    let evaluation = |folder| evaluation(folder, args.webhook.as_deref(), args.capture_rate);
    let evaluation = args.state_dir.clone().map(evaluation).transpose()?;
    let application = Application::of_models(models, function("grpc")?.into(), evaluation)?;
    up::serve(application, &Limits::default(), args.listen)
}

/// The function `evaluate`, which keeps what it is told in a folder and sends alarms to `webhook`.
pub(crate) fn evaluation(
    state_folder: PathBuf,
    webhook: Option<&str>,
    capture_rate: f64,
) -> Result<Evaluation> {
    let mut environment = Vec::new();
    let mut hosts = Vec::new();
    if let Some(url) = webhook {
        let origin = origin(url).with_context(|| format!("--webhook: expected a URL, found `{url}`"))?;
        hosts.push(origin);
        environment.push(("PLINTH_WEBHOOK_URL".to_owned(), url.to_owned()));
    }
    let secret = std::env::var("PLINTH_WEBHOOK_SECRET").ok();
    environment.extend(secret.map(|secret| ("PLINTH_WEBHOOK_SECRET".to_owned(), secret)));
    Ok(Evaluation {
        component: function("evaluate")?.into(),
        state_folder,
        capture_rate,
        environment,
        allowed_outbound_hosts: AllowedHosts::parse(hosts.iter().map(String::as_str))?,
    })
}

/// A URL up to its path.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next().filter(|authority| !authority.is_empty())?;
    Some(format!("{scheme}://{authority}"))
}

fn function(name: &str) -> Result<&'static [u8]> {
    artifacts::function(name).with_context(|| format!("this program carries no `{name}` function"))
}

fn model(engine: &Engine, path: &Path) -> Result<host::Model> {
    let opened = models::open(engine, path)?;
    let plugged = |name| Ok::<_, anyhow::Error>(engine::plug(function(name)?, &opened.wasm)?.into());
    Ok(host::Model {
        name: opened.model.metadata().name.clone(),
        component: plugged("predict")?,
        batch_chunk: plugged("batch-chunk")?,
    })
}

//! `plinth serve`: models served without a manifest, by the function that this program carries.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use host::{AllowedHosts, Application, EdgeCheck, Evaluation, Limits};
use two_phase::{Policy, outputs::ONNX_DIGEST};

use crate::models::Opened;
use crate::{failure::Misuse, files, models, settings, up};

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
    /// A small model that answers first at `/edge-check/<its name>`: one of the others is asked when the policy says so
    #[arg(long, value_name = "MODEL", requires = "policy")]
    edge: Option<PathBuf>,
    /// The policy that `plinth calibrate` made of both
    #[arg(long, value_name = "FILE", requires = "edge")]
    policy: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let engine = settings::engine_for_tools()?;
    let opened: Vec<Opened> = args
        .models
        .iter()
        .chain(&args.edge)
        .map(|path| models::open(&engine, path))
        .collect::<Result<_>>()?;
    let edge_check = args.policy.as_ref().map(|path| edge_check(&args, path, &opened)).transpose()?;
    let models = opened.iter().map(model).collect::<Result<_>>()?;
    let evaluation = |folder| evaluation(folder, args.webhook.as_deref(), args.capture_rate);
    let evaluation = args.state_dir.clone().map(evaluation).transpose()?;
    let application = Application::of_models(models, function("grpc")?.into(), evaluation)?;
    let application = match edge_check {
        Some(edge_check) => application.with_edge_check(edge_check),
        None => application,
    };
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

fn model(opened: &Opened) -> Result<host::Model> {
    let plugged = |name| Ok::<_, anyhow::Error>(engine::plug(function(name)?, &opened.wasm)?.into());
    Ok(host::Model {
        name: opened.model.metadata().name.clone(),
        component: plugged("predict")?,
        batch_chunk: plugged("batch-chunk")?,
    })
}

/// The function `edge-check` before the last of the models, which asks that of the others that the policy was made with.
fn edge_check(args: &Args, policy_path: &Path, opened: &[Opened]) -> Result<EdgeCheck> {
    let policy = Policy::from_json(&files::read(policy_path)?)?;
    let digest =
        |opened: &Opened| opened.model.metadata().property(ONNX_DIGEST).unwrap_or_default().to_owned();
    let (edge, clouds) = opened.split_last().context("there is no edge model")?;
    policy.check_edge(&digest(edge))?;
    let cloud = clouds.iter().find(|cloud| digest(cloud) == policy.cloud.onnx_sha256).ok_or_else(|| {
        let (name, digest) = (&policy.cloud.name, &policy.cloud.onnx_sha256);
        Misuse(format!(
            "--policy: expected the cloud model `{name}` with onnx_sha256 {digest} among those served"
        ))
    })?;
    let url = format!("http://self.alt/v1/models/{}:predict", cloud.model.metadata().name);
    let mut environment = vec![("PLINTH_CLOUD_URL".to_owned(), url)];
    environment.push(("PLINTH_POLICY".to_owned(), String::from_utf8(policy.to_json()?)?));
    if args.state_dir.is_some() {
        environment.push(("PLINTH_CAPTURE_RATE".to_owned(), args.capture_rate.to_string()));
    }
    Ok(EdgeCheck {
        model: edge.model.metadata().name.clone(),
        component: engine::plug(function("edge-check")?, &edge.wasm)?.into(),
        environment,
    })
}

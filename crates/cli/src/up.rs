//! `plinth up`: the application of a spin.toml, served in process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use host::{Application, Limits, Overrides, Server};

use crate::failure::Misuse;
use crate::settings;

/// Where Spin listens unless told otherwise.
pub(crate) const LISTEN: &str = "127.0.0.1:3000";

/// What `plinth up` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The manifest, or its folder
    #[arg(short = 'f', long = "from", default_value = "spin.toml")]
    from: PathBuf,
    /// Where to listen; port 0 takes any free one
    #[arg(long, default_value = LISTEN, env = "SPIN_HTTP_LISTEN_ADDR")]
    listen: SocketAddr,
    /// An environment variable for every component
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = assignment)]
    env: Vec<(String, String)>,
    /// A value for an application variable
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    variable: Vec<(String, String)>,
    /// Where the databases of components are [default: `.spin` beside the manifest]
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<PathBuf>,
    /// Run the components' build commands first
    #[arg(long)]
    build: bool,
    /// How long a request may take, in seconds; guests then check the time as they compute
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    deadline: Option<Duration>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let manifest = if args.from.is_dir() { args.from.join("spin.toml") } else { args.from };
    let overrides = Overrides {
        variables: args.variable.into_iter().collect(),
        environment: args.env,
        process: process_environment(),
    };
    let mut application = Application::read(&manifest, &overrides)?;
    if let Some(folder) = args.state_dir {
        application.state_folder = Some(folder);
    }
    if args.build {
        build(&application)?;
    }
    serve(application, &Limits { deadline: args.deadline, ..Limits::default() }, args.listen)
}

/// Serves until the process is asked to stop.
pub(crate) fn serve(application: Application, limits: &Limits, listen: SocketAddr) -> Result<()> {
    let engine = settings::engine_for_serving(limits.concurrent_requests, limits.deadline.is_some())?;
    let runtime = host::runtime()?;
    let workers = runtime.workers();
    runtime.block_on(async {
        let server = Server::bind(application, &engine, limits, listen).await?;
        for duplicate in server.duplicate_routes() {
            eprintln!("warning: {duplicate}");
        }
        let stop = host::termination()?;
        print!("{}", server.banner());
        server.run(workers, stop).await;
        Ok(())
    })
}

fn build(application: &Application) -> Result<()> {
    for build in application.components.iter().filter_map(|component| component.build.as_ref()) {
        for command in &build.commands {
            let status = Command::new("sh").arg("-c").arg(command).current_dir(&build.folder).status();
            let status = status.with_context(|| format!("cannot run `{command}`"))?;
            if !status.success() {
                return Err(Misuse(format!("`{command}` failed: {status}")).into());
            }
        }
    }
    Ok(())
}

fn process_environment() -> BTreeMap<String, String> {
    let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(utf8).collect()
}

fn assignment(argument: &str) -> Result<(String, String), String> {
    let (name, value) = argument.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn seconds(argument: &str) -> Result<Duration, String> {
    let seconds: f64 = argument.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

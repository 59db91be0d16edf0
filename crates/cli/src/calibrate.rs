//! `plinth calibrate`: the policy of Two-Phase Predictions, from rows that an edge model and a cloud model answer here. What a policy may
//! promise is the crate `two-phase`'s.

mod arguments;
mod rows;
mod show;

use anyhow::Result;
pub(crate) use arguments::Args;
use two_phase::{Calibration, calibrate::digest, outputs::classes};

use crate::{batch::runtime, files, models, settings};

pub(crate) fn run(args: &Args) -> Result<()> {
    let engine = settings::engine_for_tools()?;
    let edge = models::open(&engine, &args.edge)?.model;
    let cloud = models::open(&engine, &args.cloud)?.model;
    let edge_ref = args.edge_ref(edge.metadata())?;
    let cloud_ref = args.cloud_ref(cloud.metadata())?;
    let classes = classes(edge.metadata(), &edge_ref.outputs)?;
    let models = rows::Models { edge, edge_ref, cloud, cloud_ref, classes };
    let rows = runtime(settings::processors())?.block_on(rows::observed(args, &models))?;
    let calibration = Calibration {
        classes: models.classes.clone(),
        score: args.score(),
        calibrator: args.calibrator(),
        guard: args.guard(&rows.features),
        goal: args.goal(),
        grouping: args.grouping(),
        fit_share: args.fit_share,
        audit_share: args.audit_share,
        costs: args.costs(),
        data_sha256: digest(&rows.observed),
        edge: models.edge_ref,
        cloud: models.cloud_ref,
    };
    let policy = calibration.policy(&rows.observed)?;
    files::write(&args.output, &policy.to_json()?)?;
    if let Some(plot) = &args.plot {
        files::write(plot, policy.plot().as_bytes())?;
    }
    println!("{}", show::policy(&policy));
    println!("policy {} in {}", policy.id(), args.output.display());
    Ok(())
}

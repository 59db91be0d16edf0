//! The report of a run as Markdown. It only arranges what was measured; the caveats stand in `BENCHMARKS.md`.

use crate::cell::{Cell, Outcome};
use crate::native;
use crate::results::{ModelResults, Results};
use crate::runner::Subject;
use crate::sweep::Rows;
use crate::tables::{NOTHING, Table, ratio, size, spread, time};

/// A row may cost this much more in a larger batch before it counts as slower: two medians of one thing differ by as much.
const NOISE: f64 = 1.05;

/// The part of the cores that others may use before a run is a trial.
const QUIET: f64 = 0.1;

/// The whole report.
pub(crate) fn markdown(results: &Results) -> String {
    let parts = [
        circumstances(results),
        disturbance(results),
        "### Packing and compiling\n".to_owned(),
        packing(&results.models),
        "\n### Starting\n".to_owned(),
        starting(&results.models),
        "\n### Inference\n".to_owned(),
        inference(&results.models),
        notes(&results.models),
        "\n### Which plan serves which batch\n".to_owned(),
        plans(&results.models),
        "\n### What a row costs among others\n".to_owned(),
        sweep(&results.models),
    ];
    parts.join("\n")
}

fn circumstances(results: &Results) -> String {
    let Results { machine, profile, onnx_runtime, .. } = results;
    let [before, meanwhile, after] = used_by_others(results).map(|part| 100.0 * part);
    let floor = spread(&results.onnx_runtime_floor);
    [
        format!("- **When:** {} UTC, commit {}", machine.time, machine.commit),
        format!("- **Command:** `{}`, in `bench/`", machine.command),
        format!("- **Machine:** {}, {} cores, {}", machine.processor, machine.cores, machine.memory),
        format!("- **System:** {}, {}", machine.system, machine.rustc),
        format!(
            "- **Used by others:** {before:.0} % of the cores before the run, {meanwhile:.0} % on average"
        ),
        format!("  during it, {after:.0} % after it"),
        format!(
            "- **Peers:** tract {}, native; ONNX Runtime {onnx_runtime}, one thread, called",
            native::VERSION
        ),
        format!("  from Python, where calling an empty model takes {floor}"),
        format!("- **Effort:** at most {} rounds of {} ms a subject", profile.rounds, profile.slice_ms),
        format!("  and {} s a cell", profile.cell_budget_s),
        format!("- **A first model**, with nothing compiled before: packed in {}", time(results.first_pack)),
        String::new(),
    ]
    .join("\n")
}

/// A warning if something else ran.
fn disturbance(results: &Results) -> String {
    if used_by_others(results).into_iter().any(|part| part > QUIET) {
        "**The machine was busy with something else: a trial run, whose times mean little.**\n".to_owned()
    } else {
        String::new()
    }
}

/// Before, during and after the run.
const fn used_by_others(results: &Results) -> [f64; 3] {
    [results.machine.used_by_others, results.used_by_others_meanwhile, results.used_by_others_at_end]
}

fn packing(models: &[ModelResults]) -> String {
    let mut table = Table::new(&[
        "model",
        "ONNX",
        "packed",
        "of that data",
        "pack",
        "of that loading",
        "compile, nothing known",
        "compile, runtime known",
    ]);
    for ModelResults { name, stages, .. } in models {
        table.row(&[
            name.clone(),
            size(stages.onnx_bytes),
            size(stages.packed_bytes),
            size(stages.data_bytes),
            spread(&stages.pack),
            time(stages.load_in_wasm),
            spread(&stages.compile),
            spread(&stages.compile_known),
        ]);
    }
    table.markdown()
}

fn starting(models: &[ModelResults]) -> String {
    let mut table = Table::new(&[
        "model",
        "Plinth: start, compiled before",
        "of that reading",
        "make an instance",
        "make and end one, unused",
        "tract: load",
        "ONNX Runtime: load",
    ]);
    for ModelResults { name, stages, .. } in models {
        table.row(&[
            name.clone(),
            spread(&stages.start),
            time(stages.load_compiled.median),
            spread(&stages.instantiate),
            spread(&stages.instance),
            spread(&stages.tract_load),
            spread(&stages.onnx_runtime_load),
        ]);
    }
    table.markdown()
}

fn inference(models: &[ModelResults]) -> String {
    let mut table = Table::new(&[
        "model",
        "batch",
        "Plinth: instance and call",
        "first call",
        "later calls",
        "tract",
        "ONNX Runtime",
        "later ÷ tract",
        "later ÷ ONNX Runtime",
    ]);
    for (model, cell) in cells(models) {
        let subjects = [
            Subject::PlinthIsolated,
            Subject::PlinthFirst,
            Subject::PlinthWarm,
            Subject::Tract,
            Subject::OnnxRuntime,
        ];
        let peers = [Subject::Tract, Subject::OnnxRuntime];
        let mut row = vec![model.name.clone(), cell.batch.to_string()];
        row.extend(subjects.map(|subject| outcome(cell, subject)));
        row.extend(peers.map(|peer| ratio_of(cell, Subject::PlinthWarm, peer)));
        table.row(&row);
    }
    table.markdown()
}

fn outcome(cell: &Cell, subject: Subject) -> String {
    match cell.outcomes.get(&subject) {
        Some(Outcome::Measured { calls, .. }) => spread(calls),
        Some(Outcome::Failed(_)) => "failed".to_owned(),
        None if cell.left_out.is_some() => "left out".to_owned(),
        None => NOTHING.to_owned(),
    }
}

fn ratio_of(cell: &Cell, subject: Subject, to: Subject) -> String {
    cell.ratio(subject, to).map_or_else(|| NOTHING.to_owned(), ratio)
}

/// Why cells are missing or thin.
fn notes(models: &[ModelResults]) -> String {
    let mut notes = Vec::new();
    for (ModelResults { name, .. }, cell) in cells(models) {
        let is_thin = !cell.outcomes.contains_key(&Subject::PlinthIsolated);
        match &cell.left_out {
            Some(reason) => notes.push(format!("- {name} at {}: left out, {reason}.", cell.batch)),
            None if is_thin => {
                notes.push(format!("- {name} at {}: later calls only, for want of time.", cell.batch))
            }
            None => {}
        }
        if (1..3).contains(&cell.rounds) {
            notes.push(format!("- {name} at {}: rounds: {}, for want of time.", cell.batch, cell.rounds));
        }
        for (subject, reason) in cell.failures() {
            notes.push(format!("- {name} at {}: {subject} failed: {reason}.", cell.batch));
        }
    }
    if notes.is_empty() { String::new() } else { format!("\n{}", notes.join("\n")) }
}

fn plans(models: &[ModelResults]) -> String {
    let mut batches: Vec<u64> = cells(models).map(|(_, cell)| cell.batch).collect();
    batches.sort_unstable();
    batches.dedup();
    let mut headings = vec!["model".to_owned()];
    for batch in &batches {
        headings.push(format!("row at {batch}, any batch"));
        headings.push("fixed ÷ any, Wasm".to_owned());
        headings.push("native".to_owned());
    }
    let mut table = Table::new(&headings.iter().map(String::as_str).collect::<Vec<_>>());
    for model in models {
        let mut row = vec![model.name.clone()];
        for batch in &batches {
            row.extend(plan(model, *batch));
        }
        table.row(&row);
    }
    table.markdown()
}

/// A row of the one plan that a packed model has, and what a plan for this very batch would make of it.
fn plan(model: &ModelResults, batch: u64) -> [String; 3] {
    let Some(cell) = model.cells.iter().find(|cell| cell.batch == batch) else {
        return [NOTHING; 3].map(str::to_owned);
    };
    let row_seconds = cell.calls(Subject::PlinthWarm).map(|calls| calls.median / cell.batch as f64);
    [
        row_seconds.map_or_else(|| NOTHING.to_owned(), time),
        ratio_of(cell, Subject::PlinthFixed, Subject::PlinthWarm),
        ratio_of(cell, Subject::TractFixed, Subject::Tract),
    ]
}

fn sweep(models: &[ModelResults]) -> String {
    let mut batches: Vec<u64> = models.iter().flat_map(|model| &model.sweep).map(|rows| rows.batch).collect();
    batches.sort_unstable();
    batches.dedup();
    let mut headings = vec!["model".to_owned(), "a row alone".to_owned(), "its own plan".to_owned()];
    headings.extend(batches.iter().filter(|batch| **batch > 1).map(|batch| format!("of {batch}")));
    headings.push("more rows never dearer?".to_owned());
    let mut table = Table::new(&headings.iter().map(String::as_str).collect::<Vec<_>>());
    for model in models {
        for (subject, engine) in [(Subject::PlinthWarm, "Wasm"), (Subject::Tract, "native")] {
            table.row(&sweep_row(model, subject, engine, &batches));
        }
    }
    table.markdown()
}

/// The time of a row alone, and how many times that a row costs among others.
fn sweep_row(model: &ModelResults, subject: Subject, engine: &str, batches: &[u64]) -> Vec<String> {
    let find =
        |subject, batch| model.sweep.iter().find(|rows| rows.subject == subject && rows.batch == batch);
    let alone = find(subject, 1);
    let relative = |rows: Option<&Rows>| rows?.row_ratio(alone?);
    let shown = |value: Option<f64>| value.map_or_else(|| NOTHING.to_owned(), ratio);
    let larger: Vec<Option<f64>> =
        batches.iter().filter(|batch| **batch > 1).map(|batch| relative(find(subject, *batch))).collect();
    let is_wasm = subject == Subject::PlinthWarm;
    let own_plan = if is_wasm { relative(find(Subject::PlinthFixed, 1)) } else { None };
    let alone_seconds = alone.and_then(|rows| rows.outcome.calls()).map(|calls| calls.median);
    let mut row = vec![
        format!("{}, {engine}", model.name),
        alone_seconds.map_or_else(|| NOTHING.to_owned(), time),
        shown(own_plan),
    ];
    row.extend(larger.iter().copied().map(shown));
    row.push(verdict(&larger).to_owned());
    row
}

/// Whether a row among others costs no more than a row alone.
fn verdict(relative: &[Option<f64>]) -> &'static str {
    match relative.iter().flatten().copied().reduce(f64::max) {
        None => NOTHING,
        Some(worst) if worst <= 1.0 => "yes",
        Some(worst) if worst <= NOISE => "as cheap",
        Some(_) => "**no**",
    }
}

fn cells(models: &[ModelResults]) -> impl Iterator<Item = (&ModelResults, &Cell)> {
    models.iter().flat_map(|model| model.cells.iter().map(move |cell| (model, cell)))
}

//! An application made of models, without a manifest: what `plinth serve` serves.
//!
//! Each model answers at its own routes; the first one also answers at the server's own, such as `/v2/health/ready`. Calls of gRPC name
//! their model in the message: a component of their own takes them, which asks the application itself.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    application::{Application, Component, Route, Source, Target, Trigger},
    error::{Error, Result},
    files::Files,
    interfaces::DEFAULT_LABEL,
    outbound::AllowedHosts,
};

/// Where gRPC finds the service of the Open Inference Protocol.
const GRPC_ROUTE: &str = "/inference.GRPCInferenceService/...";

/// The component behind it, called as no model can be.
const GRPC_ID: &str = "gRPC service";

/// Where models are evaluated, and the component behind it.
const EVALUATION_ROUTE: &str = "/evaluate/...";
const EVALUATION_ID: &str = "evaluation";

/// A model behind a function.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its name in the routes.
    pub name: String,
    /// The function with the model plugged in.
    pub component: Arc<[u8]>,
    /// The function for chunks of rows with the model plugged in.
    pub batch_chunk: Arc<[u8]>,
}

/// The function that evaluates all models, and what it is told.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The function `evaluate`.
    pub component: Arc<[u8]>,
    /// Where it keeps what it is told.
    pub state_folder: std::path::PathBuf,
    /// The share of rows that is captured, from 0 to 1.
    pub capture_rate: f64,
    /// What the function's environment says besides, such as where alarms are sent.
    pub environment: Vec<(String, String)>,
    /// Where alarms may be sent.
    pub allowed_outbound_hosts: AllowedHosts,
}

/// The function that asks a larger model when its own must not answer.
#[derive(Clone, Debug)]
pub struct EdgeCheck {
    /// The name of the model that answers first.
    pub model: String,
    /// The function with that model plugged in.
    pub component: Arc<[u8]>,
    /// What the function's environment says, such as its policy.
    pub environment: Vec<(String, String)>,
}

impl Application {
    /// The same application, which also answers at `/edge-check/<model>`.
    #[must_use]
    pub fn with_edge_check(mut self, edge_check: EdgeCheck) -> Self {
        let id = format!("edge-check of {}", edge_check.model);
        self.triggers.push(trigger(format!("/edge-check/{}/...", edge_check.model), &id));
        self.components.push(Component {
            allowed_outbound_hosts: AllowedHosts::itself(),
            ..component(id, edge_check.component, edge_check.environment)
        });
        self
    }

    /// The application that serves `models` at `/v2/models/<name>/…`, `/v1/models/<name>:predict`,
    /// `/v1/models/<name>/…` and `/batch/<name>`, and the first one at what remains of `/v2/…` and `/v1/…`. The component `grpc` answers calls of gRPC,
    /// `evaluation`, if there is one, what begins with `/evaluate/`.
    ///
    /// # Errors
    /// [`Error::NoModel`], [`Error::ModelName`], [`Error::SameModelName`].
    pub fn of_models(models: Vec<Model>, grpc: Arc<[u8]>, evaluation: Option<Evaluation>) -> Result<Self> {
        let first = models.first().ok_or(Error::NoModel)?;
        let mut triggers =
            vec![trigger("/v2/...".to_owned(), &first.name), trigger("/v1/...".to_owned(), &first.name)];
        let mut seen = BTreeSet::new();
        for model in &models {
            check_name(&model.name)?;
            if !seen.insert(model.name.as_str()) {
                return Err(Error::SameModelName { name: model.name.clone() });
            }
            triggers.extend(routes_of(&model.name).map(|route| trigger(route, &model.name)));
            triggers.push(trigger(format!("/batch/{}/...", model.name), &batch_chunk_id(&model.name)));
        }
        triggers.push(trigger(GRPC_ROUTE.to_owned(), GRPC_ID));
        let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        let names = names.join(",");
        let mut environment = vec![("PLINTH_MODELS".to_owned(), names)];
        let captured =
            evaluation.as_ref().map(|it| ("PLINTH_CAPTURE_RATE".to_owned(), it.capture_rate.to_string()));
        environment.extend(captured);
        let hosts = || if evaluation.is_some() { AllowedHosts::itself() } else { AllowedHosts::default() };
        let of_model = |model: Model| {
            let of = |id, wasm| Component {
                allowed_outbound_hosts: hosts(),
                ..component(id, wasm, environment.clone())
            };
            [of(batch_chunk_id(&model.name), model.batch_chunk), of(model.name, model.component)]
        };
        let mut components: Vec<Component> = models.into_iter().flat_map(of_model).collect();
        components.push(Component {
            allowed_outbound_hosts: AllowedHosts::itself(),
            ..component(GRPC_ID.to_owned(), grpc, Vec::new())
        });
        let state_folder = evaluation.as_ref().map(|evaluation| evaluation.state_folder.clone());
        if let Some(evaluation) = evaluation {
            let (trigger, component) = evaluation.parts();
            triggers.push(trigger);
            components.push(component);
        }
        Ok(Self { name: "plinth-serve".to_owned(), version: None, components, state_folder, triggers })
    }

    /// The application that has no model and evaluates those of others, at `/evaluate/`.
    #[must_use]
    pub fn of_evaluation(evaluation: Evaluation) -> Self {
        let state_folder = Some(evaluation.state_folder.clone());
        let (trigger, component) = evaluation.parts();
        Self {
            name: "plinth-evaluate".to_owned(),
            version: None,
            components: vec![component],
            state_folder,
            triggers: vec![trigger],
        }
    }
}

impl Evaluation {
    fn parts(self) -> (Trigger, Component) {
        let component = Component {
            sqlite_databases: vec![DEFAULT_LABEL.to_owned()],
            allowed_outbound_hosts: self.allowed_outbound_hosts,
            ..component(EVALUATION_ID.to_owned(), self.component, self.environment)
        };
        (trigger(EVALUATION_ROUTE.to_owned(), EVALUATION_ID), component)
    }
}

/// The component that answers a model's chunks, called as no model can be.
fn batch_chunk_id(model: &str) -> String {
    format!("chunks of {model}")
}

fn routes_of(name: &str) -> impl Iterator<Item = String> {
    [format!("/v2/models/{name}/..."), format!("/v1/models/{name}/..."), format!("/v1/models/{name}:predict")]
        .into_iter()
}

/// One path segment that no router reads as a parameter or a wildcard and no client has to escape.
fn check_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '-');
    let is_dots = name.chars().all(|c| c == '.');
    if is_dots || !name.chars().all(is_plain) {
        return Err(Error::ModelName { name: name.to_owned() });
    }
    Ok(())
}

fn trigger(route: String, model: &str) -> Trigger {
    Trigger { id: None, route: Route::Public(route), target: Target::Component(model.to_owned()) }
}

fn component(id: String, wasm: Arc<[u8]>, environment: Vec<(String, String)>) -> Component {
    Component {
        id,
        description: None,
        source: Source::Bytes(wasm),
        dependencies: Vec::new(),
        dependencies_inherit_configuration: false,
        environment,
        variables: Default::default(),
        sqlite_databases: Vec::new(),
        key_value_stores: Vec::new(),
        files: Files::default(),
        allowed_outbound_hosts: AllowedHosts::default(),
        build: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Routes;

    fn of_models(names: &[&str]) -> Result<Application> {
        let model = |name: &&str| Model {
            name: (*name).to_owned(),
            component: Arc::from([]),
            batch_chunk: Arc::from([]),
        };
        Application::of_models(names.iter().map(model).collect(), Arc::from([]), None)
    }

    #[track_caller]
    fn check_path(names: &[&str], path: &str, expected: Option<&str>) {
        let application = of_models(names).unwrap();
        let (routes, duplicates) = Routes::new(&application.triggers).unwrap();
        assert!(duplicates.is_empty());
        let component = routes.find(path).map(|found| match &found.route().target {
            Target::Component(id) => id.clone(),
            Target::Static(_) => panic!("no static response was asked for"),
        });
        assert_eq!(component.as_deref(), expected, "`{path}`");
    }

    #[test]
    fn each_model_answers_at_its_own_routes() {
        let names = ["digits", "digits-edge"];
        check_path(&names, "/v2/models/digits", Some("digits"));
        check_path(&names, "/v2/models/digits/infer", Some("digits"));
        check_path(&names, "/v2/models/digits/versions/1/infer", Some("digits"));
        check_path(&names, "/v2/models/digits-edge/ready", Some("digits-edge"));
        check_path(&names, "/v1/models/digits-edge:predict", Some("digits-edge"));
        check_path(&names, "/v1/models/digits:predict", Some("digits"));
        check_path(&names, "/v1/models/digits", Some("digits"));
    }

    #[test]
    fn chunks_have_a_component_of_their_own() {
        let names = ["digits", "digits-edge"];
        check_path(&names, "/batch/digits-edge", Some("chunks of digits-edge"));
        check_path(&names, "/batch/digits/versions/1", Some("chunks of digits"));
        check_path(&names, "/batch/unknown", None);
    }

    #[test]
    fn the_first_model_answers_for_the_server() {
        let names = ["b", "a"];
        check_path(&names, "/v2", Some("b"));
        check_path(&names, "/v2/health/ready", Some("b"));
        check_path(&names, "/v2/models/unknown/infer", Some("b"));
        check_path(&names, "/v1/models/unknown:predict", Some("b"));
        check_path(&names, "/", None);
    }

    #[test]
    fn calls_of_grpc_have_a_component_of_their_own() {
        let names = ["gRPC", "grpc"];
        check_path(&names, "/inference.GRPCInferenceService/ModelInfer", Some(GRPC_ID));
        check_path(&names, "/v2/models/gRPC/infer", Some("gRPC"));
    }

    #[test]
    fn edge_check_has_a_route_of_its_own() {
        let edge_check =
            EdgeCheck { model: "small".to_owned(), component: Arc::from([]), environment: Vec::new() };
        let application = of_models(&["big", "small"]).unwrap().with_edge_check(edge_check);
        let (routes, _) = Routes::new(&application.triggers).unwrap();
        let found = |path: &str| routes.find(path).map(|found| found.route().target.clone());
        let expected = Some(Target::Component("edge-check of small".to_owned()));
        assert_eq!(found("/edge-check/small"), expected);
        assert_eq!(found("/edge-check/small/policy"), expected);
        assert_eq!(found("/edge-check/big"), None);
    }

    #[test]
    fn names_with_dots_keep_apart() {
        let names = ["mlp", "mlp.v2", "mlp.v2.1"];
        check_path(&names, "/v1/models/mlp.v2:predict", Some("mlp.v2"));
        check_path(&names, "/v2/models/mlp.v2.1/infer", Some("mlp.v2.1"));
        check_path(&names, "/v2/models/mlp/infer", Some("mlp"));
    }

    #[test]
    fn models_that_cannot_be_told_apart_are_errors() {
        assert!(matches!(of_models(&[]), Err(Error::NoModel)));
        assert!(matches!(of_models(&["a", "b", "a"]), Err(Error::SameModelName { name }) if name == "a"));
        for name in ["", "..", "a/b", ":a", "a:predict", "*", "a b", "é"] {
            assert!(matches!(of_models(&[name]), Err(Error::ModelName { .. })), "`{name}`");
        }
    }
}

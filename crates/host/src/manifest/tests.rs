//! Manifests, whole and broken. A broken one is checked against the lines that its user reads.

use super::*;
use crate::{
    application::{Component, Dependency, Route, Source},
    files::Mount,
};

const HEAD: &str = "spin_manifest_version = 2\napplication.name = \"it\"\n";

fn parse_with(text: &str, overrides: &Overrides) -> Result<Application, Vec<Problem>> {
    parse(text, PathBuf::from("/app"), overrides)
}

fn parsed(text: &str) -> Application {
    parse_with(&format!("{HEAD}{text}"), &Overrides::default()).unwrap()
}

fn component(keys: &str) -> Component {
    let component = parsed(&format!("[component.it]\nsource = \"it.wasm\"\n{keys}")).components.pop();
    component.unwrap()
}

/// `text` follows a right head; `expected` are all problems, in order.
#[track_caller]
fn check_problems(text: &str, expected: &[&str]) {
    let problems = parse_with(&format!("{HEAD}{text}"), &Overrides::default()).unwrap_err();
    let found: Vec<String> = problems.iter().map(Problem::to_string).collect();
    assert_eq!(found, expected);
}

/// `keys` are those of a component with a source.
#[track_caller]
fn check_component_problems(keys: &str, expected: &[&str]) {
    check_problems(&format!("[component.it]\nsource = \"it.wasm\"\n{keys}"), expected);
}

/// `keys` are those of an HTTP trigger; the component `it` exists.
#[track_caller]
fn check_trigger_problems(keys: &str, expected: &[&str]) {
    check_problems(&format!("[[trigger.http]]\n{keys}\n[component.it]\nsource = \"it.wasm\"\n"), expected);
}

#[test]
fn a_whole_manifest_is_read() {
    let text = r#"
        spin_manifest_version = 2
        [application]
        name = "demo"
        version = "1.2.3"
        description = "all keys"
        authors = ["someone"]
        targets = ["spin-up:4.1"]
        [application.trigger.http]
        base = "/"
        [application.tool.plinth]
        anything = { goes = true }
        [variables]
        api_host = { default = "example.com", description = "where", secret = true }
        token = { required = true }
        [[trigger.http]]
        id = "main"
        route = "/v1/..."
        component = "predict"
        executor = { type = "http" }
        [[trigger.http]]
        route = { private = true }
        component = "predict"
        [[trigger.http]]
        id = "console"
        route = "/"
        static_response = { status_code = 203, headers = { Content-Type = "text/html" }, body = "<p>" }
        [component.predict]
        source = "wasm/predict.wasm"
        description = "predicts"
        environment = { A = "1", B = "2" }
        variables = { url = "https://{{ api_host }}/{{ token }}" }
        files = ["data/*", { source = "assets", destination = "/" }]
        exclude_files = ["data/*.key"]
        allowed_outbound_hosts = ["https://{{ api_host }}", "http://*.spin.internal"]
        key_value_stores = []
        dependencies_inherit_configuration = true
        [component.predict.dependencies]
        "plinth:model/inference@0.1.0" = { path = "models/digits.wasm" }
        [component.predict.build]
        command = ["one", "two"]
        workdir = "src"
        watch = ["**/*.rs"]
        [component.predict.tool.other]
        key = 1
    "#;
    let overrides = Overrides {
        variables: BTreeMap::from([("token".to_owned(), "t".to_owned())]),
        environment: vec![("B".to_owned(), "3".to_owned())],
        process: BTreeMap::new(),
    };
    let application = parse_with(text, &overrides).unwrap();
    assert_eq!((application.name.as_str(), application.version.as_deref()), ("demo", Some("1.2.3")));

    let routes: Vec<&Route> = application.triggers.iter().map(|trigger| &trigger.route).collect();
    let public = |route: &str| Route::Public(route.to_owned());
    assert_eq!(routes, [&public("/v1/..."), &Route::Private, &public("/")]);
    let Target::Static(console) = &application.triggers[2].target else { panic!("not a static response") };
    assert_eq!((console.status.as_u16(), console.body.as_str()), (203, "<p>"));
    assert_eq!(console.headers["content-type"], "text/html");

    let predict = &application.components[0];
    assert_eq!((predict.id.as_str(), predict.description.as_deref()), ("predict", Some("predicts")));
    assert!(matches!(&predict.source, Source::File(path) if path == Path::new("/app/wasm/predict.wasm")));
    assert_eq!(predict.environment, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "3".to_owned())]);
    assert_eq!(predict.variables["url"], "https://example.com/t");
    assert_eq!(predict.files.mounts[0], Mount::Pattern("data/*".to_owned()));
    assert_eq!((predict.files.mounts.len(), predict.files.exclude.len()), (2, 1));
    assert!(predict.allowed_outbound_hosts.allows(&"https://example.com/x".parse().unwrap()));
    assert!(predict.dependencies_inherit_configuration);
    let name = "plinth:model/inference@0.1.0".to_owned();
    assert_eq!(predict.dependencies, [Dependency { name, path: "/app/models/digits.wasm".into() }]);
    let build = predict.build.as_ref().unwrap();
    assert_eq!((build.commands.len(), build.folder.as_path()), (2, Path::new("/app/src")));
}

#[test]
fn the_least_manifest_is_read() {
    let component = component("");
    assert!(component.environment.is_empty() && component.files.is_empty() && component.build.is_none());
    assert_eq!(component.allowed_outbound_hosts, Default::default());
}

#[test]
fn text_that_is_not_toml_is_one_problem_with_its_line() {
    let problems =
        parse_with("spin_manifest_version = 2\n[application\n", &Overrides::default()).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].to_string().contains("line 2"), "{}", problems[0]);
}

#[test]
fn unknown_and_missing_keys_are_problems() {
    check_problems(
        "[surprise]\n",
        &["`spin.toml`: unknown field `surprise`, expected one of `spin_manifest_version`, `application`, \
             `variables`, `trigger`, `component`"],
    );
    check_problems(
        "application.nam = \"x\"\n[variables]\na = { defualt = \"\" }\n[component.it]\ndescription = \"\"\n",
        &[
            "`application`: unknown field `nam`, expected one of `name`, `version`, `description`, `authors`, \
             `targets`, `trigger`, `tool`",
            "`variables.a`: unknown field `defualt`, expected one of `default`, `required`, `secret`, `description`",
            "`component.it`: missing field `source`",
        ],
    );
    check_component_problems(
        "environment = { A = 1 }\n",
        &["`component.it`: invalid type: integer `1`, expected a string in `environment.A`"],
    );
}

#[test]
fn another_version_is_a_problem() {
    let problems = parse_with("spin_manifest_version = 1\napplication.name = \"it\"", &Overrides::default());
    assert_eq!(problems.unwrap_err()[0].to_string(), "`spin_manifest_version`: expected 2, found 1");
}

#[test]
fn what_is_not_supported_yet_is_named_all_at_once() {
    check_problems(
        r#"
        application.trigger.redis.address = "x"
        application.trigger.http.base = "/base"
        [[trigger.redis]]
        channel = "x"
        component = "it"
        [component.it]
        source = { url = "https://example.com/it.wasm", digest = "sha256:0" }
        key_value_stores = ["default", "sessions"]
        sqlite_databases = ["history"]
        ai_models = ["llama2-chat"]
        allowed_http_hosts = ["example.com"]
        [component.it.dependencies]
        "a:b/c" = "1.0"
        "a:b/d" = { version = "1.0" }
        "a:b/e" = { path = "e.wasm", export = "x" }
        [component.other]
        source = { registry = "ttl.sh", package = "a:b", version = "1.0.0" }
        "#,
        &[
            "`application.trigger.http.base`: not supported yet",
            "`application.trigger.redis`: not supported yet",
            "`trigger.redis`: not supported yet",
            "`component.it.ai_models`: not supported yet",
            "`component.it.allowed_http_hosts`: the deprecated key is not supported yet: use `allowed_outbound_hosts`",
            "`component.it.sqlite_databases`: `history` is not defined: there is only `default`",
            "`component.it.key_value_stores`: `sessions` is not defined: there is only `default`",
            "`component.it.source`: `url` is not supported yet: give the path of a local file",
            "`component.it.dependencies.\"a:b/c\"`: a registry is not supported yet: give the path of a local file",
            "`component.it.dependencies.\"a:b/d\"`: a registry is not supported yet: give the path of a local file",
            "`component.it.dependencies.\"a:b/e\".export`: not supported yet",
            "`component.other.source`: a registry is not supported yet: give the path of a local file",
        ],
    );
}

#[test]
fn triggers_that_lead_nowhere_are_problems() {
    check_trigger_problems(
        "route = \"/\"\ncomponent = \"that\"",
        &["`trigger.http[0].component`: there is no `[component.that]`"],
    );
    let target = "`trigger.http[0]`: give either `component` or `static_response`";
    check_trigger_problems("route = \"/\"", &[target]);
    check_trigger_problems("route = \"/\"\ncomponent = \"it\"\nstatic_response = {}", &[target]);
    check_trigger_problems("component = \"it\"", &["`trigger.http[0]`: missing field `route`"]);
    check_trigger_problems(
        "route = \"/\"\ncomponent = { source = \"x.wasm\" }",
        &["`trigger.http[0].component`: a component written in the trigger is not supported yet: \
         write `[component.<id>]` and name it here"],
    );
}

#[test]
fn triggers_that_cannot_be_matched_or_run_are_problems() {
    let route = "`trigger.http[0].route`: write a path or `{ private = true }`";
    check_trigger_problems("route = { private = false }\ncomponent = \"it\"", &[route]);
    check_trigger_problems("route = 1\ncomponent = \"it\"", &[route]);
    check_trigger_problems(
        "route = \"/a/*/b\"\ncomponent = \"it\"",
        &[
            "`trigger.http[0].route`: in `/a/*/b` a wildcard is not the last segment: only `/...` at the end is one",
        ],
    );
    check_trigger_problems(
        "route = \"/\"\ncomponent = \"it\"\nexecutor = { type = \"wagi\" }",
        &["`trigger.http[0].executor`: another executor is not supported yet: use `{ type = \"http\" }`"],
    );
    check_trigger_problems(
        "route = \"/\"\ncomponent = \"it\"\ncomponents.a = [\"it\"]\ndependencies.middleware = [\"it\"]",
        &[
            "`trigger.http[0].components`: not supported yet",
            "`trigger.http[0].dependencies`: not supported yet",
        ],
    );
    check_trigger_problems(
        "route = \"/\"\nstatic_response = { status_code = 1000 }",
        &["`trigger.http[0].static_response`: 1000 is not a status code"],
    );
    check_trigger_problems(
        "route = \"/\"\nstatic_response = { headers = { \"a b\" = \"c\" } }",
        &["`trigger.http[0].static_response`: `a b: c` is not a header"],
    );
}

#[test]
fn names_that_spin_refuses_are_problems() {
    check_problems(
        "[variables]\nB-c = { default = \"\" }\n[component.resnet-50]\nsource = \"x\"\nvariables = { X = \"\" }\n",
        &[
            "`variables.B-c`: `B-c` has the character `-`: words are letters and digits, separated by `_`",
            "`component.resnet-50`: in `resnet-50` the word `50` starts with `5`: every word starts with a letter",
            "`component.resnet-50.variables.X`: in `X` the word `X` has the wrong case",
        ],
    );
}

#[test]
fn variables_without_a_value_are_problems() {
    check_problems(
        "[variables]\nneither = {}\nboth = { default = \"\", required = true }\n",
        &[
            "`variables.both`: give either `default` or `required = true`",
            "`variables.neither`: give either `default` or `required = true`",
        ],
    );
    check_problems(
        "[variables]\ntoken = { required = true }\n",
        &["`variables.token`: no value: give `--variable token=…` or set `SPIN_VARIABLE_TOKEN`"],
    );
    let overrides = Overrides {
        variables: BTreeMap::from([("tokne".to_owned(), "t".to_owned())]),
        ..Overrides::default()
    };
    let problems = parse_with(HEAD, &overrides).unwrap_err();
    assert_eq!(problems[0].to_string(), "`--variable tokne`: not declared in `[variables]`");
}

#[test]
fn templates_hosts_and_files_that_make_no_sense_are_problems() {
    check_component_problems(
        r#"
        variables = { a = "{{ nobody }}" }
        allowed_outbound_hosts = ["http://ok", "example.com", "{{ open"]
        files = ["../secret", { source = "a" }, 1]
        exclude_files = ["["]
        build = { command = 1 }
        "#,
        &[
            "`component.it.variables.a`: `nobody` is not declared in `[variables]`",
            "`component.it.files[0]`: `../secret` leaves the application's folder",
            "`component.it.files[1]`: missing field `destination`",
            "`component.it.files[2]`: write a pattern or `{ source = …, destination = … }`",
            "`component.it.exclude_files[0]`: `[` is not a pattern: invalid range pattern",
            "`component.it.allowed_outbound_hosts[1]`: `example.com` has no scheme: \
             write `scheme://host[:port]`, such as `http://example.com`",
            "`component.it.allowed_outbound_hosts[2]`: `{{` without `}}` in `{{ open`",
            "`component.it.build`: expected `command` to be a command or a list of commands in `command`",
        ],
    );
}

#[test]
fn a_folder_means_the_manifest_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Application::read(folder.path(), &Overrides::default()).unwrap_err();
    assert!(matches!(missing, Error::Read { path, .. } if path.ends_with(FILE_NAME)));
    fs::write(folder.path().join(FILE_NAME), format!("{HEAD}[component.it]\nsource = \"x\"\n")).unwrap();
    let application = Application::read(folder.path(), &Overrides::default()).unwrap();
    let expected = folder.path().join("x");
    assert!(matches!(&application.components[0].source, Source::File(path) if *path == expected));
}

#[test]
fn the_error_lists_every_problem_on_a_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE_NAME), "spin_manifest_version = 3\napplication = {}\n").unwrap();
    let error = Application::read(folder.path(), &Overrides::default()).unwrap_err();
    let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].ends_with("spin.toml` cannot be served:"));
    assert_eq!(lines[1], "  `spin_manifest_version`: expected 2, found 3");
    assert!(error.is_usage());
}

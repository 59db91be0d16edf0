//! `files` before the console page, in the demo and on `wasmtime serve`: each file as it is, by the rules of HTTP. What the page does is
//! tested in a browser.

use std::path::PathBuf;

use system_tests::answer::{Answer, Question};
use system_tests::root;
use system_tests::runtimes::{Client, Embedded, WasmtimeServe};

fn folder() -> PathBuf {
    root().join("target/console")
}

fn file(path: &str) -> Vec<u8> {
    std::fs::read(folder().join(path)).unwrap()
}

/// The same answer of all runtimes.
struct Runtimes {
    embedded: Embedded,
    wasmtime_serve: WasmtimeServe,
}

impl Runtimes {
    fn start() -> Self {
        Self { embedded: Embedded::demo(), wasmtime_serve: WasmtimeServe::with_folder(&folder()) }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let question = Question {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: headers.collect(),
            body: Vec::new(),
        };
        let ask = |client: Client| client.ask(&question);
        let answer = ask(self.embedded.client());
        assert_eq!(ask(self.wasmtime_serve.client()), answer, "{method} {path}");
        answer
    }

    #[track_caller]
    fn check(&self, path: &str, content_type: &str, expected: &str) {
        let answer = self.ask("GET", path, &[("accept-encoding", "identity")]);
        assert_eq!((answer.status, answer.content_type.as_str()), (200, content_type), "{path}");
        assert!(answer.body == file(expected), "{path}");
    }
}

#[test]
fn files_are_the_same_on_every_runtime() {
    let runtimes = Runtimes::start();
    runtimes.check("/", "text/html; charset=utf-8", "index.html");
    runtimes.check("/policy.json", "application/json", "policy.json");
    runtimes.check("/view.js", "text/javascript; charset=utf-8", "view.js");
    let compressed = runtimes.ask("GET", "/style.css", &[("accept-encoding", "gzip, br")]);
    assert!(compressed.body == file("style.css.br"));
    let head = runtimes.ask("HEAD", "/icon.svg", &[]);
    assert_eq!((head.status, head.content_type.as_str(), head.body.len()), (200, "image/svg+xml", 0));
    for path in ["/nothing", "/../spin.toml", "/.hidden", "/style.css/"] {
        assert_eq!(runtimes.ask("GET", path, &[]).status, 404, "{path}");
    }
    for path in ["/", "/policy.json"] {
        assert_eq!(runtimes.ask("POST", path, &[]).status, 405, "{path}");
    }
}

//! `files`: static files over HTTP, such as the console page. No logic lives here; see `endpoints::files`.

#![expect(unsafe_code, reason = "`http_component` generates the component's export")]

use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;

#[http_component]
fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    function_shell::files(request, response_out);
}

//! `edge-check`: Two-Phase Predictions. No logic lives here; see `endpoints::edge_check`.

#![expect(unsafe_code, reason = "`http_component` generates the component's export")]

use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;

#[http_component]
fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    function_shell::edge_check(request, response_out);
}

//! `batch-chunk`: a chunk of rows for Batch Serving. No logic lives here; see `endpoints::batch_chunk`.

#![expect(unsafe_code, reason = "`http_component` generates the component's export")]

use spin_sdk::http::{IncomingRequest, ResponseOutparam};
use spin_sdk::http_component;

#[http_component]
fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    function_shell::batch_chunk(request, response_out);
}

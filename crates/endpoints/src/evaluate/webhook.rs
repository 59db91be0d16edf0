//! Alarms on their way out: signed, tried, and tried again by whoever comes next.

use alerts::{Answer, Secrets, headers, retry_after};
use evaluation_store::{Database, Due, Store};
use http::header::RETRY_AFTER;
use http::{Request, Response};

use super::error::{Error, Result};

/// So many events are sent after one answer at most.
const MOST_EVENTS: usize = 10;

/// Where alarms are sent.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The receiver's URL.
    pub url: String,
    /// What events are signed with; unsigned if there is none.
    pub secrets: Option<Secrets>,
}

impl Webhook {
    /// Sends what is due at `now`, in seconds since 1970.
    pub(super) fn deliver<D: Database>(
        &self,
        store: &Store<'_, D>,
        now: f64,
        mut send: impl FnMut(Request<Vec<u8>>) -> std::result::Result<Response<Vec<u8>>, String>,
    ) -> Result<()> {
        #[expect(clippy::cast_possible_truncation, reason = "seconds")]
        let at = now as i64;
        for _ in 0..MOST_EVENTS {
            let Some(Due { body, mut delivery }) = store.take_due(now)? else { return Ok(()) };
            let answer = match self.request(&delivery.id, at, &body) {
                Ok(request) => answer(send(request)),
                Err(error) => Answer::Failed { reason: error.to_string() },
            };
            delivery.record(answer, at);
            store.put_delivery(&delivery)?;
        }
        Ok(())
    }

    fn request(&self, id: &str, at: i64, body: &str) -> Result<Request<Vec<u8>>> {
        let wrong = |reason: String| Error::Body { expected: "an event that can be sent", reason };
        let mut request = Request::post(&self.url);
        match &self.secrets {
            None => request = request.header("content-type", alerts::CONTENT_TYPE),
            Some(secrets) => {
                let signed =
                    headers(secrets, id, at, body.as_bytes()).map_err(|error| wrong(error.to_string()))?;
                for (name, value) in signed {
                    request = request.header(name, value);
                }
            }
        }
        request.body(body.as_bytes().to_vec()).map_err(|error| wrong(error.to_string()))
    }
}

fn answer(sent: std::result::Result<Response<Vec<u8>>, String>) -> Answer {
    match sent {
        Ok(response) => {
            let patience = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok());
            Answer::Status { status: response.status().as_u16(), retry_after: patience.and_then(retry_after) }
        }
        Err(reason) => Answer::Failed { reason },
    }
}

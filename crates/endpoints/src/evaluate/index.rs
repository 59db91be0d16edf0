//! The page that says which models there are.

use evaluation::escaped;
use evaluation_store::Status;

const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Continued evaluation</title><style>\
:root{color-scheme:light dark;--ink:#1d2733;--paper:#fbfbf9;--line:#d9dde2;--link:#1f5fbf}\
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--paper:#14181d;--line:#333b45;--link:#7fb2ff}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:right;padding:.4rem .6rem;border-bottom:1px solid var(--line)}\
th:first-child,td:first-child{text-align:left}a{color:var(--link)}</style><h1>Continued evaluation</h1>";

/// The page.
pub(super) fn page(models: &[Status]) -> String {
    if models.is_empty() {
        return format!(
            "{HEAD}<p>No model has been evaluated yet. <code>PUT /evaluate/baseline?model=…</code> begins.</p>"
        );
    }
    let rows: String = models.iter().map(row).collect();
    format!(
        "{HEAD}<table><thead><tr><th>Model<th>Not counted yet<th>Labels without prediction<th>Lost<th>Refused</thead>\
         <tbody>{rows}</tbody></table>"
    )
}

fn row(status: &Status) -> String {
    let name = escaped(&status.model);
    let link: String = form_urlencoded::byte_serialize(status.model.as_bytes()).collect();
    let name = match status.has_baseline {
        true => format!("<a href=\"/evaluate/report?format=html&amp;model={link}\">{name}</a>"),
        false => format!("{name} (no baseline)"),
    };
    format!(
        "<tr><td>{name}<td>{}<td>{}<td>{}<td>{}",
        status.waiting, status.orphans, status.lost, status.refused
    )
}

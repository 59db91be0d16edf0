//! `[[trigger.http]]` and `[application.trigger.http]`: routes and what they lead to.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use toml::Value;

use super::{Check, schema};
use crate::{
    application::{Route, StaticResponse, Target, Trigger},
    error::Fault,
    routes,
};

impl Check<'_> {
    /// Checks `[application.trigger]`.
    pub(super) fn global_triggers(&mut self, triggers: &BTreeMap<String, Value>) {
        for (kind, value) in triggers {
            let key = format!("application.trigger.{kind}");
            if kind != "http" {
                self.report(key, Fault::Unsupported);
            } else if let Some(global) = self.section::<schema::GlobalHttpTrigger>(&key, value.clone())
                && global.base.is_some_and(|base| base != "/")
            {
                self.report(format!("{key}.base"), Fault::Unsupported);
            }
        }
    }

    /// The triggers, each with the path of its key.
    pub(super) fn triggers(&mut self, triggers: BTreeMap<String, Value>) -> Vec<(String, Trigger)> {
        let mut found = Vec::new();
        for (kind, value) in triggers {
            if kind != "http" {
                self.report(format!("trigger.{kind}"), Fault::Unsupported);
                continue;
            }
            let values = self.section::<Vec<Value>>("trigger.http", value).unwrap_or_default();
            for (index, value) in values.into_iter().enumerate() {
                let key = format!("trigger.http[{index}]");
                let trigger = self.section(&key, value).and_then(|trigger| self.trigger(&key, trigger));
                found.extend(trigger.map(|trigger| (key, trigger)));
            }
        }
        found
    }

    fn trigger(&mut self, key: &str, trigger: schema::HttpTrigger) -> Option<Trigger> {
        let unsupported = [("components", &trigger.components), ("dependencies", &trigger.dependencies)];
        for (name, table) in unsupported {
            if !table.is_empty() {
                self.report(format!("{key}.{name}"), Fault::Unsupported);
            }
        }
        if let Some(executor) = &trigger.executor {
            self.executor(key, executor);
        }
        let route = self.route(key, trigger.route);
        let target = match (trigger.component, trigger.static_response) {
            (Some(component), None) => self.component_reference(key, &component).map(Target::Component),
            (None, Some(response)) => self.static_response(key, response).map(Target::Static),
            _ => {
                self.report(key, Fault::Target);
                None
            }
        };
        Some(Trigger { id: trigger.id, route: route?, target: target? })
    }

    fn executor(&mut self, key: &str, executor: &Value) {
        let kind = executor.get("type").and_then(Value::as_str);
        let has_more = executor.as_table().is_none_or(|table| table.len() != 1);
        if has_more || !matches!(kind, Some("http" | "spin")) {
            let instead = "use `{ type = \"http\" }`";
            self.report(
                format!("{key}.executor"),
                Fault::UnsupportedForm { form: "another executor", instead },
            );
        }
    }

    fn route(&mut self, key: &str, route: Value) -> Option<Route> {
        let key = format!("{key}.route");
        match route {
            Value::String(route) => match routes::check_route(&route) {
                Ok(()) => Some(Route::Public(route)),
                Err(fault) => {
                    self.report(key, fault);
                    None
                }
            },
            Value::Table(_) => {
                let route = self.section::<schema::PrivateRoute>(&key, route)?;
                if !route.private {
                    self.report(key, Fault::Malformed("write a path or `{ private = true }`".to_owned()));
                    return None;
                }
                Some(Route::Private)
            }
            _ => {
                self.report(key, Fault::Malformed("write a path or `{ private = true }`".to_owned()));
                None
            }
        }
    }

    fn component_reference(&mut self, key: &str, component: &Value) -> Option<String> {
        let id = component.as_str().map(str::to_owned);
        if id.is_none() {
            let instead = "write `[component.<id>]` and name it here";
            let fault = Fault::UnsupportedForm { form: "a component written in the trigger", instead };
            self.report(format!("{key}.component"), fault);
        }
        id
    }

    fn static_response(&mut self, key: &str, response: Value) -> Option<StaticResponse> {
        let key = format!("{key}.static_response");
        let response = self.section::<schema::StaticResponse>(&key, response)?;
        match checked(response) {
            Ok(response) => Some(response),
            Err(reason) => {
                self.report(key, Fault::StaticResponse(reason));
                None
            }
        }
    }
}

fn checked(response: schema::StaticResponse) -> Result<StaticResponse, String> {
    let code = response.status_code.unwrap_or(200);
    let status = StatusCode::from_u16(code).map_err(|_| format!("{code} is not a status code"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &response.headers {
        let parsed = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
        let (name, value) = parsed.ok_or_else(|| format!("`{name}: {value}` is not a header"))?;
        headers.append(name, value);
    }
    Ok(StaticResponse { status, headers, body: response.body })
}

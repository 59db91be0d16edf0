//! Routes, path by path. The cases follow those of Spin's own router tests.

use proptest::prelude::*;

use super::*;

fn triggers(routes: &[(&str, &str)]) -> Vec<Trigger> {
    let trigger = |(route, id): &(&str, &str)| Trigger {
        id: None,
        route: Route::Public((*route).to_owned()),
        target: Target::Component((*id).to_owned()),
    };
    routes.iter().map(trigger).collect()
}

/// `routes`: pairs of route and component id. `expected`: pairs of path and id, with `""` for no match.
#[track_caller]
fn check(routes: &[(&str, &str)], expected: &[(&str, &str)]) {
    let (routes, duplicates) = Routes::new(&triggers(routes)).unwrap();
    assert_eq!(duplicates, []);
    for (path, id) in expected {
        let found = routes.find(path).map_or("", |found| found.route().id.as_str());
        assert_eq!(found, *id, "`{path}`");
    }
}

/// `cases`: triples of route, path and `spin-path-info`.
#[track_caller]
fn check_path_info(cases: &[(&str, &str, &str)]) {
    for (route, path, expected) in cases {
        let (routes, _) = Routes::new(&triggers(&[(route, "it")])).unwrap();
        assert_eq!(routes.find(path).unwrap().path_info(), *expected, "`{path}` at `{route}`");
    }
}

#[track_caller]
fn check_fault(route: &str, expected: &str) {
    let fault = Routes::new(&triggers(&[(route, "it")])).unwrap_err();
    assert_eq!(fault.to_string(), expected);
    assert_eq!(check_route(route), Err(fault));
}

#[test]
fn exact_routes_match_themselves() {
    check(
        &[("/", "root"), ("/foo", "foo"), ("/foo/bar", "bar")],
        &[("/", "root"), ("/foo", "foo"), ("/foo/", "foo"), ("/foo/bar", "bar"), ("/fo", ""), ("/foo/b", "")],
    );
}

#[test]
fn a_wildcard_matches_the_bare_prefix_a_slash_and_all_below() {
    for route in ["/foo/...", "/foo/*", "foo/...", "/foo/.../"] {
        check(
            &[(route, "it")],
            &[("/foo", "it"), ("/foo/", "it"), ("/foo/a/b", "it"), ("/food", ""), ("/", "")],
        );
    }
    check(&[("/...", "all")], &[("/", "all"), ("/a", "all"), ("/a/b/", "all")]);
}

#[test]
fn exact_beats_parameter_beats_wildcard() {
    check(
        &[("/...", "all"), ("/one", "exact"), ("/:any", "parameter")],
        &[("/one", "exact"), ("/two", "parameter"), ("/one/two", "all")],
    );
}

#[test]
fn the_longest_prefix_wins_in_any_order() {
    let mut routes = [("/one/...", "1"), ("/one/two/...", "2"), ("/one/two/three/...", "3")];
    let expected = [("/one/x", "1"), ("/one/two", "2"), ("/one/two/x", "2"), ("/one/two/three/four", "3")];
    check(&routes, &expected);
    routes.reverse();
    check(&routes, &expected);
}

#[test]
fn a_colon_inside_a_segment_is_a_character() {
    check(
        &[
            ("/v1/models/digits/...", "digits"),
            ("/v1/models/digits:predict", "predict"),
            ("/v1/...", "others"),
        ],
        &[
            ("/v1/models/digits:predict", "predict"),
            ("/v1/models/digits", "digits"),
            ("/v1/models/digits:explain", "others"),
            ("/v1/models/digits-edge:predict", "others"),
        ],
    );
}

#[test]
fn private_routes_match_nothing() {
    let mut triggers = triggers(&[("/a", "a")]);
    triggers.push(Trigger {
        id: None,
        route: Route::Private,
        target: Target::Component("hidden".to_owned()),
    });
    let (routes, _) = Routes::new(&triggers).unwrap();
    assert_eq!(routes.iter().count(), 1);
}

#[test]
fn the_last_of_equal_routes_stays_in_the_place_of_the_first() {
    for second in ["/foo", "foo", "/foo/"] {
        let routes = [("/foo", "first"), ("/bar", "bar"), (second, "second")];
        let (routes, duplicates) = Routes::new(&triggers(&routes)).unwrap();
        let ids: Vec<&str> = routes.iter().map(|route| route.id.as_str()).collect();
        assert_eq!(ids, ["second", "bar"]);
        let (replaced, effective) = ("first".to_owned(), "second".to_owned());
        assert_eq!(duplicates, [Duplicate { route: second.to_owned(), replaced, effective }]);
    }
    let same = [("/a/:x/...", "first"), ("/a/:y/*", "second")];
    assert_eq!(Routes::new(&triggers(&same)).unwrap().1.len(), 1);
}

#[test]
fn path_info_is_what_the_wildcard_stands_for() {
    check_path_info(&[
        ("/...", "/", "/"),
        ("/...", "/1/2/3", "/1/2/3"),
        ("/test/...", "/test", ""),
        ("/test/...", "/test/", "/"),
        ("/test/...", "/test/hello", "/hello"),
        ("/test/...", "/test/hello/", "/hello/"),
        ("/test", "/test", ""),
        ("/:a/...", "/x/y", "/y"),
    ]);
}

#[test]
fn parameters_become_headers() {
    let (routes, _) = Routes::new(&triggers(&[("/users/:User_id/items/:item/...", "it")])).unwrap();
    let found = routes.find("/users/42/items/a.b/rest").unwrap();
    let headers = found.route().headers.parameters.iter().map(HeaderName::as_str);
    let pairs: Vec<_> = headers.zip(found.parameters()).collect();
    assert_eq!(pairs, [("spin-path-match-user-id", "42"), ("spin-path-match-item", "a.b")]);
}

#[test]
fn routes_that_cannot_be_matched_are_faults() {
    let wildcard =
        |route| format!("in `{route}` a wildcard is not the last segment: only `/...` at the end is one");
    for route in ["/a/*/b", "/*/b", "/a/.../b", "/a*", "/a.*", "/a/**"] {
        check_fault(route, &wildcard(route));
    }
    check_fault(
        "/v1/models/:name:predict",
        "in `/v1/models/:name:predict` the parameter `:name:predict` cannot be part of a header name",
    );
    check_fault("/a/:", "`/a/:`: params must be named");
    check_fault(
        "/.well-known/spin/health",
        "`/.well-known/spin/health` would never be reached: the host answers below `/.well-known/spin/` itself",
    );
}

#[test]
fn routes_beside_the_reserved_ones_are_allowed() {
    for route in ["/.well-known/spin", "/.well-known/spindle/...", "/.well-known/..."] {
        assert_eq!(check_route(route), Ok(()), "`{route}`");
    }
}

proptest! {
    #[test]
    fn finding_never_panics(routes in prop::collection::vec("[ab:.*/]{0,8}", 1..4), path in "[ab:.*/%]{0,12}") {
        let routes: Vec<_> = routes.iter().map(|route| (route.as_str(), "it")).collect();
        if let Ok((routes, _)) = Routes::new(&triggers(&routes)) {
            let found = routes.find(&path);
            prop_assert!(found.is_none_or(|found| found.path_info().len() <= path.len() + 2));
        }
    }
}

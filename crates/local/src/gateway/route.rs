//! Which route of an API answers: the most specific path, then the method before `ANY`, then `$default`.

use crate::template::spec::RouteSpec;

/// A route that fits, with the values of its path's variables.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched<'a> {
    /// The route.
    pub route: &'a RouteSpec,
    /// `proxy` and the like, in the path's order.
    pub parameters: Vec<(String, String)>,
}

/// `GET /a/{id}`, `ANY /{proxy+}`, `$default`: how AWS writes a route.
pub fn route_key(route: &RouteSpec) -> String {
    if route.path == "$default" { route.path.clone() } else { format!("{} {}", route.method, route.path) }
}

/// How well a segment fits; the order is the order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Literal,
    Variable,
    Greedy,
}

/// The route for a request; `path` is decoded.
pub fn find<'a>(routes: &'a [RouteSpec], method: &str, path: &str) -> Option<Matched<'a>> {
    let fitting = routes.iter().filter(|route| route.method == method || route.method == "ANY").filter_map(|route| {
        let (fits, parameters) = fit(&route.path, path)?;
        Some(((fits, route.method == "ANY"), Matched { route, parameters }))
    });
    let best = fitting.min_by(|(left, _), (right, _)| left.cmp(right)).map(|(_, matched)| matched);
    best.or_else(|| {
        let route = routes.iter().find(|route| route.path == "$default")?;
        Some(Matched { route, parameters: Vec::new() })
    })
}

/// How each segment fits, and the variables with their values.
type Fitted = (Vec<Fit>, Vec<(String, String)>);

fn fit(pattern: &str, path: &str) -> Option<Fitted> {
    let mut wanted = pattern.strip_prefix('/')?.split('/');
    let mut rest = Some(path.strip_prefix('/')?);
    let (mut fits, mut parameters) = (Vec::new(), Vec::new());
    for segment in wanted.by_ref() {
        let left = rest?;
        if let Some(name) = segment.strip_prefix('{').and_then(|s| s.strip_suffix("+}")) {
            if left.is_empty() {
                return None;
            }
            fits.push(Fit::Greedy);
            parameters.push((name.to_owned(), left.to_owned()));
            rest = None;
            continue;
        }
        let (here, after) = left.split_once('/').map_or((left, None), |(here, after)| (here, Some(after)));
        rest = after;
        if let Some(name) = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            if here.is_empty() {
                return None;
            }
            fits.push(Fit::Variable);
            parameters.push((name.to_owned(), here.to_owned()));
        } else if segment == here {
            fits.push(Fit::Literal);
        } else {
            return None;
        }
    }
    rest.is_none().then_some((fits, parameters))
}

/// Checks a route's path.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_path(path: &str) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("\"{path}\" is not accepted: {why}"));
    let Some(rest) = path.strip_prefix('/') else { return refuse("a path begins with /, or is $default") };
    let mut names = Vec::new();
    let segments: Vec<&str> = rest.split('/').collect();
    for (at, segment) in segments.iter().enumerate() {
        let Some(name) = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) else {
            if segment.contains(['{', '}']) {
                return refuse("a variable is a whole segment, {name} or {name+}");
            }
            continue;
        };
        let greedy = name.ends_with('+');
        if greedy && at + 1 != segments.len() {
            return refuse("{name+} is the last segment");
        }
        let name = name.trim_end_matches('+');
        if name.is_empty() || name.contains(['{', '}']) || names.contains(&name) {
            return refuse("each variable has a name of its own");
        }
        names.push(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(key: &str) -> RouteSpec {
        let (method, path) = key.split_once(' ').unwrap_or(("ANY", key));
        RouteSpec::new(method, path, "F")
    }

    fn found(routes: &[&str], method: &str, path: &str) -> String {
        let routes: Vec<_> = routes.iter().map(|key| route(key)).collect();
        find(&routes, method, path).map_or_else(
            || "none".to_owned(),
            |matched| {
                let values = matched.parameters.iter().map(|(name, value)| format!(" {name}={value}"));
                format!("{}{}", route_key(matched.route), values.collect::<String>())
            },
        )
    }

    #[test]
    fn precedence() {
        // The table of the developer guide ("Routing API requests").
        let routes = ["GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"];
        for (method, path, expected) in [
            ("GET", "/pets/dog/1", "GET /pets/dog/1"),
            ("GET", "/pets/dog/2", "GET /pets/dog/{id} id=2"),
            ("GET", "/pets/cat/1", "GET /pets/{proxy+} proxy=cat/1"),
            ("POST", "/test/5", "ANY /{proxy+} proxy=test/5"),
            ("POST", "/pets/dog/1", "ANY /{proxy+} proxy=pets/dog/1"),
            ("GET", "/", "$default"),
        ] {
            assert_eq!(found(&routes, method, path), expected, "{method} {path}");
        }
        // A method before ANY, but never before a better path.
        assert_eq!(found(&["ANY /a", "GET /a"], "GET", "/a"), "GET /a");
        assert_eq!(found(&["ANY /a", "GET /{x}"], "GET", "/a"), "ANY /a");
        assert_eq!(found(&["GET /a/{x}", "GET /{y}/b"], "GET", "/a/b"), "GET /a/{x} x=b");
    }

    #[test]
    fn what_does_not_fit() {
        for (routes, method, path) in [
            (["GET /a"], "POST", "/a"),
            (["GET /a"], "GET", "/a/"),
            (["GET /a/{id}"], "GET", "/a/"),
            (["GET /a/{id}"], "GET", "/a/1/2"),
            (["ANY /{proxy+}"], "GET", "/"),
            (["GET /a/b"], "GET", "/a"),
        ] {
            assert_eq!(found(&routes, method, path), "none", "{routes:?} {method} {path}");
        }
        assert_eq!(found(&["ANY /"], "GET", "/"), "ANY /");
    }

    #[test]
    fn paths() {
        for path in ["/", "/a", "/a/{id}", "/{proxy+}", "/a/{id}/b"] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
        for path in ["a", "", "/{proxy+}/a", "/{}", "/a{id}", "/{id}/{id}", "/{a"] {
            assert!(check_path(path).is_err(), "{path}");
        }
    }
}

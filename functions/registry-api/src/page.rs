//! The registry for people: two pages without a script.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use crate::view::{Detail, Overall, Service, Services};

/// Of both pages.
pub(crate) const STYLE: &str = include_str!("page.css");
/// Looks that a service's page lists.
const CHECKS_SHOWN: usize = 60;

pub(crate) fn services(all: &Services) -> String {
    let rows: String = all.services.iter().map(row).collect();
    let word = match all.status {
        Overall::Healthy => "All is well",
        Overall::Unhealthy => "Something is ill",
        Overall::Unknown if all.total == 0 => "Nobody has looked yet",
        Overall::Unknown => "Not everything is known",
    };
    let looked = all.checked_at.map(|at| format!(" Looked at {}.", time(at))).unwrap_or_default();
    let counts = format!(
        "{} of {} services are healthy, {} ill, {} stopped, {} unknown.",
        all.healthy, all.total, all.unhealthy, all.stopped, all.unknown
    );
    let heads = ["Service", "Status", "Trigger", "Response", "Waiting", "Last check", "Fault"];
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    shell(
        "Services",
        "services.css",
        &format!(
            "<h1>Services</h1><p class=\"lead\"><strong>{word}.</strong> {counts}{looked} \
             <a href=\"services\">Look again</a> · <a href=\"docs\">API</a></p>\
             <div class=\"scroll\" role=\"region\" aria-label=\"Services\" tabindex=\"0\"><table><thead><tr>{heads}</tr></thead>\
             <tbody>{rows}</tbody></table></div>"
        ),
    )
}

fn row(service: &Service) -> String {
    let name = escape(&service.name);
    format!(
        "<tr><th scope=\"row\"><a href=\"services/{name}\">{name}</a></th><td>{}</td><td>{}</td><td class=\"n\">{}</td>\
         <td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>",
        badge(&service.status),
        escape(&service.trigger),
        milliseconds(service.response_time_ms),
        number(service.lag),
        time(service.last_check),
        escape(service.error.as_deref().unwrap_or("")),
    )
}

pub(crate) fn detail(detail: &Detail) -> String {
    let service = &detail.service;
    let mut facts = String::new();
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = write!(facts, "<dt>{name}</dt><dd>{value}</dd>");
        }
    };
    let link = |url: &Option<String>| {
        url.as_deref().map(|url| format!("<a href=\"{0}\">{0}</a>", escape(url))).unwrap_or_default()
    };
    fact("Status", format!("{} since {}", badge(&service.status), time(service.status_since)));
    fact("Fault", escape(service.error.as_deref().unwrap_or("")));
    fact("Trigger", escape(&service.trigger));
    fact("Address", link(&service.address));
    fact("Documentation", link(&service.docs));
    fact("Response time", milliseconds(service.response_time_ms));
    fact("Records that wait", number(service.lag));
    fact("Last success", service.last_success.map(time).unwrap_or_default());
    fact("Last check", format!("{}, {:.0} s ago", time(service.last_check), service.age_seconds));
    let mut rows = String::new();
    for check in detail.history.iter().take(CHECKS_SHOWN) {
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            time(check.at),
            badge(&check.status),
            milliseconds(check.response_time_ms),
            number(check.lag)
        );
    }
    let name = escape(&service.name);
    shell(
        &name,
        "../services.css",
        &format!(
            "<p><a href=\"../services\">All services</a></p><h1>{name}</h1><dl>{facts}</dl><h2>Last checks</h2>\
             <div class=\"scroll\" role=\"region\" aria-label=\"Last checks\" tabindex=\"0\"><table><thead><tr>\
             <th scope=\"col\">At</th><th scope=\"col\">Status</th><th scope=\"col\">Response</th>\
             <th scope=\"col\">Waiting</th></tr></thead><tbody>{rows}</tbody></table></div>"
        ),
    )
}

fn shell(title: &str, style: &str, main: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title} · Millrace</title>\
         <link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"{style}\"></head><body><main>{main}</main></body></html>"
    )
}

/// The word says it; the colour only repeats it.
fn badge(status: &str) -> String {
    let status = escape(status);
    format!("<span class=\"badge {status}\">{status}</span>")
}

fn time(at: DateTime<Utc>) -> String {
    format!("<time datetime=\"{}\">{}</time>", at.to_rfc3339(), at.format("%H:%M:%S UTC"))
}

fn milliseconds(time: Option<f64>) -> String {
    time.map(|ms| format!("{ms:.1} ms")).unwrap_or_default()
}

fn number(number: Option<i64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// Text as it may stand in HTML, also within quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_function_says_of_itself_is_text() {
        assert_eq!(escape(r#"<a href="x">'&'</a>"#), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_place(text in ".{0,80}") {
            prop_assert!(!escape(&text).contains(['<', '>', '"', '\'']));
        }
    }
}

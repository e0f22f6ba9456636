//! Paging as GitHub does it: `per_page` and `page`, the `Link` header, the `ETag` of a page.

use crate::feed::WINDOW;
use crate::random::mix;

const DEFAULT_PER_PAGE: usize = 30;
const MAX_PER_PAGE: usize = 100;

/// Which part of the window was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Events a page, 1 to 100.
    pub size: usize,
    /// Counted from 1.
    pub number: usize,
}

impl Page {
    /// GitHub forgives: what is no number or out of bounds becomes the default or the nearest bound.
    pub fn parse(per_page: Option<&str>, page: Option<&str>) -> Self {
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<usize>().ok()).filter(|number| *number > 0);
        Self { size: number(per_page).unwrap_or(DEFAULT_PER_PAGE).min(MAX_PER_PAGE), number: number(page).unwrap_or(1) }
    }

    /// True when the page begins beyond the 300 events that GitHub shows: it answers 422 then.
    pub fn is_beyond_the_window(self) -> bool {
        (self.number - 1).saturating_mul(self.size) >= WINDOW
    }

    /// The page's part of the window.
    pub fn of(self, window: &[u64]) -> &[u64] {
        let start = (self.number - 1).saturating_mul(self.size).min(window.len());
        let end = start.saturating_add(self.size).min(window.len());
        window.get(start..end).unwrap_or_default()
    }

    /// The `Link` header for a window of `total` events under `address` (scheme, host and path); none for a lone page.
    pub fn link(self, address: &str, total: usize) -> Option<String> {
        let last = total.div_ceil(self.size).max(1);
        let to = |number: usize, relation: &str| {
            format!("<{address}?per_page={}&page={number}>; rel=\"{relation}\"", self.size)
        };
        let mut links = Vec::new();
        if self.number > 1 {
            links.push(to(self.number - 1, "prev"));
        }
        if self.number < last {
            links.push(to(self.number + 1, "next"));
            links.push(to(last, "last"));
        }
        if self.number > 1 {
            links.push(to(1, "first"));
        }
        (!links.is_empty()).then(|| links.join(", "))
    }
}

/// A weak tag that changes exactly when the page's events do.
pub fn etag(seed: u64, page: &[u64]) -> String {
    let hash = page.iter().fold(mix(seed), |hash, sequence| mix(hash ^ sequence));
    format!("W/\"{hash:016x}{:016x}\"", mix(hash))
}

/// Whether `If-None-Match` names the tag. Weak comparison, as RFC 9110 asks for here.
pub fn matches(if_none_match: &str, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if_none_match.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_thirty_events_unless_asked_and_a_hundred_at_most() {
        assert_eq!(Page::parse(None, None), Page { size: 30, number: 1 });
        assert_eq!(Page::parse(Some("100"), Some("3")), Page { size: 100, number: 3 });
        assert_eq!(Page::parse(Some("1000"), Some("0")), Page { size: 100, number: 1 });
        assert_eq!(Page::parse(Some("-1"), Some("x")), Page { size: 30, number: 1 });
    }

    #[test]
    fn three_hundred_events_and_no_more() {
        let window: Vec<u64> = (0..300).collect();
        let page = |number| Page { size: 100, number };
        assert_eq!(page(3).of(&window), &window[200..]);
        assert!(!page(3).is_beyond_the_window());
        assert!(page(4).is_beyond_the_window());
        assert_eq!(Page { size: 70, number: 5 }.of(&window).len(), 20);
    }

    #[test]
    fn links_lead_to_the_neighbours_and_the_ends() {
        let link = |number| Page { size: 100, number }.link("http://h/events", 300).unwrap();
        assert_eq!(
            link(1),
            "<http://h/events?per_page=100&page=2>; rel=\"next\", <http://h/events?per_page=100&page=3>; rel=\"last\""
        );
        assert_eq!(
            link(3),
            "<http://h/events?per_page=100&page=2>; rel=\"prev\", <http://h/events?per_page=100&page=1>; rel=\"first\""
        );
        assert_eq!(Page { size: 100, number: 1 }.link("http://h/events", 40), None);
    }

    #[test]
    fn the_tag_changes_with_the_events_and_compares_weakly() {
        let tag = etag(1, &[5, 4, 3]);
        assert_eq!(tag, etag(1, &[5, 4, 3]));
        assert_ne!(tag, etag(1, &[6, 5, 4]));
        assert_ne!(tag, etag(1, &[4, 5, 3]));
        assert!(matches(&tag, &tag));
        assert!(matches(&format!("\"other\", {}", tag.trim_start_matches("W/")), &tag));
        assert!(!matches("\"other\"", &tag));
    }
}

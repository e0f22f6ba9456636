//! What a poll of the GitHub API decides: what is new, whether another page is worth reading, whether something was
//! missed, whether the feed stands still, and when to ask again.
//!
//! The feed shows 300 events, mostly the same as a moment ago, and some appear hours late with an old id. So neither the
//! highest id nor the newest time tells what is new: only the set of ids that were seen does ([`Seen`]).

mod freshness;
mod page;
mod wait;

pub use freshness::Freshness;
pub use page::{EVENT_BYTES_MAX, InvalidPage, NewEvent, Rejected};
pub use wait::{Limits, Outcome, WAIT_MAX, wait};

use chrono::{DateTime, Utc};
use page::{Element, Identity};
use std::collections::{HashSet, VecDeque};

/// GitHub gives at most this many events a page.
const PER_PAGE_MAX: u32 = 100;

/// A rolling set of event ids: the newest `capacity`, first in, first out.
#[derive(Debug, Clone)]
pub struct Seen {
    ids: HashSet<String>,
    order: VecDeque<String>,
    capacity: usize,
}

impl Seen {
    /// The set with the given ids, oldest first.
    pub fn new(capacity: usize, ids: impl IntoIterator<Item = String>) -> Self {
        let mut seen = Self { ids: HashSet::new(), order: VecDeque::new(), capacity };
        ids.into_iter().for_each(|id| seen.insert(id));
        seen
    }

    /// Adds an id and forgets the oldest when there are too many.
    pub fn insert(&mut self, id: String) {
        if self.ids.insert(id.clone()) {
            self.order.push_back(id);
        }
        while self.order.len() > self.capacity {
            if let Some(oldest) = self.order.pop_front() {
                self.ids.remove(&oldest);
            }
        }
    }

    /// Whether the id is among those remembered.
    pub fn contains(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Whether nothing was ever seen: the first poll.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

/// How a fetch of at most `events_max` events is cut into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// Events a page, 1 to 100.
    pub per_page: u32,
    /// Most pages to read.
    pub pages: u32,
}

impl Paging {
    /// Equal pages, together never more than `events_max` events (1 to 300; what is beyond is cut).
    pub fn new(events_max: u32) -> Self {
        let events_max = events_max.clamp(1, 3 * PER_PAGE_MAX);
        let pages = events_max.div_ceil(PER_PAGE_MAX);
        Self { per_page: events_max / pages, pages }
    }
}

/// What one page brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOutcome {
    /// Elements of the page's array.
    pub events: usize,
    /// Those that neither an earlier poll nor an earlier page had.
    pub unseen: usize,
}

/// Whether to read the page after this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextPage {
    /// It may bring something unseen.
    Read,
    /// Nothing to expect from it.
    Done,
    /// It would be read if the rate limit had anything left: the next poll must read all pages.
    OutOfBudget,
}

/// The events of one poll, collected page by page. Nothing is marked as seen before the caller has sent it.
#[derive(Debug, Default)]
pub struct Poll {
    /// Events to send, in the order of the feed: newest first.
    pub events: Vec<NewEvent>,
    /// Elements that cannot be sent as events.
    pub rejected: Vec<Rejected>,
    /// Elements read.
    pub fetched: u64,
    /// Elements that were seen before, in an earlier poll or on an earlier page.
    pub duplicates: u64,
    /// The newest `created_at` of all elements.
    pub newest_created_at: Option<DateTime<Utc>>,
    ids: HashSet<String>,
    overlaps: bool,
}

impl Poll {
    /// Adds a page: the text of a JSON array.
    ///
    /// # Errors
    /// [`InvalidPage`] when the text is no JSON array, as when it was cut; then nothing of the page is added.
    pub fn add_page(&mut self, seen: &Seen, text: &str) -> Result<PageOutcome, InvalidPage> {
        let elements = page::split(text)?;
        let mut outcome = PageOutcome { events: elements.len(), unseen: 0 };
        for Element { raw, identity } in elements {
            self.fetched += 1;
            let id = match &identity {
                Ok(identity) => identity.id.clone(),
                Err(fault) => fault.id.clone(),
            };
            if let Ok(Identity { created_at, .. }) = &identity {
                self.newest_created_at = self.newest_created_at.max(*created_at);
            }
            let seen_before = seen.contains(&id);
            self.overlaps |= seen_before;
            if seen_before || !self.ids.insert(id.clone()) {
                self.duplicates += 1;
                continue;
            }
            outcome.unseen += 1;
            match identity {
                Ok(Identity { repository, .. }) => {
                    self.events.push(NewEvent { id, repository, value: raw.as_bytes().to_vec() });
                }
                Err(fault) => self.rejected.push(Rejected::new(fault, raw)),
            }
        }
        Ok(outcome)
    }

    /// Whether events were missed between the last poll and this one: it brought something, yet nothing that was seen
    /// before. The first poll of all has nothing to overlap with.
    pub fn is_gap(&self, seen: &Seen) -> bool {
        !seen.is_empty() && self.fetched > 0 && !self.overlaps
    }

    /// The ids to mark as seen once everything is sent, oldest first.
    pub fn into_ids(self) -> Vec<String> {
        let events = self.events.into_iter().map(|event| event.id);
        events.chain(self.rejected.into_iter().map(|rejected| rejected.id)).rev().collect()
    }
}

/// Whether to read the page after page `number`. `read_all`: the last poll was incomplete, so that a page without
/// anything new does not mean that the next one has nothing either.
pub fn next_page(
    number: u32,
    paging: Paging,
    outcome: PageOutcome,
    has_next: bool,
    read_all: bool,
    remaining: Option<u64>,
) -> NextPage {
    let worth_reading = has_next && number < paging.pages && outcome.events > 0 && (read_all || outcome.unseen > 0);
    match (worth_reading, remaining) {
        (false, _) => NextPage::Done,
        (true, Some(0)) => NextPage::OutOfBudget,
        (true, _) => NextPage::Read,
    }
}

/// Whether a `Link` header leads to a next page.
pub fn has_next_page(link: &str) -> bool {
    link.split(',').any(|link| link.split(';').skip(1).any(|parameter| parameter.trim() == "rel=\"next\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: impl IntoIterator<Item = u64>) -> String {
        let events: Vec<String> = ids.into_iter().map(|id| format!(r#"{{"id":"{id}","repo":{{"id":7}}}}"#)).collect();
        format!("[{}]", events.join(","))
    }

    fn seen(ids: impl IntoIterator<Item = u64>) -> Seen {
        Seen::new(20_000, ids.into_iter().map(|id| id.to_string()))
    }

    #[test]
    fn the_window_forgets_the_oldest_first() {
        let mut seen = Seen::new(2, ["a".to_owned(), "b".to_owned()]);
        seen.insert("a".to_owned());
        seen.insert("c".to_owned());
        assert!(!seen.contains("a") && seen.contains("b") && seen.contains("c"));
    }

    #[test]
    fn only_unseen_ids_are_sent_even_when_they_are_lower_than_the_highest_seen() {
        let seen = seen([10, 11, 12]);
        let mut poll = Poll::default();
        let outcome = poll.add_page(&seen, &page([13, 5, 12, 11])).unwrap();
        assert_eq!(outcome, PageOutcome { events: 4, unseen: 2 });
        assert_eq!((poll.fetched, poll.duplicates), (4, 2));
        assert!(!poll.is_gap(&seen));
        assert_eq!(poll.into_ids(), ["5", "13"]);
    }

    #[test]
    fn a_page_that_moved_on_while_it_was_read_repeats_no_event() {
        let mut poll = Poll::default();
        poll.add_page(&seen([]), &page([9, 8, 7])).unwrap();
        let second = poll.add_page(&seen([]), &page([7, 6])).unwrap();
        assert_eq!((second.unseen, poll.events.len(), poll.duplicates), (1, 4, 1));
    }

    #[test]
    fn no_overlap_with_the_last_poll_is_a_gap_except_at_the_first() {
        let gap = |seen: &Seen, ids: Vec<u64>| {
            let mut poll = Poll::default();
            poll.add_page(seen, &page(ids)).unwrap();
            poll.is_gap(seen)
        };
        assert!(gap(&seen([1, 2]), vec![3, 4]));
        assert!(!gap(&seen([1, 2]), vec![3, 2]));
        assert!(!gap(&seen([]), vec![3, 4]), "the first poll");
        assert!(!gap(&seen([1, 2]), vec![]), "an empty feed");
        let mut poll = Poll::default();
        poll.add_page(&seen([1]), &page([5, 5])).unwrap();
        assert!(poll.is_gap(&seen([1])), "a repetition within the poll is no overlap with the last one");
    }

    #[test]
    fn a_cut_page_adds_nothing() {
        let mut poll = Poll::default();
        let whole = page([1, 2, 3]);
        for cut in 0..whole.len() {
            assert!(poll.add_page(&seen([]), &whole[..cut]).is_err(), "cut at {cut}");
        }
        assert_eq!((poll.fetched, poll.events.len()), (0, 0));
        assert!(poll.add_page(&seen([]), r#"{"message":"an object"}"#).is_err());
    }

    #[test]
    fn pages_never_add_up_to_more_than_was_asked_for() {
        assert_eq!(Paging::new(300), Paging { per_page: 100, pages: 3 });
        assert_eq!(Paging::new(200), Paging { per_page: 100, pages: 2 });
        assert_eq!(Paging::new(7), Paging { per_page: 7, pages: 1 });
        for events_max in 1..=300 {
            let paging = Paging::new(events_max);
            let sum = paging.per_page * paging.pages;
            assert!(sum <= events_max && sum + 2 >= events_max && paging.per_page <= 100);
        }
    }

    #[test]
    fn pages_are_read_while_they_bring_something() {
        let paging = Paging::new(300);
        let next = |number, unseen, has_next, read_all, remaining| {
            next_page(number, paging, PageOutcome { events: 100, unseen }, has_next, read_all, remaining)
        };
        assert_eq!(next(1, 100, true, false, None), NextPage::Read);
        assert_eq!(next(1, 1, true, false, Some(1)), NextPage::Read);
        assert_eq!(next(1, 0, true, false, None), NextPage::Done);
        assert_eq!(next(1, 0, true, true, None), NextPage::Read, "after an incomplete poll");
        assert_eq!(next(1, 100, false, true, None), NextPage::Done, "no link to a next page");
        assert_eq!(next(3, 100, true, true, None), NextPage::Done);
        assert_eq!(next(1, 100, true, false, Some(0)), NextPage::OutOfBudget);
    }

    #[test]
    fn the_link_header_names_the_next_page() {
        assert!(has_next_page(r#"<http://h/events?page=1>; rel="prev", <http://h/events?page=3>; rel="next""#));
        assert!(!has_next_page(r#"<http://h/events?page=1>; rel="prev", <http://h/events?page=1>; rel="first""#));
        assert!(!has_next_page(""));
    }
}

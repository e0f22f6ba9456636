//! What a window knows and what it has forgotten, against a list of all that came.

use super::*;
use proptest::prelude::*;

const HOUR: i64 = 3_600_000_000;
const SPAN: Span = Span { ids: 640, micros: 24 * HOUR };

fn keys(range: std::ops::Range<u64>) -> Keys {
    let mut keys = Keys::default();
    range.for_each(|number| keys.push(key(number)));
    keys
}

/// Every third is no number.
fn key(number: u64) -> Key {
    if number.is_multiple_of(3) { Key::Other(u128::from(number) + 1) } else { Key::Number(number) }
}

impl Window {
    fn add(&mut self, at: i64, keys: &Keys) {
        self.apply(self.place.after(keys.len()), at, keys, SPAN);
        self.evict(at, SPAN);
    }
}

#[test]
fn a_segment_counts_once_and_in_order() {
    let mut window = Window::new(1);
    let first = Place::default().after(5);
    window.apply(first, 0, &keys(1..6), SPAN);
    window.apply(first, 0, &keys(10..15), SPAN);
    assert!(window.knows(key(5)) && !window.knows(key(10)), "the second has a number that was there already");
    assert_eq!(window.place(), Place { sequence: 1, total: 5 });
    window.skip_to(Place { sequence: 9, total: 100 });
    window.skip_to(first);
    assert_eq!(window.place(), Place { sequence: 9, total: 100 });
}

#[test]
fn keys_pass_with_time() {
    let mut window = Window::new(1);
    window.add(0, &keys(1..6));
    window.add(HOUR, &keys(6..11));
    window.evict(24 * HOUR, SPAN);
    assert!(window.knows(key(1)));
    window.evict(24 * HOUR + 1, SPAN);
    assert!(!window.knows(key(1)) && window.knows(key(6)));
    window.evict(26 * HOUR, SPAN);
    assert!(!window.knows(key(6)));
    assert_eq!(window.bytes(), 0, "an empty window takes no memory");
}

#[test]
fn keys_pass_by_number() {
    let mut window = Window::new(1);
    for n in 0..100 {
        window.add(n, &keys(1 + n as u64 * 10..11 + n as u64 * 10));
    }
    assert!(window.knows(key(1000 - 639)) && !window.knows(key(1000 - 640 - 10)));
}

#[test]
fn a_key_that_comes_again_after_it_passed_is_known_anew() {
    let mut window = Window::new(1);
    window.add(0, &keys(1..6));
    window.add(HOUR, &keys(100..101));
    window.add(25 * HOUR, &keys(1..3));
    assert!(window.knows(key(1)) && !window.knows(key(4)));
}

#[test]
fn generations_do_not_run_out() {
    let mut window = Window::new(1);
    for n in 0..2_000_u64 {
        window.add(n as i64 * HOUR / 2, &keys(1 + n * 7..8 + n * 7));
    }
    assert!(window.knows(key(2_000 * 7)) && window.knows(key(1 + 1_953 * 7)) && !window.knows(key(1_949 * 7)));
    assert!(window.generations.len() <= 66, "{}", window.generations.len());
}

proptest! {
    /// What lies within the window is known; what never came, or has left it by a 64th and a segment, is not.
    #[test]
    fn a_window_knows_what_it_should(
        steps in prop::collection::vec((0..2 * HOUR, 1..50_usize), 1..150),
        seed in any::<u64>(),
    ) {
        let mut window = Window::new(seed);
        let (mut came, mut now, mut next) = (Vec::new(), 0, 1);
        for (wait, length) in steps {
            now += wait;
            let batch = next..next + length as u64;
            window.add(now, &keys(batch.clone()));
            came.extend(batch.map(|number| (number, now)));
            next += length as u64;
        }
        for (position, (number, at)) in came.iter().rev().enumerate() {
            let (position, age) = (position as i64, now - at);
            if position < SPAN.ids && age <= SPAN.micros {
                prop_assert!(window.knows(key(*number)), "{number} is {position} keys and {age} us old");
            }
            if position > SPAN.ids + SPAN.ids / 64 + 100 || age > SPAN.micros + SPAN.micros / 64 + 2 * HOUR {
                prop_assert!(!window.knows(key(*number)), "{number} is {position} keys and {age} us old");
            }
        }
        prop_assert!(!window.knows(key(next)));
    }
}

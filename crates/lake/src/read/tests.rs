//! Pruning by key.

use super::files::FileRef;

#[test]
fn a_file_without_key_bounds_may_hold_any_key() {
    let mut file = FileRef { path: "p".into(), size: 1, time: (0, 1), keys: None, staged: false };
    assert!(file.may_hold("5"));
    file.keys = Some(("10".into(), "20".into()));
    assert!(file.may_hold("15") && file.may_hold("10") && !file.may_hold("5") && !file.may_hold("21"));
}

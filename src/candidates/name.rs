//! Names for the objects of a candidate: valid everywhere, the same for the same storm, and different for different ones.

use sha2::{Digest, Sha256};

/// How long a name may be, as a DNS label; the server allows 253, but 63 fit everywhere, labels included.
const NAME_LENGTH: usize = 63;

/// A name for an object: the parts joined by `-`, as a DNS label.
///
/// Where that is not the joined text itself, because it was cut or has characters that a name can't have, it ends in
/// six hexadecimal digits of SHA-256 over the joined text. So what reads alike without those characters
/// (`system:node` and `system-node`) has different names, and the same parts always have the same one. The first part
/// should be one of our own: it keeps the name off those of the server's objects, which would be replaced.
pub(super) fn object_name(parts: &[&str]) -> String {
    let joined = parts.join("-");
    let mut name = String::new();
    for character in joined.chars() {
        if character.is_ascii_alphanumeric() {
            name.push(character.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    if name == joined && !name.is_empty() && !name.ends_with('-') && name.len() <= NAME_LENGTH {
        return name;
    }
    let [a, b, c, ..]: [u8; 32] = Sha256::digest(&joined).into();
    let hash = format!("{a:02x}{b:02x}{c:02x}");
    name.truncate(NAME_LENGTH - 1 - hash.len());
    match name.trim_end_matches('-') {
        "" => hash,
        stem => format!("{stem}-{hash}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_lost_something_end_in_a_hash() {
        for (parts, expected) in [
            (&["limit", "prometheus-k8s", "list", "pods"][..], "limit-prometheus-k8s-list-pods"),
            (&["limit", "system:node"], "limit-system-node-fe6f89"),
            (&["limit", "system-node"], "limit-system-node"),
            (&["limit", "System:Node"], "limit-system-node-2c0b58"),
            (&["limit", "a--b"], "limit-a-b-62e16f"),
            (&["limit", ""], "limit-b5127f"),
            (&["日本"], "cf2abf"),
            (&[], "e3b0c4"),
        ] {
            assert_eq!(object_name(parts), expected, "{parts:?}");
        }
        let long = "x".repeat(57);
        assert_eq!(object_name(&["limit", &long]), format!("limit-{long}"));
        let [one, other] = ["a", "b"].map(|end| object_name(&["limit", &long, end]));
        assert!(one.len() == 63 && other.len() == 63 && one != other, "{one} {other}");
    }

    proptest! {
        #[test]
        fn any_parts_make_a_name(parts in vec("\\PC{0,12}|[a-z0-9.:/_+-]{1,80}", 0..5)) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let name = object_name(&parts);
            let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            prop_assert!(name.len() <= NAME_LENGTH && !name.contains("--") && name.chars().all(is_inner), "{name}");
            prop_assert!(!name.is_empty() && !name.starts_with('-') && !name.ends_with('-'), "{name}");
        }
    }
}

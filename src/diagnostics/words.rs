//! How findings and reports count.

/// A number of things: `1 stack`, `3 stacks`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    plural(count, noun, &format!("{noun}s"))
}

/// The same for things with a plural of their own: `1 policy`, `2 policies`.
#[must_use]
pub fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_things() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "stack")), ["0 stacks", "1 stack", "2 stacks"]);
        assert_eq!([1, 2].map(|count| plural(count, "policy", "policies")), ["1 policy", "2 policies"]);
    }
}

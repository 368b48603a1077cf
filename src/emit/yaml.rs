//! JSON values as YAML that every reader takes the same way.
//!
//! CloudFormation reads YAML 1.1, where `ON` is true, `1:30` is ninety and `2012-10-17` is a date. So text stands
//! without quotes only where no version of YAML sees anything else in it.

use serde_json::Value;

/// Words that are not text to one reader or another.
const WORDS: [&str; 13] =
    ["y", "n", "yes", "no", "true", "false", "on", "off", "null", "nan", "inf", "infinity", "none"];

/// The value as a YAML document, with a final newline.
#[must_use]
pub fn yaml(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    match value {
        Value::Object(entries) if !entries.is_empty() => block(value, 0, &mut out),
        Value::Array(items) if !items.is_empty() => block(value, 0, &mut out),
        scalar => {
            out.push_str(&inline(scalar));
            out.push('\n');
        }
    }
    out.into_bytes()
}

/// Writes a mapping or list, each entry on lines of its own.
fn block(value: &Value, indent: usize, out: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(entries) => {
            for (key, inner) in entries {
                out.push_str(&margin);
                out.push_str(&text(key));
                out.push(':');
                below(inner, indent, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                out.push_str(&margin);
                out.push('-');
                if is_block(item) {
                    // The first entry stands behind the dash, where its margin would be.
                    let mut nested = String::new();
                    block(item, indent + 2, &mut nested);
                    out.push(' ');
                    out.push_str(nested.trim_start_matches(' '));
                } else {
                    below(item, indent, out);
                }
            }
        }
        _ => {}
    }
}

/// Writes what stands behind a key or dash.
fn below(value: &Value, indent: usize, out: &mut String) {
    if is_block(value) {
        out.push('\n');
        block(value, indent + 2, out);
        return;
    }
    out.push(' ');
    match value.as_str().and_then(lines) {
        Some((head, lines)) => {
            out.push_str(head);
            out.push('\n');
            for line in lines.split_terminator('\n') {
                if !line.is_empty() {
                    out.push_str(&" ".repeat(indent + 2));
                    out.push_str(line);
                }
                out.push('\n');
            }
        }
        None => {
            out.push_str(&inline(value));
            out.push('\n');
        }
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// Text of several lines that may stand as it is, and the mark it begins with.
fn lines(text: &str) -> Option<(&'static str, &str)> {
    let plain = |character: char| character == '\n' || !(character.is_control() || is_break(character));
    let fits = text.trim_end_matches('\n').contains('\n')
        && text.chars().all(plain)
        && !text.starts_with([' ', '\n'])
        && !text.ends_with("\n\n")
        && !text.lines().any(|line| line.ends_with(' '));
    fits.then_some((if text.ends_with('\n') { "|" } else { "|-" }, text))
}

/// What some readers take for the end of a line, or for nothing.
fn is_break(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        // Empty lists and mappings, numbers, truth values and nothing are written as in JSON.
        other => other.to_string(),
    }
}

/// Text without quotes if it can be nothing else, and as JSON writes it otherwise.
fn text(text: &str) -> String {
    let known = |character: char| character.is_ascii_alphanumeric() || " _-./:".contains(character);
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(known)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::new();
    for character in Value::from(text).to_string().chars() {
        if character.is_control() || is_break(character) {
            quoted.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            quoted.push(character);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn written(value: &Value) -> String {
        String::from_utf8(yaml(value)).unwrap()
    }

    #[test]
    fn text_stays_text() {
        for word in [
            "ON",
            "off",
            "Yes",
            "n",
            "~",
            "null",
            "",
            "1",
            "0755",
            "1_000",
            "0x1f",
            "1e3",
            ".5",
            "-1",
            "1:30",
            "2012-10-17",
            "=",
            "<<",
            "- a",
            "a: b",
            "a #b",
            "*",
            "&a",
            "!x",
            "@",
            "`",
            "%",
            "a:",
            " a",
            "a ",
        ] {
            assert_eq!(written(&json!({"a": word})), format!("a: {}\n", json!(word)));
        }
        for word in ["AWS::S3::Bucket", "s3:GetObject", "a b", "index.handler", "eu-west-1", "on-call"] {
            assert_eq!(written(&json!({"a": word})), format!("a: {word}\n"));
        }
    }

    #[test]
    fn what_it_looks_like() {
        let value = json!({
            "Code": {"ZipFile": "def f():\n    return 1\n"},
            "List": [{"Fn::Sub": "${A.Arn}/*", "b": [1, true, null]}, [], {}, ["x"]],
            "y": {"2012": "a\nb"},
        });
        insta::assert_snapshot!(written(&value), @r#"
        Code:
          ZipFile: |
            def f():
                return 1
        List:
          - Fn::Sub: "${A.Arn}/*"
            b:
              - 1
              - true
              - null
          - []
          - {}
          - - x
        "y":
          "2012": |-
            a
            b
        "#);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof!["[ -~\n]{0,12}", "\\PC{0,6}", "[a-z :#|>-]{0,8}\n?[ a-z]{0,4}\n{0,2}", any::<String>()];
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(text.clone(), inner, 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in any_value()) {
            let text = written(&value);
            prop_assert_eq!(serde_yaml::from_str::<Value>(&text).unwrap(), value, "{}", text);
        }
    }
}

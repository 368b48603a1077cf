//! Reading YAML over the events of `saphyr-parser`.
//!
//! The reader is stricter than YAML: one document, no anchors, aliases or merge keys (they can explode, and a
//! reader of the blueprint should see what stands there), keys are text, and every duplicate key is reported.
//! CloudFormation's short tags (`!Ref`, `!Sub`, …) become their long forms.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::{Entry, Node, Value};
use crate::diagnostics::{Diagnostic, FileId, Origin, Sink, SourceMap, Span, codes};

/// The largest blueprint that is read: 4 MiB. Tenants belong in a file of their own, which may be of any length.
pub const MAX_BYTES: usize = 4 << 20;

/// How deep a blueprint may be nested.
const MAX_DEPTH: usize = 64;

/// How many findings are kept before reading stops.
const MOST_FINDINGS: usize = 1_000;

/// The intrinsic functions with a short tag, except `!Ref`, `!Condition` and `!GetAtt`, which are special.
const FUNCTIONS: [&str; 18] = [
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "GetAZs",
    "GetStackOutput",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
];

/// Reads one YAML document. The text is kept in `sources` so that findings can quote it.
///
/// Returns nothing when there is no tree to go on with; the sink says why.
pub fn read(name: &str, bytes: &[u8], sources: &mut SourceMap, sink: &mut Sink) -> Option<Node> {
    let whole = || Origin::Path(name.into());
    if bytes.len() > MAX_BYTES {
        sink.push(
            Diagnostic::new(
                &codes::YAML_TOO_LARGE,
                whole(),
                format!("the blueprint has {} bytes, and {MAX_BYTES} bytes are read at most", bytes.len()),
            )
            .help("move the tenants to a file of their own: `tenants: { from: tenants.jsonl }`"),
        );
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            sink.push(
                Diagnostic::new(
                    &codes::YAML_ENCODING,
                    whole(),
                    format!("byte {} of the file is not UTF-8", error.valid_up_to() + 1),
                )
                .help("save the file as UTF-8"),
            );
            return None;
        }
    };
    let file = sources.add(name, text);
    let tabs = indentation_tabs(text);
    let mut reader = Reader { file, text, offsets: Offsets::new(text), sink, tabs, found: 0, failed: false };
    let tree = reader.document();
    if let Some(start) = reader.tabs.first().copied() {
        reader.report(tab(file, start));
    }
    if reader.failed { None } else { tree }
}

fn tab(file: FileId, start: usize) -> Diagnostic {
    let origin = Origin::Text(Span { file, start, end: start + 1 });
    Diagnostic::new(&codes::YAML_TAB, origin, "a tab is used as indentation")
        .help("indent with spaces: YAML does not take tabs")
}

/// The tabs that stand before any other character of their lines. Those in block and quoted text are no indentation,
/// which only the parser can tell.
fn indentation_tabs(text: &str) -> BTreeSet<usize> {
    let mut tabs = BTreeSet::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        let after = line.get(spaces..).unwrap_or("");
        if after.starts_with('\t') && !after.trim().is_empty() && !after.trim_start().starts_with('#') {
            tabs.insert(start + spaces);
        }
        start += line.len();
    }
    tabs
}

/// Translates the parser's character positions into bytes.
struct Offsets {
    /// Byte of every character, when the text is not ASCII.
    bytes: Option<Vec<u32>>,
    length: usize,
}

impl Offsets {
    fn new(text: &str) -> Self {
        let bytes = (!text.is_ascii())
            .then(|| text.char_indices().map(|(byte, _)| u32::try_from(byte).unwrap_or(u32::MAX)).collect());
        Self { bytes, length: text.len() }
    }

    fn byte(&self, marker: Marker) -> usize {
        match &self.bytes {
            None => marker.index().min(self.length),
            Some(bytes) => bytes.get(marker.index()).map_or(self.length, |byte| *byte as usize),
        }
    }
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    offsets: Offsets,
    sink: &'a mut Sink,
    /// Tabs that begin a line and are not known to be text.
    tabs: BTreeSet<usize>,
    found: usize,
    failed: bool,
}

/// A collection that is being filled.
enum Open {
    List {
        origin: Origin,
        tag: Option<String>,
        items: Vec<Node>,
    },
    Map {
        origin: Origin,
        tag: Option<String>,
        entries: Vec<Entry>,
        key: Option<(String, Origin)>,
        /// Where each key stood first.
        seen: BTreeMap<String, Origin>,
    },
}

impl Reader<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.sink.push(diagnostic);
        self.failed = true;
        self.found += 1;
    }

    fn origin(&self, span: saphyr_parser::Span) -> Origin {
        let start = self.offsets.byte(span.start);
        let end = self.offsets.byte(span.end).max(start);
        // The parser's spans of block scalars and empty values run into the white space that follows.
        let text = self.text.get(start..end).unwrap_or("");
        let end = start + text.trim_end().len();
        Origin::Text(Span { file: self.file, start, end: end.max(start) })
    }

    fn document(&mut self) -> Option<Node> {
        let mut parser = Parser::new_from_str(self.text);
        let mut stack: Vec<Open> = Vec::new();
        let mut root: Option<Node> = None;
        let mut documents = 0_usize;
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => {
                    let start = self.offsets.byte(*error.marker());
                    if !self.tabs.is_empty() {
                        // The tab is what the parser stumbled over, here or a little later.
                        return None;
                    }
                    let origin = Origin::Text(Span { file: self.file, start, end: start });
                    self.report(
                        Diagnostic::new(&codes::YAML_SYNTAX, origin, format!("the text is not YAML: {}", error.info()))
                            .help(syntax_help(error.info())),
                    );
                    return None;
                }
            };
            if self.found >= MOST_FINDINGS {
                // A file of this kind is not mended line by line.
                return None;
            }
            let origin = self.origin(span);
            let node = match event {
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => continue,
                Event::StreamEnd => break,
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        self.report(
                            Diagnostic::new(&codes::YAML_MANY_DOCUMENTS, origin, "a second document begins here")
                                .help("keep one blueprint to a file"),
                        );
                        return None;
                    }
                    continue;
                }
                Event::Alias(_) => {
                    self.report(
                        Diagnostic::new(
                            &codes::YAML_ANCHOR,
                            origin.clone(),
                            "an alias stands here, and aliases are not read",
                        )
                        .help("write the value out, or share components through `bundles`"),
                    );
                    Node { origin, value: Value::Null }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.refuse_anchor(anchor, &origin);
                    if style != ScalarStyle::Plain {
                        let within = self.offsets.byte(span.start)..self.offsets.byte(span.end);
                        let text: Vec<usize> = self.tabs.range(within).copied().collect();
                        text.iter().for_each(|tab| {
                            self.tabs.remove(tab);
                        });
                    }
                    let quoted = tag.as_deref().is_some_and(|tag| tag.is_yaml_core_schema());
                    let tag = self.tag_name(tag.as_deref(), &origin);
                    let plain = style == ScalarStyle::Plain && tag.is_none() && !quoted;
                    let value = if plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL") {
                        Value::Null
                    } else {
                        Value::Scalar { text: text.into_owned(), plain }
                    };
                    self.tagged(Node { origin, value }, tag)
                }
                Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) if stack.len() >= MAX_DEPTH => {
                    drop((anchor, tag));
                    self.report(
                        Diagnostic::new(
                            &codes::YAML_TOO_DEEP,
                            origin,
                            format!("the blueprint is nested more than {MAX_DEPTH} levels deep here"),
                        )
                        .help("no part of a blueprint needs that: check the indentation"),
                    );
                    return None;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.refuse_anchor(anchor, &origin);
                    let tag = self.tag_name(tag.as_deref(), &origin);
                    stack.push(Open::List { origin, tag, items: Vec::new() });
                    continue;
                }
                Event::MappingStart(anchor, tag) => {
                    self.refuse_anchor(anchor, &origin);
                    let tag = self.tag_name(tag.as_deref(), &origin);
                    stack.push(Open::Map { origin, tag, entries: Vec::new(), key: None, seen: BTreeMap::new() });
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => match stack.pop() {
                    Some(Open::List { origin: start, tag, items }) => {
                        let node = Node { origin: join(&start, &origin), value: Value::List(items) };
                        self.tagged(node, tag)
                    }
                    Some(Open::Map { origin: start, tag, entries, .. }) => {
                        let node = Node { origin: join(&start, &origin), value: Value::Map(entries) };
                        self.tagged(node, tag)
                    }
                    None => continue,
                },
            };
            match stack.last_mut() {
                None => root = Some(node),
                Some(Open::List { items, .. }) => items.push(node),
                Some(Open::Map { entries, key, seen, .. }) => match key.take() {
                    None => *key = Some(self.key(node)),
                    Some((key, key_origin)) => match seen.get(&key).cloned() {
                        Some(first) => self.report(
                            Diagnostic::new(
                                &codes::YAML_DUPLICATE_KEY,
                                key_origin,
                                format!("the key `{key}` stands twice in one mapping"),
                            )
                            .label("again here")
                            .also(first, "first here")
                            .help("keep one of them"),
                        ),
                        None => {
                            seen.insert(key.clone(), key_origin.clone());
                            entries.push(Entry { key, key_origin, value: node });
                        }
                    },
                },
            }
        }
        match root {
            Some(Node { value: Value::Null, .. }) | None if !self.failed => {
                let name = Origin::Text(Span { file: self.file, start: 0, end: 0 });
                self.report(
                    Diagnostic::new(&codes::YAML_EMPTY, name, "the blueprint is empty")
                        .help("run `tenantry init` for one to begin with"),
                );
                None
            }
            root => root,
        }
    }

    fn key(&mut self, node: Node) -> (String, Origin) {
        match node.value {
            Value::Scalar { text, plain } => {
                if plain && text == "<<" {
                    self.report(
                        Diagnostic::new(&codes::YAML_MERGE_KEY, node.origin.clone(), "merge keys are not read")
                            .help("write the keys out, or share components through `bundles`"),
                    );
                }
                (text, node.origin)
            }
            _ => {
                self.report(
                    Diagnostic::new(&codes::YAML_KEY, node.origin.clone(), "a key must be plain text")
                        .help("write `key: value`; quote a text that begins with `{` or `[`"),
                );
                (String::new(), node.origin)
            }
        }
    }

    fn refuse_anchor(&mut self, anchor: usize, origin: &Origin) {
        if anchor != 0 {
            self.report(
                Diagnostic::new(&codes::YAML_ANCHOR, origin.clone(), "an anchor stands here, and anchors are not read")
                    .help("take the `&name` out; to share components between tiers, use `bundles`"),
            );
        }
    }

    fn tag_name(&mut self, tag: Option<&Tag>, origin: &Origin) -> Option<String> {
        let tag = tag?;
        if tag.is_yaml_core_schema() && tag.suffix == "str" {
            return None;
        }
        let known = tag.handle == "!"
            && (FUNCTIONS.contains(&tag.suffix.as_str())
                || matches!(tag.suffix.as_str(), "Ref" | "GetAtt" | "Condition"));
        if !known {
            let written = if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
            self.report(
                Diagnostic::new(&codes::YAML_TAG, origin.clone(), format!("the tag `{written}` is not known"))
                    .did_you_mean(&tag.suffix, FUNCTIONS.into_iter().chain(["Ref", "GetAtt"]))
                    .help("CloudFormation's short tags, such as `!Ref` and `!Sub`, are read"),
            );
            return None;
        }
        Some(tag.suffix.clone())
    }

    /// The long form of a short tag: `!Sub x` is `{"Fn::Sub": x}`.
    fn tagged(&mut self, node: Node, tag: Option<String>) -> Node {
        let Some(tag) = tag else { return node };
        let origin = node.origin.clone();
        let argument = match (tag.as_str(), &node.value) {
            ("GetAtt", Value::Scalar { text, .. }) => match text.split_once('.') {
                Some((resource, attribute)) if !resource.is_empty() && !attribute.is_empty() => {
                    let item = |text: &str| Node {
                        origin: origin.clone(),
                        value: Value::Scalar { text: text.to_owned(), plain: false },
                    };
                    Node { origin: origin.clone(), value: Value::List(vec![item(resource), item(attribute)]) }
                }
                _ => {
                    self.report(
                        Diagnostic::new(
                            &codes::YAML_TAG,
                            origin.clone(),
                            format!("`!GetAtt {text}` names no attribute"),
                        )
                        .help("write `!GetAtt Component.Attribute`"),
                    );
                    node
                }
            },
            _ => node,
        };
        let key = match tag.as_str() {
            "Ref" | "Condition" => tag,
            other => format!("Fn::{other}"),
        };
        Node { origin: origin.clone(), value: Value::Map(vec![Entry { key, key_origin: origin, value: argument }]) }
    }
}

/// What to do about a message of the parser.
fn syntax_help(message: &str) -> &'static str {
    if message.contains("mapping values are not allowed") {
        "put a text that holds `: ` in quotes, and check the indentation"
    } else if message.contains("quoted scalar") {
        "close the quote, and write a quote inside of single quotes twice"
    } else if message.contains("flow") {
        "close every `[` and `{`, and put commas between what stands in them"
    } else {
        "check the indentation, and that every bracket and quote before this place is closed"
    }
}

fn join(start: &Origin, end: &Origin) -> Origin {
    match (start, end) {
        (Origin::Text(start), Origin::Text(end)) => {
            Origin::Text(Span { file: start.file, start: start.start, end: end.end.max(start.end) })
        }
        _ => start.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes_of(text: &str) -> Vec<&'static str> {
        let mut sink = Sink::new();
        let _ = read("b.yaml", text.as_bytes(), &mut SourceMap::default(), &mut sink);
        sink.into_sorted().iter().map(|finding| finding.code.name).collect()
    }

    fn tree(text: &str) -> Node {
        let mut sink = Sink::new();
        let node = read("b.yaml", text.as_bytes(), &mut SourceMap::default(), &mut sink);
        assert!(sink.is_empty(), "{sink:?}");
        node.unwrap()
    }

    #[test]
    fn what_explodes_is_refused() {
        assert_eq!(codes_of("a: &x 1\nb: *x\n"), ["yaml/anchor", "yaml/anchor"]);
        assert_eq!(codes_of("a: 1\n<<: {b: 1}\n"), ["yaml/merge-key"]);
        let bomb: String = (0..9).map(|n| format!("a{n}: &a{n} [*a{}, *a{}]\n", n + 1, n + 1)).collect();
        assert!(!codes_of(&bomb).is_empty());
    }

    #[test]
    fn all_duplicates_are_reported() {
        assert_eq!(codes_of("a: 1\nb: 2\na: 3\nb: 4\n"), ["yaml/duplicate-key", "yaml/duplicate-key"]);
    }

    #[test]
    fn broken_text_is_a_finding() {
        assert_eq!(codes_of(""), ["yaml/empty"]);
        assert_eq!(codes_of("# nothing\n"), ["yaml/empty"]);
        assert_eq!(codes_of("a: [1\n"), ["yaml/syntax"]);
        assert_eq!(codes_of("a:\n\tb: 1\n"), ["yaml/tab"]);
        assert_eq!(codes_of("a: |\n  if x:\n  \ty\nb: 'c\n  \td'\n"), [""; 0]);
        assert_eq!(codes_of("a: 1\n---\nb: 1\n"), ["yaml/many-documents"]);
        assert_eq!(codes_of("? [a]\n: 1\n"), ["yaml/key"]);
        assert_eq!(codes_of("a: !Reff b\n"), ["yaml/tag"]);
        assert_eq!(codes_of("a: !GetAtt b\n"), ["yaml/tag"]);
        assert_eq!(codes_of(&"[".repeat(100)), ["yaml/too-deep"]);
    }

    #[test]
    fn short_tags_become_long() {
        let node = tree("a: !GetAtt Orders.Arn\nb: !Sub 'x-${AWS::Region}'\nc: !Ref X\n");
        assert_eq!(
            node.to_json(),
            serde_json::json!({"a": {"Fn::GetAtt": ["Orders", "Arn"]}, "b": {"Fn::Sub": "x-${AWS::Region}"}, "c": {"Ref": "X"}})
        );
    }

    #[test]
    fn spans_count_bytes() {
        let mut sources = SourceMap::default();
        let node = read("b.yaml", "ä: ö\nname: 'ü'\n".as_bytes(), &mut sources, &mut Sink::new()).unwrap();
        let Origin::Text(span) = node.get("name").unwrap().origin.clone() else { panic!() };
        assert_eq!(&sources.get(span.file).unwrap().text[span.start..span.end], "'ü'");
    }
}

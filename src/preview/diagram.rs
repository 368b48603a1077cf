//! A tenant's stacks and what flows between their resources, as a picture in SVG: stacks are bands, lanes are columns, and
//! every resource is a link to its row in the table.
//!
//! The same preview gives the same picture. Colours come from the page's style sheet; own and shared differ in shape and in
//! words too.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::document::{Edge, End, Preview, ResourceView, Sharing, StackView};
use super::flow::{Lane, lane};
use super::shown::cut;

const NODE_WIDTH: f64 = 164.0;
const NODE_HEIGHT: f64 = 46.0;
/// Between columns, while they are few and when they are many: a wide picture is made smaller, and its letters with it.
const COLUMN_GAPS: (f64, f64) = (128.0, 104.0);
const ROW_GAP: f64 = 30.0;
const BAND_HEAD: f64 = 42.0;
const BAND_FOOT: f64 = 22.0;
const BAND_GAP: f64 = 22.0;
/// Room at the left for edges between resources of the first column.
const MARGIN: f64 = 84.0;
const TOP: f64 = 30.0;
/// The most characters of a label.
const LABEL: usize = 21;
/// How wide a character of an edge's words is at most, on average, and how high they are.
const WORDS: (f64, f64) = (5.8, 13.0);
/// Where on an edge its words are tried, the best place first.
const TRIED: [f64; 11] = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.2, 0.8, 0.14, 0.86];

/// A resource in the picture.
struct Node<'a> {
    resource: &'a ResourceView,
    stack: usize,
    row: String,
    label: String,
    column: usize,
    /// Its place in the order of its column and band.
    order: f64,
    x: f64,
    y: f64,
    changed: Option<&'static str>,
}

/// The picture; nothing if there is no resource to show.
pub(super) fn diagram(preview: &Preview) -> Option<String> {
    let mut nodes = nodes(preview);
    nodes.first()?;
    let columns = columns(&mut nodes);
    let places: BTreeMap<(&str, &str), usize> = nodes
        .iter()
        .enumerate()
        .filter_map(|(at, node)| {
            Some(((preview.stacks.get(node.stack)?.name.as_str(), node.resource.logical_id.as_str()), at))
        })
        .collect();
    let at = |end: &End| places.get(&(end.stack.as_str(), end.logical_id.as_str())).copied();
    let edges: Vec<(usize, usize, &Edge)> =
        preview.flow.iter().filter_map(|edge| Some((at(&edge.from)?, at(&edge.to)?, edge))).collect();
    settle(&mut nodes, &edges);
    let bands = place(&mut nodes, preview.stacks.len(), columns.len());
    Some(draw(preview, &nodes, &edges, &columns, &bands))
}

fn nodes(preview: &Preview) -> Vec<Node<'_>> {
    let mut nodes = Vec::new();
    for (at, stack) in preview.stacks.iter().enumerate() {
        let shown = |resource: &&ResourceView| lane(&resource.kind).is_some();
        for (number, resource) in stack.resources.iter().enumerate().filter(|(_, resource)| shown(resource)) {
            let component = resource.component.as_deref();
            let alone = component.is_some()
                && stack.resources.iter().filter(shown).filter(|other| other.component.as_deref() == component).count()
                    == 1;
            let label = match component {
                Some(component) if alone => component.to_owned(),
                _ => stem(&resource.logical_id).to_owned(),
            };
            nodes.push(Node {
                resource,
                stack: at,
                row: row_id(at, number),
                label,
                column: 0,
                order: 0.0,
                x: 0.0,
                y: 0.0,
                changed: changed(preview, stack, resource),
            });
        }
    }
    nodes
}

/// The id of a resource's row in the page.
pub(super) fn row_id(stack: usize, resource: usize) -> String {
    format!("r-{stack}-{resource}")
}

/// What happens to a resource, as a word of the document.
pub(super) fn changed(preview: &Preview, stack: &StackView, resource: &ResourceView) -> Option<&'static str> {
    use crate::diff::Action;
    let changes = preview.changes.as_ref()?;
    let change = changes.stacks.iter().find(|change| change.name == stack.name)?;
    if change.action == super::StackAction::Added {
        return Some("added");
    }
    change.resources.iter().find(|change| change.logical_id == resource.logical_id).map(|change| match change.action {
        Action::Added => "added",
        Action::Updated => "updated",
        Action::MayBeReplaced => "may be replaced",
        Action::Replaced => "replaced",
        Action::Removed => "removed",
    })
}

/// A logical id without its digest.
pub(super) fn stem(id: &str) -> &str {
    let cut = id.len().saturating_sub(8);
    match (id.get(..cut), id.get(cut..)) {
        (Some(stem), Some(digest))
            if !stem.is_empty() && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) =>
        {
            stem
        }
        _ => id,
    }
}

/// Where a column begins.
fn left(column: usize, columns: usize) -> f64 {
    let gap = if columns <= 3 { COLUMN_GAPS.0 } else { COLUMN_GAPS.1 };
    MARGIN + number(column) * (NODE_WIDTH + gap)
}

/// Gives every node its column; the lanes that have nodes, in order.
fn columns(nodes: &mut [Node<'_>]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = nodes.iter().filter_map(|node| lane(&node.resource.kind)).collect();
    lanes.sort_unstable();
    lanes.dedup();
    for node in nodes {
        let own = lane(&node.resource.kind);
        node.column = lanes.iter().position(|lane| Some(*lane) == own).unwrap_or_default();
    }
    lanes
}

/// Orders the nodes of each column so that edges cross less: each goes to the mean of its neighbours, a few times.
fn settle(nodes: &mut [Node<'_>], edges: &[(usize, usize, &Edge)]) {
    renumber(nodes);
    for _ in 0..6 {
        let means: Vec<f64> = (0..nodes.len())
            .map(|at| {
                let own = nodes.get(at).map_or(0.0, |node| node.order);
                let neighbours = edges.iter().filter_map(|(from, to, edge)| {
                    // Keys are used by everything, and would pull everything to the middle.
                    (edge.what != "encrypted with").then_some(())?;
                    let other = if *from == at {
                        *to
                    } else if *to == at {
                        *from
                    } else {
                        return None;
                    };
                    nodes.get(other).map(|node| node.order)
                });
                let (sum, count) = neighbours.fold((own, 1.0), |(sum, count), order| (sum + order, count + 1.0));
                sum / count
            })
            .collect();
        for (node, mean) in nodes.iter_mut().zip(means) {
            node.order = mean;
        }
        renumber(nodes);
    }
}

/// Makes the order of each column of a band whole numbers around its middle.
fn renumber(nodes: &mut [Node<'_>]) {
    let mut groups: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        groups.entry((node.stack, node.column)).or_default().push(at);
    }
    for mut group in groups.into_values() {
        let key = |at: &usize| nodes.get(*at).map_or(0.0, |node| node.order);
        group.sort_by(|one, other| key(one).total_cmp(&key(other)).then(one.cmp(other)));
        let middle = number(group.len().saturating_sub(1)) / 2.0;
        for (place, at) in group.into_iter().enumerate() {
            if let Some(node) = nodes.get_mut(at) {
                node.order = number(place) - middle;
            }
        }
    }
}

/// A small count as a coordinate.
fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The top and the height of each stack's band.
fn place(nodes: &mut [Node<'_>], stacks: usize, columns: usize) -> Vec<(f64, f64)> {
    let mut bands = Vec::with_capacity(stacks);
    let mut top = TOP;
    for stack in 0..stacks {
        let most = (0..columns)
            .map(|column| nodes.iter().filter(|node| node.stack == stack && node.column == column).count())
            .max()
            .unwrap_or_default();
        let inside = number(most) * (NODE_HEIGHT + ROW_GAP) - if most > 0 { ROW_GAP } else { 0.0 };
        let height = BAND_HEAD + inside + BAND_FOOT;
        let middle = top + BAND_HEAD + inside / 2.0;
        for node in nodes.iter_mut().filter(|node| node.stack == stack) {
            node.x = left(node.column, columns);
            node.y = middle + node.order * (NODE_HEIGHT + ROW_GAP) - NODE_HEIGHT / 2.0;
        }
        bands.push((top, height));
        top += height + BAND_GAP;
    }
    bands
}

fn draw(
    preview: &Preview,
    nodes: &[Node<'_>],
    edges: &[(usize, usize, &Edge)],
    columns: &[Lane],
    bands: &[(f64, f64)],
) -> String {
    let width = left(columns.len().saturating_sub(1), columns.len()) + NODE_WIDTH + MARGIN;
    let height = bands.last().map_or(TOP, |(top, height)| top + height) + 2.0;
    let mut svg = String::new();
    // Writing to a `String` cannot fail.
    let _ = write!(
        svg,
        "<svg class=\"flow\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"group\" aria-label=\"Stacks and what flows between their resources\">\
         <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path d=\"M0 .8 7.2 4 0 7.2Z\"/></marker></defs>"
    );
    for (number_of, lane) in columns.iter().enumerate() {
        let x = left(number_of, columns.len()) + NODE_WIDTH / 2.0;
        let _ = write!(svg, "<text class=\"lane\" x=\"{x}\" y=\"17\">{}</text>", lane.title());
    }
    for (stack, (top, height)) in preview.stacks.iter().zip(bands) {
        let (class, words, radius) = match (stack.sharing, stack.tenants) {
            (Sharing::Pooled, 1) => ("shared", "Shared, by this tenant alone so far".to_owned(), 3),
            (Sharing::Pooled, many) => ("shared", format!("Shared by {many} tenants"), 3),
            (Sharing::Siloed, _) => ("own", "The tenant’s own".to_owned(), 14),
        };
        let place = stack.account.as_deref().unwrap_or("no account yet");
        let _ = write!(
            svg,
            "<g class=\"band {class}\"><rect x=\"1\" y=\"{top}\" width=\"{}\" height=\"{height}\" rx=\"{radius}\"/>\
             <text x=\"{MARGIN}\" y=\"{}\"><tspan class=\"whose\">{}</tspan><tspan class=\"name\" dx=\"10\">{}</tspan>\
             <tspan class=\"where\" dx=\"10\">{}, {}</tspan></text></g>",
            width - 2.0,
            top + 25.0,
            escape(&words),
            escape(&stack.name),
            escape(place),
            escape(&stack.region),
        );
    }
    draw_edges(nodes, edges, occupied(nodes, preview, bands), &mut svg);
    for node in nodes {
        draw_node(node, preview, &mut svg);
    }
    svg.push_str("</svg>");
    svg
}

/// Where an edge touches a node, and whether that is its right side.
struct Port {
    x: f64,
    y: f64,
    right: bool,
}

fn draw_edges(nodes: &[Node<'_>], edges: &[(usize, usize, &Edge)], mut taken: Vec<Area>, svg: &mut String) {
    // The edges at one side of a node share it in the order of where they come from.
    let mut sides: BTreeMap<(usize, bool), Vec<(usize, f64)>> = BTreeMap::new();
    let sides_of = |from: &Node<'_>, to: &Node<'_>| match from.column.cmp(&to.column) {
        std::cmp::Ordering::Less => (true, false),
        std::cmp::Ordering::Greater => (false, true),
        // Within a column, around its outer side.
        std::cmp::Ordering::Equal => (from.column > 0, from.column > 0),
    };
    for (number_of, (from, to, _)) in edges.iter().enumerate() {
        let (Some(one), Some(other)) = (nodes.get(*from), nodes.get(*to)) else { continue };
        let (leaves, arrives) = sides_of(one, other);
        sides.entry((*from, leaves)).or_default().push((number_of, other.y));
        sides.entry((*to, arrives)).or_default().push((number_of, one.y));
    }
    for side in sides.values_mut() {
        side.sort_by(|one, other| one.1.total_cmp(&other.1).then(one.0.cmp(&other.0)));
    }
    let port = |at: usize, right: bool, edge: usize| -> Option<Port> {
        let node = nodes.get(at)?;
        let side = sides.get(&(at, right))?;
        let place = side.iter().position(|(number_of, _)| *number_of == edge)?;
        let y = node.y + NODE_HEIGHT * (number(place) + 1.0) / (number(side.len()) + 1.0);
        Some(Port { x: if right { node.x + NODE_WIDTH } else { node.x }, y, right })
    };
    svg.push_str("<g class=\"edges\">");
    for (number_of, (from, to, edge)) in edges.iter().enumerate() {
        let (Some(one), Some(other)) = (nodes.get(*from), nodes.get(*to)) else { continue };
        let (leaves, arrives) = sides_of(one, other);
        let (Some(start), Some(end)) = (port(*from, leaves, number_of), port(*to, arrives, number_of)) else {
            continue;
        };
        let class = match edge.what.as_str() {
            "encrypted with" | "uses" => "edge quiet",
            "delivers to" | "notifies" | "sends failures to" => "edge event",
            _ => "edge",
        };
        let reach = if one.column == other.column { 52.0 } else { ((end.x - start.x).abs() / 2.0).max(40.0) };
        let (out, into) =
            (start.x + if start.right { reach } else { -reach }, end.x + if end.right { reach } else { -reach });
        let curve = [(start.x, start.y), (out, start.y), (into, end.y), (end.x, end.y)];
        let [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = curve;
        let what = escape(&edge.what);
        let _ = write!(
            svg,
            "<g class=\"{class}\" data-from=\"{}\" data-to=\"{}\"><title>{} {what} {}</title>\
             <path d=\"M{x0:.1} {y0:.1}C{x1:.1} {y1:.1} {x2:.1} {y2:.1} {x3:.1} {y3:.1}\" marker-end=\"url(#arrow)\"/>",
            one.row,
            other.row,
            escape(&one.label),
            escape(&other.label),
        );
        if !class.ends_with("quiet")
            && let Some((x, y)) = words_at(curve, &edge.what, &mut taken)
        {
            let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\">{what}</text>", y + 3.5);
        }
        svg.push_str("</g>");
    }
    svg.push_str("</g>");
}

/// A rectangle: left, top, right, bottom.
#[derive(Debug, Clone, Copy)]
struct Area(f64, f64, f64, f64);

impl Area {
    fn meets(self, other: Self) -> bool {
        self.0 < other.2 && other.0 < self.2 && self.1 < other.3 && other.1 < self.3
    }
}

/// What words must not cover: resources, and the heads of bands.
fn occupied(nodes: &[Node<'_>], preview: &Preview, bands: &[(f64, f64)]) -> Vec<Area> {
    let boxes = nodes
        .iter()
        .map(|node| Area(node.x - 1.0, node.y - 1.0, node.x + NODE_WIDTH + 5.0, node.y + NODE_HEIGHT + 5.0));
    let heads = preview.stacks.iter().zip(bands).map(|(stack, (top, _))| {
        // The name with what stands before and after it; a character is less wide than this.
        let length = number(stack.name.chars().count() + 60) * 7.0;
        Area(MARGIN, top + 9.0, MARGIN + length, top + 33.0)
    });
    boxes.chain(heads).collect()
}

/// The middle of an edge's words: on the curve, where nothing else is. Nothing if there is no such place; whoever points
/// at the edge, or opens one of its ends, reads them all the same.
fn words_at(curve: [(f64, f64); 4], words: &str, taken: &mut Vec<Area>) -> Option<(f64, f64)> {
    let [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = curve;
    let half = number(words.chars().count()) * WORDS.0 / 2.0 + 2.0;
    let place = TRIED.into_iter().find_map(|part| {
        let rest = 1.0 - part;
        let (a, b, c, d) = (rest.powi(3), 3.0 * rest * rest * part, 3.0 * rest * part * part, part.powi(3));
        let x = (a * x0 + b * x1 + c * x2 + d * x3).max(half + 4.0);
        let y = a * y0 + b * y1 + c * y2 + d * y3;
        let area = Area(x - half, y - WORDS.1 / 2.0, x + half, y + WORDS.1 / 2.0);
        (!taken.iter().any(|other| other.meets(area))).then_some((x, y, area))
    });
    let (x, y, area) = place?;
    taken.push(area);
    Some((x, y))
}

fn draw_node(node: &Node<'_>, preview: &Preview, svg: &mut String) {
    let Some(stack) = preview.stacks.get(node.stack) else { return };
    let (class, words, radius) = match stack.sharing {
        Sharing::Pooled => ("shared", "shared", 2),
        Sharing::Siloed => ("own", "own", 10),
    };
    let kind = kind_words(&node.resource.kind);
    let change = node.changed.map(|change| format!(", {change}")).unwrap_or_default();
    let title = format!("{} {kind}, {words}{change}: {}", node.label, node.resource.owner.words);
    let (x, y) = (node.x, node.y);
    let _ = write!(
        svg,
        "<a class=\"node {class}{}\" href=\"#{}\" data-row=\"{}\" aria-label=\"{}\"><title>{}</title>",
        if node.changed.is_some() { " changed" } else { "" },
        node.row,
        node.row,
        escape(&title),
        escape(&title)
    );
    if stack.sharing == Sharing::Pooled {
        // A second sheet behind it: there are several tenants in here.
        let _ = write!(
            svg,
            "<rect class=\"behind\" x=\"{}\" y=\"{}\" width=\"{NODE_WIDTH}\" height=\"{NODE_HEIGHT}\" rx=\"{radius}\"/>",
            x + 4.0,
            y + 4.0
        );
    }
    let _ = write!(
        svg,
        "<rect class=\"box\" x=\"{x}\" y=\"{y}\" width=\"{NODE_WIDTH}\" height=\"{NODE_HEIGHT}\" rx=\"{radius}\"/>\
         <text class=\"label\" x=\"{}\" y=\"{}\">{}</text><text class=\"kind\" x=\"{}\" y=\"{}\">{}</text>",
        x + 12.0,
        y + 20.0,
        escape(&cut(&node.label, LABEL)),
        x + 12.0,
        y + 36.0,
        escape(&cut(&kind, LABEL + 4)),
    );
    if let Some(change) = node.changed {
        let (sign, word) = match change {
            "added" => ("+", "added"),
            "replaced" | "removed" => ("!", "replaced"),
            "may be replaced" => ("~", "maybe"),
            _ => ("~", "updated"),
        };
        let _ = write!(
            svg,
            "<g class=\"mark {word}\"><circle cx=\"{}\" cy=\"{y}\" r=\"9\"/><text x=\"{}\" y=\"{}\">{sign}</text></g>",
            x + NODE_WIDTH - 12.0,
            x + NODE_WIDTH - 12.0,
            y + 4.0
        );
    }
    svg.push_str("</a>");
}

/// A type as people say it: `DynamoDB Table` for `AWS::DynamoDB::Table`.
pub(super) fn kind_words(kind: &str) -> String {
    let mut parts = kind.split("::").filter(|part| *part != "AWS");
    let service = parts.next().unwrap_or(kind);
    parts.fold(service.to_owned(), |words, part| format!("{words} {part}"))
}

/// Text for the content or a quoted attribute of HTML and SVG. What cannot be seen is no part of either.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '`' => escaped.push_str("&#96;"),
            '\n' | '\t' => escaped.push(character),
            // Controls, and marks that turn the direction of writing around, would let text pass for other text.
            character
                if character.is_control()
                    || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') =>
            {
                escaped.push('\u{fffd}');
            }
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is escaped opens no tag, ends no attribute and begins no reference of its own.
        #[test]
        fn escaped_text_is_text(text in any::<String>()) {
            let escaped = escape(&text);
            let forbidden = ['<', '>', '"', '\'', '`', '\u{0}', '\u{1b}', '\u{202e}'];
            prop_assert!(!escaped.contains(forbidden));
            for after in escaped.split('&').skip(1) {
                let name = after.split(';').next().unwrap();
                prop_assert!(["amp", "lt", "gt", "quot", "#39", "#96"].contains(&name), "{escaped}");
            }
        }
    }

    #[test]
    fn words_cover_neither_each_other_nor_what_is_there() {
        let there = Area(40.0, 0.0, 60.0, 100.0);
        let mut taken = vec![there];
        let curve = |y: f64| [(0.0, y), (60.0, y), (60.0, y), (220.0, y)];
        let placed = (0..12).filter_map(|_| words_at(curve(50.0), "reads", &mut taken)).count();
        assert!(placed > 1, "{placed}");
        for (at, one) in taken.iter().enumerate() {
            assert!(!taken.iter().skip(at + 1).any(|other| one.meets(*other)), "{one:?}");
        }
    }

    #[test]
    fn names_are_said_as_people_say_them() {
        assert_eq!(kind_words("AWS::DynamoDB::Table"), "DynamoDB Table");
        assert_eq!(kind_words("Custom::Thing"), "Custom Thing");
        assert_eq!(stem("OrdersTable5a8e62bc"), "OrdersTable");
        assert_eq!(stem("Orders"), "Orders");
        assert_eq!(stem("5a8e62bc"), "5a8e62bc");
    }
}

use super::super::proof::Counterexample;
use super::super::sample::{empty, proved, refuted, tenancy};
use super::*;

fn both(proof: &Proof) -> [String; 2] {
    [Form::Markdown, Form::Html].map(|form| report(proof, &tenancy(), form).unwrap())
}

#[test]
fn the_verdict_comes_first() {
    for (proof, word, sentence) in [
        (proved(), "proved", "Tenants are kept apart: for any two different tenants"),
        (
            refuted(),
            "refuted",
            "Tenants are not kept apart: 2 of 9 questions were answered with a request that must not be possible, by 1 mistake.",
        ),
        (empty(), "unknown", "It is not known whether tenants are kept apart: nothing was asked about it."),
    ] {
        let [markdown, html] = both(&proof);
        assert!(markdown.starts_with(&format!("# Isolation of tenants: {word}\n\n**{sentence}")), "{markdown}");
        assert!(html.contains(&format!("<title>Isolation of tenants: {word}</title>")));
        assert!(html.contains(&format!("<p class=\"first\">{sentence}")), "{html}");
        for text in [markdown, html] {
            assert!(text.contains(&Evidence::from(&proof).digest));
            assert_eq!(word == "refuted", text.contains("Requests that break a claim"));
            assert_eq!(word == "refuted", text.contains("What was not decided"));
        }
    }
}

#[test]
fn what_is_refuted_or_unknown_is_never_called_kept_apart() {
    for at in 0..proved().obligations.len() {
        for claim in Claim::ALL {
            for broken in refuted().obligations.into_iter().filter(|asked| asked.verdict != Verdict::Proved) {
                let mut proof = proved();
                proof.obligations[at] = Obligation { claim, ..broken };
                let said = verdict(&proof);
                let text = format!("{} {}", said.0, said.1.join(" "));
                let isolation = is_isolation(&proof.obligations[at]) || claim == Claim::Instance;
                assert_eq!(text.starts_with("Tenants are kept apart"), !isolation, "{text}");
                assert!(
                    isolation || ["not known", "do not", "not the", "keep"].iter().any(|no| text.contains(no)),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn a_story_names_its_statements_and_what_else_they_break() {
    for text in both(&refuted()) {
        for part in ["ReadInvoices", "/Statement/1", "s3:PutObject", "same statements: 1", "t-12/invoice.pdf"] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(text.matches("as a case for a simulator</summary>").count(), 1);
        assert!(text.contains("Name the role by its ARN, or take it from a resource of the template."));
        assert!(text.contains("code routes messages") && text.contains("figures"));
    }
}

/// A line without its code spans, each of which is closed by as many backticks as opened it.
fn outside_of_code(line: &str) -> String {
    let (mut outside, mut rest) = (String::new(), line);
    while let Some(start) = rest.find('`') {
        let (before, after) = rest.split_at(start);
        let fence = after.len() - after.trim_start_matches('`').len();
        let body = &after[fence..];
        let runs = body.match_indices('`').map(|(at, _)| at).filter(|at| !body[..*at].ends_with('`'));
        let mut closing = runs.filter(|at| body[*at..].len() - body[*at..].trim_start_matches('`').len() == fence);
        outside.push_str(before);
        if before.ends_with('\\') {
            rest = &after[1..];
        } else {
            let end = closing.next().unwrap_or_else(|| panic!("a code span is not closed: {line}"));
            rest = &body[end + fence..];
        }
    }
    outside + rest
}

#[test]
fn what_comes_from_files_is_text_and_nothing_else() {
    let evil = "<script>alert(1)</script> | **x** [a](b) \u{202e}`<b>|`\n# h";
    let mut proof = refuted();
    for asked in &mut proof.obligations {
        asked.principal = evil.to_owned();
        asked.target = evil.to_owned();
        asked.actions = vec![evil.to_owned()];
        asked.id = format!("{evil} → {evil}");
        if let Verdict::Refuted(found) = &mut asked.verdict {
            let found: &mut Counterexample = found;
            found.sentence = evil.to_owned();
            found.case = serde_json::json!({evil: "</pre>\n```\n<script>"});
            found.granted_by[0].0.file = evil.to_owned();
            found.granted_by[0].1 = Some(evil.to_owned());
        }
    }
    proof.assumptions.push(evil.to_owned());
    proof.inputs.insert(evil.to_owned(), evil.to_owned());
    let mut tenancy = tenancy();
    tenancy.templates[0].template = evil.to_owned();
    tenancy.tag = evil.to_owned();
    let html = report(&proof, &tenancy, Form::Html).unwrap();
    assert!(!html.contains("<script") && !html.contains("<b>|") && !html.contains('\u{202e}'));
    assert_eq!(html.matches("</pre>").count(), 1);

    let markdown = report(&proof, &tenancy, Form::Markdown).unwrap();
    assert!(!markdown.contains('\u{202e}') && !markdown.contains("\n# h"));
    let mut fenced = false;
    for line in markdown.lines() {
        fenced ^= line.starts_with("```");
        if fenced || line.starts_with("```") {
            continue;
        }
        // What is left outside of code spans is the page's own.
        let outside = outside_of_code(line);
        for own in ["<script", "**x**", "[a](b)"] {
            assert!(!outside.contains(own), "{line}");
        }
        if line.starts_with('|') && !line.contains("---") {
            let cells = line.replace("\\|", "").matches('|').count();
            assert!([3, 4, 6, 8].contains(&cells), "{cells}: {line}");
        }
    }
    assert!(!fenced);
}

#[test]
fn code_and_prose_are_escaped_each_in_its_way() {
    assert_eq!(markdown_code("a`b|c"), "``a`b\\|c``");
    assert_eq!(markdown_code("`a"), "`` `a ``");
    assert_eq!(markdown_text("a_b*c <d> | e"), "a\\_b\\*c &lt;d&gt; \\| e");
    assert_eq!(prose("role `A_b` may", markdown_text, markdown_code), "role `A_b` may");
    assert_eq!(prose("a ` alone", html_text, html_code), "a &#x60; alone");
    assert_eq!(prose("`<a>` & b", html_text, html_code), "<code>&lt;a&gt;</code> &amp; b");
    assert_eq!(sentence("a session may"), "A session may.");
    assert_eq!(sentence(""), "");
}

#[test]
fn solvers_that_contradict_each_other_are_not_passed_over() {
    let mut proof = proved();
    assert!(methods(&proof).iter().any(|said| said.ends_with("was asked about 1 formula, and agreed about 1.")));
    proof.obligations[0].cross_check.as_mut().unwrap().answer = "sat".to_owned();
    assert!(
        methods(&proof).iter().any(|said| said.starts_with("The two solvers contradict each other about 1 formula."))
    );
    proof.obligations[0].cross_check.as_mut().unwrap().answer = "unknown".to_owned();
    assert!(methods(&proof).iter().any(|said| said.ends_with("and agreed about 0.")));
    assert!(!methods(&proof).iter().any(|said| said.contains("contradict")));
}

#[test]
fn a_case_with_hidden_characters_stays_the_same_json() {
    let case = serde_json::json!({"a\u{202e}b": "\u{7f}\u{9}é\u{feff}"});
    let shown = visible_json(&case.to_string());
    assert!(!shown.contains('\u{202e}') && !shown.contains('\u{feff}'), "{shown}");
    assert_eq!(shown.parse::<serde_json::Value>().unwrap(), case);
}

/// The names of elements in the order they are opened and closed, held to nesting.
#[test]
fn the_page_is_well_formed_and_accessible() {
    const VOID: [&str; 3] = ["meta", "br", "!DOCTYPE"];
    for proof in [proved(), refuted(), empty()] {
        let html = report(&proof, &tenancy(), Form::Html).unwrap();
        let (body, mut open) = (html.split("</style>").nth(1).unwrap(), vec!["html", "head"]);
        for tag in body.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let name = tag.split([' ', '\n']).next().unwrap();
            match name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "in {tag}"),
                None if VOID.contains(&name) => {}
                None => open.push(name),
            }
        }
        assert!(open.is_empty(), "{open:?}");
        assert_eq!(body.matches("<table>").count(), body.matches("<caption>").count());
        assert_eq!(body.matches("<th>").count(), 0, "every heading of a table says what it is for");
        for target in body.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert_eq!(body.matches(&format!(" id=\"{target}\"")).count(), 1, "{target}");
        }
        assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("https://"));
    }
}

#[test]
fn markdown_tables_have_a_line_before_and_details_are_closed() {
    let [markdown, _] = both(&refuted());
    assert_eq!(markdown.matches("<details").count(), markdown.matches("</details>").count());
    let lines: Vec<&str> = markdown.lines().collect();
    for pair in lines.windows(2) {
        assert!(!pair[1].starts_with('|') || pair[0].starts_with('|') || pair[0].is_empty(), "{pair:?}");
        assert!(!pair[1].starts_with('#') || pair[0].is_empty(), "{pair:?}");
    }
}

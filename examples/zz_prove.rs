//! temp
#![allow(clippy::all, missing_docs)]
use std::collections::BTreeMap;
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::prove::{
    proof::*,
    prove,
    request::{Request, Tools},
    tenancy::Tenancy,
};
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let text = std::fs::read(format!("{dir}/tenancy.json")).unwrap();
    let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
    let tenancy: Tenancy = serde_json::from_slice(&text).unwrap();
    let mut files = BTreeMap::new();
    for t in &tenancy.templates {
        for f in std::iter::once(&t.template).chain(&t.guardrails.scp).chain(&t.guardrails.rcp) {
            files.insert(f.clone(), std::fs::read(format!("{dir}/{f}")).unwrap());
        }
    }
    files.insert("tenancy.json".into(), text);
    let req = Request { tenancy, files };
    let facts = tenantry::facts::Facts::shipped().unwrap();
    let n: usize = std::env::args().nth(2).and_then(|x| x.parse().ok()).unwrap_or(1);
    for _ in 1..n {
        let _ = prove(&req, &mut Tools::default(), &facts, &mut sources, &mut sink);
    }
    let start = std::time::Instant::now();
    let p = prove(&req, &mut Tools::default(), &facts, &mut sources, &mut sink).unwrap();
    let el = start.elapsed();
    let mut c: BTreeMap<String, usize> = BTreeMap::new();
    for o in &p.proof.obligations {
        *c.entry(format!("{:?} {:?} {:?} g={}", o.claim, o.method, o.verdict.outcome(), o.needs_guardrails))
            .or_default() += 1;
    }
    let mut shown = 0;
    for o in &p.proof.obligations {
        match &o.verdict {
            Verdict::Refuted(c) if shown < 25 => {
                shown += 1;
                println!("REFUTED {} :: {} :: {:?}", o.id, c.sentence, c.only_under);
                if std::env::var("CASE").is_ok() {
                    println!("{}", c.case);
                }
            }
            Verdict::Unknown(u) if shown < 25 => {
                shown += 1;
                println!("UNKNOWN {} :: {:?} {}", o.id, u.place, u.reason.chars().take(1500).collect::<String>());
            }
            _ => {}
        }
    }
    println!("{c:#?} {el:?}");
    if std::env::var("A").is_ok() {
        println!("{:#?}\n{:#?}", p.proof.assumptions, p.proof.left_to_code);
    }
}

//! Acknowledgements: findings that somebody decided to live with, by code and with a reason.

use crate::diagnostics::{Diagnostic, Severity, Sink, all_codes, codes, find_code};
use crate::model::Model;

/// Marks the findings that the model acknowledges. Errors stay errors: what is wrong has to be mended, only warnings
/// can be lived with.
pub fn apply(model: &Model, sink: &mut Sink) {
    let mut extra = Vec::new();
    for acknowledgement in &model.acknowledged {
        let Some(code) = find_code(&acknowledgement.code) else {
            extra.push(
                Diagnostic::new(
                    &codes::ACKNOWLEDGE_UNKNOWN,
                    acknowledgement.origin.clone(),
                    format!("there is no finding `{}`", acknowledgement.code),
                )
                .did_you_mean(&acknowledgement.code, all_codes().iter().map(|code| code.name))
                .help("write the code as the finding shows it, such as `component/plaintext`"),
            );
            continue;
        };
        if code.severity == Severity::Error {
            extra.push(
                Diagnostic::new(
                    &codes::ACKNOWLEDGE_FORBIDDEN,
                    acknowledgement.origin.clone(),
                    format!("`{code}` is an error and cannot be lived with"),
                )
                .help("mend what it is about, and take the acknowledgement out"),
            );
            continue;
        }
        let mut used = false;
        for finding in sink.iter_mut().filter(|finding| finding.code == code) {
            finding.acknowledged = Some(acknowledgement.reason.clone());
            used = true;
        }
        if !used {
            extra.push(
                Diagnostic::new(
                    &codes::ACKNOWLEDGE_UNUSED,
                    acknowledgement.origin.clone(),
                    format!("no finding `{code}` is there to acknowledge"),
                )
                .help("take the acknowledgement out"),
            );
        }
    }
    extra.into_iter().for_each(|finding| sink.push(finding));
}

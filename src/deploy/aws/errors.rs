//! What an error of the SDK means to a deployment, and what of it may be shown.
//!
//! The texts of the SDK are never shown as they are: its `Debug` form has whole requests in it, signatures included, and AWS
//! answers a wrong signature with the headers it has signed, a session's token among them. Only codes and messages of
//! services are taken over, and those pass [`clean`].

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;

use crate::deploy::cloud::{Answer, CloudError, CloudErrorKind};

/// The longest message that is handed on, in characters.
const LONGEST: usize = 2_000;
/// From which length on a word without spaces in it is taken for a token of a session.
const TOKEN: usize = 100;
/// The length of a secret access key.
const SECRET: usize = 40;

/// Codes and the kinds they are of, where the code alone says it. What AWS calls the same thing in different services has
/// different names: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html>,
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/CommonErrors.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>, and the errors of each operation.
const CODES: &[(CloudErrorKind, &[&str])] = &[
    (
        CloudErrorKind::Throttled,
        &[
            "BandwidthLimitExceeded",
            "EC2ThrottledException",
            "PriorRequestNotComplete",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequests",
            "TooManyRequestsException",
        ],
    ),
    (
        CloudErrorKind::Transient,
        &[
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "InternalServerException",
            "InternalServiceError",
            "InternalServiceException",
            "InternalServiceFault",
            "RequestTimeout",
            "RequestTimeoutException",
            "ServiceException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
        ],
    ),
    (
        CloudErrorKind::Credentials,
        &[
            "AuthFailure",
            "AuthorizationHeaderMalformed",
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSecurity",
            "InvalidSignatureException",
            "InvalidToken",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "TokenRefreshRequired",
            "UnrecognizedClient",
            "UnrecognizedClientException",
        ],
    ),
    (
        CloudErrorKind::Denied,
        &[
            "AccessDenied",
            "AccessDeniedException",
            "AccessDeniedForDependencyException",
            "AccountProblem",
            "AllAccessDisabled",
            "AuthorizationError",
            "Forbidden",
            "NotAuthorized",
            "NotSignedUp",
            "SubscriptionRequiredException",
            "UnauthorizedOperation",
        ],
    ),
    (CloudErrorKind::Region, &["InvalidRegion", "OptInRequired", "RegionDisabledException"]),
    (
        CloudErrorKind::NotFound,
        &[
            "AWSOrganizationsNotInUseException",
            "AccountNotFoundException",
            "ChangeSetNotFound",
            "ChangeSetNotFoundException",
            "ChildNotFoundException",
            "DestinationParentNotFoundException",
            "NoSuchBucket",
            "NoSuchEntity",
            "NoSuchKey",
            "NotFound",
            "OperationNotFoundException",
            "OrganizationalUnitNotFoundException",
            "ParentNotFoundException",
            "PolicyNotAttachedException",
            "PolicyNotFoundException",
            "ResourceNotFound",
            "ResourceNotFoundException",
            "RootNotFoundException",
            "SourceParentNotFoundException",
            "StackInstanceNotFoundException",
            "StackNotFoundException",
            "StackSetNotFoundException",
            "TargetNotFoundException",
        ],
    ),
    (
        CloudErrorKind::Busy,
        &[
            "ConcurrentModification",
            "ConcurrentModificationException",
            "ConcurrentResourcesLimitExceeded",
            "ConcurrentResourcesLimitExceededException",
            "ConditionalRequestConflict",
            "ConflictException",
            "FinalizingOrganizationException",
            "OperationAborted",
            "OperationInProgressException",
            "PolicyChangesInProgressException",
            "PolicyInUseException",
            "StackSetNotEmptyException",
            "StaleRequestException",
        ],
    ),
    (
        CloudErrorKind::Quota,
        &[
            "LimitExceeded",
            "LimitExceededException",
            "PolicyTypeLimitExceededException",
            "ServiceQuotaExceededException",
            "TooManyBuckets",
        ],
    ),
];

/// The one call whose answers have no body and so no code.
pub(super) const HEAD: &str = "s3:GetObject";

/// Codes whose messages repeat what was signed.
const SIGNATURES: &[&str] = &[
    "AuthorizationHeaderMalformed",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
];

/// Codes with which a region answers keys of an account that has not enabled it.
const UNKNOWN_KEYS: &[&str] =
    &["AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClient", "UnrecognizedClientException"];

/// The kind of an answer: from its code, and from its text where CloudFormation says all with `ValidationError`.
fn kind(code: &str, message: &str, status: u16) -> CloudErrorKind {
    if let Some((kind, _)) = CODES.iter().find(|(_, codes)| codes.contains(&code)) {
        return *kind;
    }
    match code {
        "ConstraintViolationException" | "ConstraintViolation" => {
            let text = message.to_ascii_lowercase();
            let quota = ["limit", "exceed", "maximum", "quota", "too many"].iter().any(|word| text.contains(word));
            return if quota { CloudErrorKind::Quota } else { CloudErrorKind::Invalid };
        }
        "InvalidChangeSetStatus" | "InvalidChangeSetStatusException" if in_progress(message) => {
            return CloudErrorKind::Busy;
        }
        "ValidationError" | "ValidationException" => return validation(message),
        _ => {}
    }
    match status {
        429 => CloudErrorKind::Throttled,
        500.. => CloudErrorKind::Transient,
        401 | 403 => CloudErrorKind::Denied,
        404 if code.is_empty() => CloudErrorKind::NotFound,
        _ => CloudErrorKind::Invalid,
    }
}

/// What CloudFormation means by `ValidationError`, which has a code of its own for none of these.
fn validation(message: &str) -> CloudErrorKind {
    let subject = ["Stack", "ChangeSet", "Change set", "No stack"].iter().any(|word| message.starts_with(word));
    if message.contains("No updates are to be performed") || message.contains("didn't contain changes") {
        CloudErrorKind::NothingToChange
    } else if subject && (message.contains("does not exist") || message.contains("not found")) {
        CloudErrorKind::NotFound
    } else if in_progress(message) {
        CloudErrorKind::Busy
    } else if message.contains("Rate exceeded") {
        CloudErrorKind::Throttled
    } else if message.to_ascii_lowercase().contains("limit for stack") {
        CloudErrorKind::Quota
    } else {
        CloudErrorKind::Invalid
    }
}

/// Whether a text says that something is being done. A stack in `REVIEW_IN_PROGRESS` waits for a person, and for ever.
fn in_progress(message: &str) -> bool {
    message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| {
        (word.ends_with("_IN_PROGRESS") && word != "REVIEW_IN_PROGRESS")
            || matches!(word, "CREATE_PENDING" | "EXECUTE_PENDING" | "DELETE_PENDING")
    })
}

/// An error of the SDK as one of ours. `operation` is the IAM action of the call.
pub(super) fn failed<E, R>(operation: &'static str, error: &SdkError<E, R>) -> CloudError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Status + std::fmt::Debug + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let (code, message) = (answer.err().code().unwrap_or_default(), answer.err().message().unwrap_or_default());
            service(operation, code, message, answer.raw().status())
        }
        SdkError::ResponseError(answer) => unreadable(operation, answer.raw().status()),
        SdkError::TimeoutError(_) => unanswered(operation, "no answer in time"),
        SdkError::DispatchFailure(failure) => {
            let Some(error) = failure.as_connector_error() else { return unanswered(operation, "no connection") };
            if let Some(error) = before_sending(operation, error) {
                return error;
            }
            unanswered(operation, &chain(error))
        }
        SdkError::ConstructionFailure(_) => before_sending(operation, error).unwrap_or_else(|| CloudError {
            kind: CloudErrorKind::Invalid,
            operation,
            code: String::new(),
            message: clean(&chain(error)),
        }),
        _ => unanswered(operation, "no answer"),
    }
}

/// The status of an answer. A trait, so that tests need no answers of the SDK's making.
pub(super) trait Status {
    /// The number.
    fn status(&self) -> u16;
}

impl Status for aws_sdk_sts::config::http::HttpResponse {
    fn status(&self) -> u16 {
        self.status().as_u16()
    }
}

fn service(operation: &'static str, code: &str, message: &str, status: u16) -> CloudError {
    if code.is_empty() && operation != HEAD {
        return unreadable(operation, status);
    }
    let kind = kind(code, message, status);
    let message = if SIGNATURES.contains(&code) {
        "the signature is not the one AWS expected; the secret key or the clock is wrong".to_owned()
    } else if code.is_empty() && message.is_empty() {
        let elsewhere = if status == 301 { ": the bucket is in another region" } else { "" };
        format!("status {status}{elsewhere}")
    } else {
        clean(message)
    };
    CloudError { kind, operation, code: clean(code), message }
}

/// Half an answer, or that of something between us and AWS. A page with `404 Not Found` on it does not mean that AWS has no
/// such stack.
fn unreadable(operation: &'static str, status: u16) -> CloudError {
    let kind = if status == 429 { CloudErrorKind::Throttled } else { CloudErrorKind::Transient };
    let message = format!("an answer of status {status} that is not AWS's");
    CloudError { kind, operation, code: String::new(), message }
}

fn unanswered(operation: &'static str, message: &str) -> CloudError {
    CloudError { kind: CloudErrorKind::Transient, operation, code: String::new(), message: clean(message) }
}

/// What went wrong before there was a request: there are no credentials, or the role cannot be assumed.
fn before_sending(operation: &'static str, error: &(dyn Error + 'static)) -> Option<CloudError> {
    let sources = || std::iter::successors(Some(error), |&error| error.source());
    if let Some(error) = sources().find_map(|error| error.downcast_ref::<AssumeRoleError>()) {
        let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
        return Some(service("sts:AssumeRole", code, message, 400));
    }
    let credentials = sources().find_map(|error| error.downcast_ref::<CredentialsError>())?;
    let message = match credentials {
        CredentialsError::CredentialsNotLoaded(_) => {
            "no credentials were found; sign in, for example with `aws sso login`, \
             or name a profile that has some with `AWS_PROFILE`"
                .to_owned()
        }
        CredentialsError::ProviderTimedOut(_) => "credentials did not come in time".to_owned(),
        error => {
            let text = chain(error);
            // What a process prints may hold anything; its own documentation says to keep it to itself.
            if text.contains("external process") {
                "the process that has the credentials failed".to_owned()
            } else {
                text
            }
        }
    };
    let reached = sources().any(|error| error.to_string().contains("dispatch failure"));
    let kind = if reached { CloudErrorKind::Transient } else { CloudErrorKind::Credentials };
    Some(CloudError { kind, operation, code: String::new(), message: clean(&message) })
}

/// The texts of an error and of what it comes from. Those of the SDK say little at the top; they hold no requests, which only
/// its `Debug` form shows.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for error in std::iter::successors(Some(error), |&error| error.source()) {
        let text = error.to_string();
        if !texts.iter().any(|other| other.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

/// A text without what could be a credential, on one line, and not too long.
pub(super) fn clean(text: &str) -> String {
    let secret = |word: &str| {
        let key = (word.starts_with("AKIA") || word.starts_with("ASIA")) && word.len() >= 16;
        let (mut upper, mut lower, mut digit) = (false, false, false);
        for byte in word.bytes() {
            upper |= byte.is_ascii_uppercase();
            lower |= byte.is_ascii_lowercase();
            digit |= byte.is_ascii_digit();
        }
        let mixed = upper && lower && digit;
        key || (word.len() == SECRET && mixed) || (word.len() >= TOKEN && mixed)
    };
    let part = |byte: char| byte.is_ascii_alphanumeric() || "+/=".contains(byte);
    let (mut shown, mut word) = (String::new(), String::new());
    for character in text.chars().chain(std::iter::once(' ')) {
        if part(character) {
            word.push(character);
            continue;
        }
        shown.push_str(if secret(&word) { "(hidden)" } else { &word });
        word.clear();
        if !character.is_whitespace() {
            shown.push(character);
        } else if !shown.ends_with(' ') {
            shown.push(' ');
        }
    }
    let shown = shown.trim();
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", shown.get(..end).unwrap_or_default()),
        None => shown.to_owned(),
    }
}

/// Nothing instead of an error that says that there is nothing.
pub(super) fn found<T>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind == CloudErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nothing instead of an error that says that it has been done already.
pub(super) fn done<T>(answer: Answer<T>, codes: &[&str]) -> Answer<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if codes.contains(&error.code.as_str()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a region's answer to keys that are right elsewhere means that the region is not enabled or not there.
pub(super) fn means_disabled_region(error: &CloudError) -> bool {
    let nowhere = error.kind == CloudErrorKind::Transient && error.message.contains("dns error");
    error.kind == CloudErrorKind::Region || UNKNOWN_KEYS.contains(&error.code.as_str()) || nowhere
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::error::ErrorMetadata;
    use proptest::prelude::*;

    use super::*;
    use CloudErrorKind::{
        Busy, Credentials, Denied, Invalid, NotFound, NothingToChange, Quota, Region, Throttled, Transient,
    };

    /// An answer of a service, with the number of its status.
    fn answer(code: &str, message: &str, status: u16) -> CloudError {
        answer_to("sts:AssumeRole", code, message, status)
    }

    fn answer_to(operation: &'static str, code: &str, message: &str, status: u16) -> CloudError {
        let mut meta = ErrorMetadata::builder();
        if !code.is_empty() {
            meta = meta.code(code);
        }
        let error = AssumeRoleError::generic(meta.message(message).build());
        failed(operation, &SdkError::service_error(error, Answered(status)))
    }

    #[derive(Debug)]
    struct Answered(u16);

    impl Status for Answered {
        fn status(&self) -> u16 {
            self.0
        }
    }

    #[test]
    fn every_code_stands_once_and_in_order() {
        let mut all: Vec<&str> = Vec::new();
        for (kind, codes) in CODES {
            assert!(codes.is_sorted(), "{kind:?}");
            all.extend(*codes);
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn the_kinds_of_what_aws_answers() {
        let cases = [
            (Throttled, 400, "Throttling", "Rate exceeded"),
            (Throttled, 503, "SlowDown", "Please reduce your request rate."),
            (Throttled, 400, "TooManyRequestsException", "AWS Organizations can't complete your request"),
            (Throttled, 429, "", ""),
            (Transient, 500, "", ""),
            (Transient, 502, "Bad", "gateway"),
            (Transient, 400, "RequestTimeout", ""),
            (Credentials, 403, "ExpiredToken", "The security token included in the request is expired"),
            (Credentials, 403, "InvalidClientTokenId", "The security token included in the request is invalid."),
            (Denied, 403, "AccessDenied", "User: arn:aws:iam::1:user/x is not authorized to perform: a:B"),
            (Region, 403, "RegionDisabledException", "STS is not activated in this region"),
            (Region, 401, "OptInRequired", "You are not subscribed to this service"),
            (NotFound, 400, "ValidationError", "Stack with id orders-basic-c1 does not exist"),
            (NotFound, 400, "ValidationError", "Stack [orders] does not exist"),
            (NotFound, 404, "ChangeSetNotFound", "ChangeSet [x] does not exist"),
            (Transient, 404, "", ""),
            (Transient, 403, "", ""),
            (NotFound, 400, "PolicyNotFoundException", "We can't find a policy with the PolicyId that you specified."),
            (Busy, 400, "ValidationError", "Stack:arn:aws:x is in UPDATE_IN_PROGRESS state and can not be updated."),
            (Busy, 400, "ValidationError", "Stack [x] cannot be deleted while in status UPDATE_ROLLBACK_IN_PROGRESS"),
            (
                Busy,
                400,
                "InvalidChangeSetStatus",
                "ChangeSet [x] cannot be executed in its current status of [CREATE_IN_PROGRESS]",
            ),
            (Busy, 409, "OperationInProgressException", "Another Operation on StackSet arn is in progress"),
            (Busy, 409, "StackSetNotEmptyException", "StackSet is not empty"),
            (Busy, 400, "ConcurrentModificationException", ""),
            (Quota, 400, "LimitExceededException", "Limit for stack has been exceeded"),
            (Quota, 400, "ValidationError", "Limit for stack resources exceeded"),
            (Quota, 400, "ConstraintViolationException", "You have attached the maximum number of policies"),
            (Invalid, 400, "ConstraintViolationException", "You cannot remove the last policy"),
            (NothingToChange, 400, "ValidationError", "No updates are to be performed."),
            (Invalid, 400, "ValidationError", "Stack:arn is in ROLLBACK_COMPLETE state and can not be updated."),
            (Invalid, 400, "ValidationError", "Stack:arn is in REVIEW_IN_PROGRESS state and can not be updated."),
            (Invalid, 400, "ValidationError", "Parameters: [Tenant] do not exist in the template"),
            (Invalid, 400, "ValidationError", "S3 error: The specified key does not exist."),
            (
                Invalid,
                400,
                "InvalidChangeSetStatus",
                "ChangeSet [x] cannot be executed in its current status of [FAILED]",
            ),
            (
                Invalid,
                400,
                "MalformedPolicyDocumentException",
                "The provided policy document does not meet the requirements",
            ),
        ];
        for (kind, status, code, message) in cases {
            assert_eq!(answer(code, message, status).kind, kind, "{status} {code} {message}");
        }
        for (kind, status) in [(NotFound, 404), (Denied, 403), (Transient, 503), (Invalid, 301)] {
            assert_eq!(answer_to(HEAD, "", "", status).kind, kind, "{status}");
        }
        for (kind, codes) in CODES {
            for code in *codes {
                assert_eq!(answer(code, "x", 400).kind, *kind, "{code}");
            }
        }
    }

    #[test]
    fn what_was_signed_is_not_shown() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let token = "IQoJb3JpZ2luX2VjEPT//////////wEaCXVzLWVhc3QtMSJIMEYCIQ".repeat(8);
        let canonical = format!("The Canonical String should have been 'POST\n/\n\nx-amz-security-token:{token}\n'");
        let error = answer("SignatureDoesNotMatch", &canonical, 403);
        assert_eq!((error.kind, error.message.contains("Canonical")), (Credentials, false));
        let error = answer("AccessDenied", &format!("key ASIAIOSFODNN7EXAMPLE and {secret}, token={token};"), 403);
        assert_eq!(error.message, "key (hidden) and (hidden), (hidden);");
        let plain = "Stack:arn:aws:cloudformation:eu-west-1:111111111111:stack/orders-basic-c1/\
                     0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9 is in UPDATE_IN_PROGRESS state and can not be updated.";
        assert_eq!(clean(plain), plain);
        let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        assert_eq!(clean(digest), digest);
    }

    proptest! {
        #[test]
        fn keys_are_hidden_wherever_they_stand(
            before in ".{0,40}[^A-Za-z0-9+/=]", after in "[^A-Za-z0-9+/=].{0,40}", key in "A(KIA|SIA)[A-Z2-7]{16}",
            secret in "[A-Z]{10}[a-z/+]{20}[0-9]{10}",
        ) {
            let shown = clean(&format!("{before}{key}{after} {secret} {after}"));
            prop_assert!(!shown.contains(&key) && !shown.contains(&secret), "{}", shown);
        }

        #[test]
        fn cleaning_twice_changes_nothing_more(text in ".{0,300}") {
            prop_assert_eq!(clean(&clean(&text)), clean(&text));
        }
    }

    #[test]
    fn no_credentials_is_no_answer_of_a_service() {
        let source = CredentialsError::not_loaded("no providers in chain provided credentials");
        let failure = aws_sdk_sts::error::ConnectorError::other(Box::new(source), None);
        let error: SdkError<AssumeRoleError, Answered> = SdkError::dispatch_failure(failure);
        let error = failed("sts:GetCallerIdentity", &error);
        assert_eq!((error.kind, error.code.as_str()), (Credentials, ""));
        assert!(error.message.starts_with("no credentials were found"), "{}", error.message);

        let said = "Error retrieving credentials: external process exited with code 1. Stderr: hunter2";
        let failure = aws_sdk_sts::error::ConnectorError::other(Box::new(CredentialsError::provider_error(said)), None);
        let error: SdkError<AssumeRoleError, Answered> = SdkError::dispatch_failure(failure);
        let error = failed("sts:GetCallerIdentity", &error);
        assert_eq!((error.kind, error.message.contains("hunter2")), (Credentials, false));
    }

    #[test]
    fn a_role_that_cannot_be_assumed_is_said_so() {
        let meta =
            ErrorMetadata::builder().code("AccessDenied").message("not authorized to perform: sts:AssumeRole").build();
        let denied: SdkError<AssumeRoleError, Answered> =
            SdkError::service_error(AssumeRoleError::generic(meta), Answered(403));
        let failure =
            aws_sdk_sts::error::ConnectorError::other(Box::new(CredentialsError::provider_error(denied)), None);
        let error: SdkError<AssumeRoleError, Answered> = SdkError::dispatch_failure(failure);
        let error = failed("cloudformation:DescribeStacks", &error);
        assert_eq!((error.kind, error.operation), (Denied, "sts:AssumeRole"));
    }
}

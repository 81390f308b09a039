//! Answers to what cannot be done: JSON problem details (RFC 9457), all faults at once.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::config::{Fault, Faults};
use crate::diagnose::Explanation;
use crate::driver::AskError;

/// Why not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// The HTTP status.
    status: u16,
    /// The status in words.
    title: &'static str,
    /// What was wrong, and what to do.
    detail: String,
    /// Each thing to mend.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultLine>,
    /// Of a machine of which nothing was heard: what that means.
    #[serde(skip_serializing_if = "Option::is_none")]
    unheard: Option<Box<Explanation>>,
}

/// What any request can be answered with.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "for the document alone")]
pub(super) enum Refused {
    /// It cannot be understood
    #[response(status = 400, content_type = "application/problem+json")]
    Broken(Problem),
    /// A token is needed, or this one is not valid
    #[response(status = 401, content_type = "application/problem+json")]
    Unknown(Problem),
    /// The token does not allow this, or a page of another site asks
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// Too many wrong tokens
    #[response(status = 429, content_type = "application/problem+json")]
    Guessed(Problem),
    /// The server is ending, or its loop or its disk gives no answer
    #[response(status = 503, content_type = "application/problem+json")]
    Away(Problem),
}

/// What a request with a body can be answered with besides.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "for the document alone")]
pub(super) enum Unfit {
    /// The body is too long
    #[response(status = 413, content_type = "application/problem+json")]
    Long(Problem),
    /// The body is no JSON
    #[response(status = 415, content_type = "application/problem+json")]
    Other(Problem),
    /// It has faults; nothing was changed
    #[response(status = 422, content_type = "application/problem+json")]
    Faulty(Problem),
}

/// One thing to mend.
#[derive(Debug, Serialize, ToSchema)]
struct FaultLine {
    /// The key it is about, dotted.
    key: String,
    /// What was found and what was expected.
    problem: String,
    /// The one thing to do next.
    #[serde(skip_serializing_if = "String::is_empty")]
    remedy: String,
    /// Line in the file, if it is about a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or("refused"),
            detail: detail.into(),
            faults: Vec::new(),
            unheard: None,
        }
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// There is no such machine, and this is what that means.
    pub(super) fn unheard(explanation: Explanation) -> Self {
        let problem = Self::not_found(explanation.what.clone());
        Self { unheard: Some(Box::new(explanation)), ..problem }
    }

    /// Entries that cannot be taken over.
    pub(super) fn faults(faults: &[Fault]) -> Self {
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "nothing was changed");
        let line = |fault: &Fault| FaultLine {
            key: fault.key.clone(),
            problem: fault.problem.clone(),
            remedy: fault.remedy.clone(),
            line: fault.line,
        };
        problem.faults = faults.iter().map(line).collect();
        problem
    }
}

/// A body of JSON; what it lacks is told as everything else is.
#[derive(FromRequest)]
#[from_request(via(Json), rejection(Problem))]
pub(super) struct Asked<T>(pub(super) T);

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

/// What stands behind the `?`.
#[derive(FromRequestParts)]
#[from_request(via(Query), rejection(Problem))]
pub(super) struct Of<T>(pub(super) T);

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

/// A part of the path.
#[derive(FromRequestParts)]
#[from_request(via(Path), rejection(Problem))]
pub(super) struct Part<T>(pub(super) T);

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

/// The place is there and cannot be used like this.
pub(super) async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this cannot be done here; see /api/v1/openapi.json",
    )
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Self {
        Self::faults(&faults.list)
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = (status, Json(self)).into_response();
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("60"));
            }
            _ => {}
        }
        answer
    }
}

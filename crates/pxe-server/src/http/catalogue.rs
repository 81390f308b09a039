//! The list of images, as it is now.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use super::answers::{Asked, Service, plain};
use super::body::Answer;
use super::files::decide;
use super::slots::Work;
use crate::engine::{Choice, Introduction};

/// What a list is called when it is asked whether a machine may have anything.
const NAME: &[u8] = b"images";

/// Answers whoever is not denied.
pub(super) async fn answer(
    service: &Arc<Service>,
    asked: &Asked<'_>,
    work: Work,
) -> Response<Answer> {
    let (client, choice, detail) = decide(&service.story, asked, NAME, Introduction::default());
    if let Choice::Refuse(stage) = choice {
        service.story.tell_with(client, stage, detail);
        return plain(StatusCode::FORBIDDEN, "denied\n", work);
    }
    let finder = Arc::clone(&service.finder);
    let listed = tokio::task::spawn_blocking(move || finder.catalogue().to_json()).await;
    let Ok(text) = listed.map(Bytes::from) else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "try again later\n", work);
    };
    let mut answer = plain(StatusCode::OK, "", work);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
    answer.map(|body| body.saying(text))
}

//! `POST /done?mac=…&token=…`: a machine says that what was ordered for its boot is done, so that its next boot is as ever.
//!
//! The token is the one that its seed was filled in with: nobody else can spend an order.

use std::sync::Arc;

use hyper::{Method, Response, StatusCode};

use super::answers::{Asked, Service, plain};
use super::body::Answer;
use super::booted;
use super::slots::Work;
use crate::engine::{self, ClientId, OrderEnd, Stage, parse_token};

/// The token by which a machine ends the order that stands for it; none if the system has no random numbers.
pub(super) fn token(service: &Service, mac: [u8; 6]) -> Option<String> {
    let order = service.story.shared.orders().standing(mac);
    let token = service.done.token(mac, order.map_or(0, |order| order.given_ms))?;
    Some(engine::token_text(token))
}

pub(super) async fn answer(
    service: &Arc<Service>,
    asked: &Asked<'_>,
    work: Work,
) -> Response<Answer> {
    if asked.request.method() != Method::POST {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "POST /done?mac=…&token=…\n", work);
    }
    let query = asked.request.uri().query().unwrap_or_default();
    let token = query.split('&').find_map(|pair| pair.strip_prefix("token="));
    let token = token.and_then(|token| parse_token(token.as_bytes()));
    let (Some(mac), Some(token)) = (booted::mac(query), token) else {
        let text = "which machine, and by which token? POST /done?mac=…&token=…\n";
        return plain(StatusCode::BAD_REQUEST, text, work);
    };
    let (story, client) = (&service.story, ClientId::Mac(mac));
    let spending = Arc::clone(service);
    let spent = tokio::task::spawn_blocking(move || {
        let orders = spending.story.shared.orders();
        // Said again, since the answer may have been lost.
        let Some(order) = orders.standing(mac) else { return Ok(Some(OrderEnd::NoneLeft)) };
        if !spending.done.is_token(mac, order.given_ms, token) {
            return Ok(None);
        }
        orders.done(mac, &order).map(|_| Some(OrderEnd::Said))
    });
    match spent.await.map_err(std::io::Error::other).and_then(|spent| spent) {
        Ok(Some(end)) => {
            story.tell(client, Stage::Done { end });
            plain(StatusCode::OK, "done\n", work)
        }
        Ok(None) => {
            let reason = format!(
                "{} shows a token that is not of the order for its next boot",
                asked.peer.address
            );
            story.tell(client, Stage::Failed { file: "done".to_owned(), reason });
            plain(StatusCode::FORBIDDEN, "denied\n", work)
        }
        Err(error) => {
            story.tell(client, Stage::order_stands(&error));
            plain(StatusCode::SERVICE_UNAVAILABLE, "try again later\n", work)
        }
    }
}

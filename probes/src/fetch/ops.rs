//! The two operations below deno's JavaScript, with the shapes that it expects.

use super::RunFetch;
use super::response_body::{DataBody, NetworkBody};
use crate::transport::{Answer, Outgoing, RequestBody, TransportError};
use checks::FailureClass;
use deno_core::convert::{ByteString, Uint8Array};
use deno_core::{CancelFuture, CancelHandle, OpState, Resource, ResourceId, ToV8, op2};
use deno_error::JsErrorBox;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::borrow::Cow;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use url::Url;

#[derive(ToV8)]
pub struct Started {
    request_rid: ResourceId,
    cancel_handle_rid: Option<ResourceId>,
}

#[derive(ToV8)]
pub struct Head {
    status: u16,
    status_text: String,
    headers: Vec<(ByteString, ByteString)>,
    url: String,
    response_rid: ResourceId,
    content_length: Option<u64>,
    body_decoded: bool,
    /// deno's way to reject; ours is an error of the operation, which can carry a class.
    error: Option<(String, String)>,
}

/// A request that goes on, until its head is there.
struct Pending {
    answer: RefCell<Option<PendingAnswer>>,
    url: String,
    /// Method and URL without query, for errors.
    shown: String,
    cancel: Rc<CancelHandle>,
}

enum PendingAnswer {
    Network(Pin<Box<dyn Future<Output = Result<Answer, TransportError>>>>),
    Data { mime_type: String, body: Vec<u8> },
}

impl Resource for Pending {
    fn name(&self) -> Cow<'_, str> {
        "fetchRequest".into()
    }
}

struct Cancel(Rc<CancelHandle>);

impl Resource for Cancel {
    fn name(&self) -> Cow<'_, str> {
        "fetchCancelHandle".into()
    }

    fn close(self: Rc<Self>) {
        self.0.cancel();
    }
}

/// Starts a request. The script's own mistakes are errors here; what the network does is told by `op_fetch_send`.
#[op2]
pub fn op_fetch(
    state: &mut OpState,
    #[scoped] method: ByteString,
    #[string] url: String,
    #[scoped] headers: Vec<(ByteString, ByteString)>,
    // deno's own HTTP clients, which scripts have not.
    #[smi] _client_rid: Option<u32>,
    has_body: bool,
    data: Option<Uint8Array>,
    #[smi] body_rid: Option<ResourceId>,
) -> Result<Started, JsErrorBox> {
    let method = Method::from_bytes(&method).map_err(type_error)?;
    let url = Url::parse(&url).map_err(type_error)?;
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // Neither fails on a URL that has a host, and one without is shown as it is.
    let _ = shown.set_username("").and_then(|()| shown.set_password(None));
    let cancel = CancelHandle::new_rc();
    let answer = match url.scheme() {
        "http" | "https" => {
            let headers = header_map(&headers)?;
            let body = match (data, body_rid) {
                (Some(data), _) if has_body => RequestBody::Full(data.0.to_vec().into()),
                (None, Some(rid)) if has_body => super::request_body::from_resource(state, rid)?,
                _ => RequestBody::Empty,
            };
            let Some(run) = state.try_borrow::<RunFetch>() else {
                return Err(JsErrorBox::type_error("fetch is there only while a check runs"));
            };
            let step = run.current_step.get();
            let outgoing = Outgoing { method: method.clone(), url: url.clone(), headers, body, step };
            PendingAnswer::Network(Box::pin(run.client.send(outgoing)))
        }
        "data" => {
            let data = data_url::DataUrl::process(url.as_str())
                .map_err(|error| JsErrorBox::type_error(format!("malformed data URL: {error:?}")))?;
            let (body, _) = data
                .decode_to_vec()
                .map_err(|error| JsErrorBox::type_error(format!("malformed data URL: {error:?}")))?;
            PendingAnswer::Data { mime_type: data.mime_type().to_string(), body }
        }
        "blob" => return Err(JsErrorBox::type_error("the blob URL names no blob, or one that was revoked")),
        other => return Err(JsErrorBox::type_error(format!("`{other}:` URLs cannot be fetched"))),
    };
    let request_rid = state.resource_table.add(Pending {
        answer: RefCell::new(Some(answer)),
        url: url.into(),
        shown: format!("{method} {shown}"),
        cancel: Rc::clone(&cancel),
    });
    let cancel_handle_rid = Some(state.resource_table.add(Cancel(cancel)));
    Ok(Started { request_rid, cancel_handle_rid })
}

/// Waits for the response's head.
#[op2]
pub async fn op_fetch_send(state: Rc<RefCell<OpState>>, #[smi] rid: ResourceId) -> Result<Head, JsErrorBox> {
    let pending = state.borrow_mut().resource_table.take::<Pending>(rid).map_err(JsErrorBox::from_err)?;
    let answer = pending.answer.borrow_mut().take();
    match answer {
        None => Err(JsErrorBox::type_error("the request was sent already")),
        Some(PendingAnswer::Data { mime_type, body }) => {
            let content_length = Some(body.len() as u64);
            let response_rid = state.borrow_mut().resource_table.add(DataBody::new(body));
            Ok(Head {
                status: 200,
                status_text: "OK".to_owned(),
                headers: vec![("content-type".into(), mime_type.into())],
                url: pending.url.clone(),
                response_rid,
                content_length,
                body_decoded: false,
                error: None,
            })
        }
        Some(PendingAnswer::Network(answer)) => {
            let answer = match answer.or_cancel(Rc::clone(&pending.cancel)).await {
                // deno's JavaScript puts the signal's reason in its place.
                Err(_) => return Err(JsErrorBox::type_error("the request was aborted")),
                Ok(answer) => answer.map_err(|error| js_error(&error, &pending.shown))?,
            };
            let headers = answer.headers.iter();
            let headers = headers.map(|(name, value)| (name.as_str().into(), value.as_bytes().into())).collect();
            let body = NetworkBody::new(answer.body, answer.length_bytes, pending.shown.clone());
            Ok(Head {
                status: answer.status.as_u16(),
                status_text: answer.reason,
                headers,
                url: pending.url.clone(),
                response_rid: state.borrow_mut().resource_table.add(body),
                content_length: answer.length_bytes,
                body_decoded: answer.body_decoded,
                error: None,
            })
        }
    }
}

/// A transport's error as a script's. Its name picks the builder in fetch.js, which puts the class on the error.
pub(crate) fn js_error(error: &TransportError, shown: &str) -> JsErrorBox {
    let name = match error.class() {
        FailureClass::Http => "tocsin:http",
        FailureClass::Assertion => "tocsin:assertion",
        FailureClass::NetworkConnect => "tocsin:network-connect",
        FailureClass::NetworkDns => "tocsin:network-dns",
        FailureClass::NetworkTimeout => "tocsin:network-timeout",
        FailureClass::NetworkTls => "tocsin:network-tls",
        FailureClass::Script | FailureClass::Prober => "tocsin:script",
    };
    JsErrorBox::new(name, format!("{error}, {shown}"))
}

fn header_map(headers: &[(ByteString, ByteString)]) -> Result<HeaderMap, JsErrorBox> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        map.append(
            HeaderName::from_bytes(name).map_err(type_error)?,
            HeaderValue::from_bytes(value).map_err(type_error)?,
        );
    }
    Ok(map)
}

fn type_error(error: impl std::error::Error) -> JsErrorBox {
    JsErrorBox::type_error(error.to_string())
}

//! What the target answers.
//!
//! - `/hello`: text;
//! - `/echo`: the request's body, piece by piece, with its `content-type`;
//! - `/request`: JSON with method, path, protocol, headers and the body's length;
//! - `/encoded/{coding}`: "hello " a thousand times over, encoded; `/encoded/empty-gzip`, `/encoded/broken-gzip`;
//! - `/bytes/{n}`: n bytes in pieces; `/zeros/{n}`: n zero bytes in gzip;
//! - `/status/{code}`: that status; `/redirect/{code}?to=URL`: that redirect;
//! - `/loop`: a redirect to itself;
//! - `/cookies`: two `set-cookie` headers;
//! - `/html`: a page, where JSON was asked for; `/cut`: four bytes of a body, which
//!   breaks off when `/cut/now` is asked for;
//! - `/never`: no answer; `/stall`: a head, one piece, and then nothing.

use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use std::convert::Infallible;
use tokio::io::AsyncReadExt;

/// Breaks off the body of `/cut`.
static CUT: tokio::sync::Notify = tokio::sync::Notify::const_new();

type Body = BoxBody<Bytes, std::io::Error>;

pub async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let (route, argument) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let response = match route {
        "hello" => Response::new(full("hello")),
        "echo" => {
            let mut response = Response::new(());
            if let Some(kind) = request.headers().get("content-type") {
                response.headers_mut().insert("content-type", kind.clone());
            }
            response.map(|()| request.into_body().map_err(std::io::Error::other).boxed())
        }
        "request" => describe(request).await,
        "encoded" => encoded(argument).await,
        "bytes" => {
            let mut left: usize = argument.parse().unwrap_or(0);
            let pieces = std::iter::from_fn(move || {
                let piece = left.min(16 << 10);
                left -= piece;
                (piece > 0).then(|| Bytes::from(vec![b'x'; piece]))
            });
            Response::new(pieces_of(pieces.collect()))
        }
        "zeros" => {
            let zeros = vec![0; argument.parse().unwrap_or(0)];
            with("content-encoding", "gzip", full(gzip(&zeros).await))
        }
        "status" => {
            let mut response = Response::new(full(""));
            *response.status_mut() = status(argument);
            response
        }
        "redirect" => {
            let to = request.uri().query().and_then(|query| query.strip_prefix("to=")).unwrap_or("/hello");
            let to = percent_encoding::percent_decode_str(to).decode_utf8_lossy();
            let mut response = with("location", &to, full("this way"));
            *response.status_mut() = status(argument);
            response
        }
        "loop" => {
            let mut response = with("location", "/loop", full("round"));
            *response.status_mut() = StatusCode::FOUND;
            response
        }
        "cookies" => {
            let mut response = with("set-cookie", "a=1; Path=/", full(""));
            response.headers_mut().append("set-cookie", http::HeaderValue::from_static("b=2; HttpOnly"));
            response
        }
        "html" => with("content-type", "text/html", full("<html><body>Bad Gateway</body></html>")),
        "cut" if argument == "now" => {
            CUT.notify_one();
            Response::new(full(""))
        }
        "cut" => {
            let broken = stream::once(async {
                CUT.notified().await;
                Err(std::io::Error::other("cut off"))
            });
            let piece = Ok(Frame::data(Bytes::from_static(b"half")));
            Response::new(BodyExt::boxed(StreamBody::new(stream::iter([piece]).chain(broken))))
        }
        "never" => std::future::pending().await,
        "stall" => {
            let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"first")))]);
            Response::new(BodyExt::boxed(StreamBody::new(first.chain(stream::pending()))))
        }
        _ => {
            let mut response = Response::new(full("not found"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    };
    Ok(response)
}

async fn describe(request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text = serde_json::json!({
        "method": head.method.as_str(),
        "path": head.uri.path_and_query().map(|path| path.as_str()),
        "authority": head.uri.authority().map(|authority| authority.as_str()),
        "version": format!("{:?}", head.version),
        "headers": headers(&head.headers),
        "body_bytes": body.len(),
        "body": String::from_utf8_lossy(&body),
    });
    with("content-type", "application/json", full(text.to_string()))
}

fn headers(headers: &HeaderMap) -> serde_json::Map<String, serde_json::Value> {
    let entry = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned().into())
    };
    headers.iter().map(entry).collect()
}

async fn encoded(coding: &str) -> Response<Body> {
    let text = "hello ".repeat(1_000);
    let text = text.as_bytes();
    let mut out = Vec::new();
    match coding {
        "gzip" => out = gzip(text).await,
        "deflate" => drop(ZlibEncoder::new(text).read_to_end(&mut out).await),
        "br" => drop(BrotliEncoder::new(text).read_to_end(&mut out).await),
        "zstd" => drop(ZstdEncoder::new(text).read_to_end(&mut out).await),
        "gzip-br" => {
            drop(BrotliEncoder::new(gzip(text).await.as_slice()).read_to_end(&mut out).await);
            return with("content-encoding", "gzip, br", chunked(&out));
        }
        "empty-gzip" => return with("content-encoding", "gzip", full("")),
        "broken-gzip" => return with("content-encoding", "gzip", full("this is no gzip")),
        "cut-gzip" => {
            let mut cut = gzip(text).await;
            cut.truncate(cut.len() / 2);
            return with("content-encoding", "gzip", full(cut));
        }
        // Not known to anybody: passes as it is.
        other => return with("content-encoding", other, full("as it is")),
    }
    with("content-encoding", coding, chunked(&out))
}

async fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    GzipEncoder::new(data).read_to_end(&mut out).await.expect("writing to memory");
    out
}

/// In pieces of seven bytes: a decoder meets every boundary.
fn chunked(data: &[u8]) -> Body {
    pieces_of(data.chunks(7).map(Bytes::copy_from_slice).collect())
}

fn pieces_of(pieces: Vec<Bytes>) -> Body {
    BodyExt::boxed(StreamBody::new(stream::iter(pieces.into_iter().map(|piece| Ok(Frame::data(piece))))))
}

fn full(data: impl Into<Bytes>) -> Body {
    Full::new(data.into()).map_err(|never| match never {}).boxed()
}

fn with(name: &'static str, value: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(name, value.parse().expect("a header value"));
    response
}

fn status(code: &str) -> StatusCode {
    code.parse().unwrap_or(StatusCode::BAD_REQUEST)
}

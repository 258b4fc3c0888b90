//! A script's stream on its way out.

use crate::transport::RequestBody;
use deno_core::{OpState, ResourceId};
use deno_error::JsErrorBox;
use hyper::body::Bytes;

/// The most that is asked of the stream at once.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// Reads the stream's resource, and writes the request's body with it; one piece waits at most. The stream is closed
/// when it has ended, and when nobody will read it any more.
pub(super) fn from_resource(state: &mut OpState, rid: ResourceId) -> Result<RequestBody, JsErrorBox> {
    let resource = state.resource_table.take_any(rid).map_err(JsErrorBox::from_err)?;
    let length_bytes = match resource.size_hint() {
        (least, Some(most)) if least == most && most > 0 => Some(most),
        _ => None,
    };
    let (sender, body) = RequestBody::stream(length_bytes);
    deno_core::unsync::spawn(async move {
        loop {
            let piece = tokio::select! {
                piece = resource.clone().read(PIECE_BYTES_MAX) => piece,
                () = sender.closed() => break,
            };
            match piece {
                Ok(piece) if piece.is_empty() => break,
                Ok(piece) => {
                    if !sender.send(Bytes::copy_from_slice(&piece)).await {
                        break;
                    }
                }
                Err(error) => {
                    sender.fail(error.to_string()).await;
                    break;
                }
            }
        }
        resource.close();
    });
    Ok(body)
}

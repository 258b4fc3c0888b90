//! A response's body as a resource that deno's streams read.

use super::ops::js_error;
use crate::transport::ResponseBody;
use deno_core::{AsyncRefCell, AsyncResult, BufView, CancelHandle, CancelTryFuture, RcRef, Resource};
use hyper::body::Bytes;
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

/// A body from the network.
pub(super) struct NetworkBody {
    body: AsyncRefCell<ResponseBody>,
    length_bytes: Option<u64>,
    /// Method and URL without query, for errors.
    shown: String,
    cancel: CancelHandle,
}

impl NetworkBody {
    pub(super) fn new(body: ResponseBody, length_bytes: Option<u64>, shown: String) -> Self {
        Self { body: AsyncRefCell::new(body), length_bytes, shown, cancel: CancelHandle::new() }
    }
}

impl NetworkBody {
    /// Looks at the beginning of the body, which no script will read any more.
    pub(super) async fn overhear(self: Rc<Self>) {
        RcRef::map(&self, |this| &this.body).borrow_mut().await.overhear().await;
    }
}

impl Resource for NetworkBody {
    fn name(&self) -> Cow<'_, str> {
        "fetchResponse".into()
    }

    fn read(self: Rc<Self>, limit: usize) -> AsyncResult<BufView> {
        Box::pin(async move {
            let mut body = RcRef::map(&self, |this| &this.body).borrow_mut().await;
            let piece = async {
                match body.piece(limit).await {
                    Ok(Some(bytes)) => Ok(BufView::from(bytes.to_vec())),
                    Ok(None) => Ok(BufView::empty()),
                    Err(error) => Err(js_error(&error, &self.shown)),
                }
            };
            piece.try_or_cancel(RcRef::map(&self, |this| &this.cancel)).await
        })
    }

    fn size_hint(&self) -> (u64, Option<u64>) {
        (0, self.length_bytes)
    }

    fn close(self: Rc<Self>) {
        self.cancel.cancel();
    }
}

/// A body that was written in the URL.
pub(super) struct DataBody {
    left: RefCell<Bytes>,
}

impl DataBody {
    pub(super) fn new(body: Vec<u8>) -> Self {
        Self { left: RefCell::new(body.into()) }
    }
}

impl Resource for DataBody {
    fn name(&self) -> Cow<'_, str> {
        "fetchResponse".into()
    }

    fn read(self: Rc<Self>, limit: usize) -> AsyncResult<BufView> {
        let mut left = self.left.borrow_mut();
        let bytes = limit.min(left.len());
        let piece = left.split_to(bytes).to_vec();
        Box::pin(async move { Ok(BufView::from(piece)) })
    }
}

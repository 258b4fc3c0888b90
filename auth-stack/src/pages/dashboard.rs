//! `/dashboard`: what an operator of the provider would look at. Needs a session.

use super::layout;
use crate::accounts::{Continuation, current_session, redirect_to_login};
use crate::clock::now_ms;
use crate::provider::{InternalError, Node};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use chrono::DateTime;
use maud::html;
use std::sync::Arc;

const ROWS_MAX: i64 = 10;
const HOUR_MS: i64 = 3_600_000;

pub(crate) async fn dashboard(State(node): State<Arc<Node>>, headers: HeaderMap) -> Result<Response, InternalError> {
    let now_ms = now_ms();
    let Some(session) = current_session(&node, &headers, now_ms).await? else {
        return redirect_to_login(&node, Continuation::Dashboard, now_ms).await;
    };
    let store = &node.provider.store;
    let sign_ins = store.recent_sign_ins(ROWS_MAX).await?;
    let totals = store.sign_in_totals(now_ms - HOUR_MS).await?;
    let accounts = store.user_count().await?;
    let body = html! {
        h1 { "Dashboard" }
        p { "Logged in as " strong { (session.user.email) } " on " (node.name) ". " a href="/v2/logout" { "Log out" } }
        p #totals {
            (accounts) " accounts; in the last hour " (totals.succeeded) " logins and " (totals.failed) " refused ones."
        }
        table #recent-logins {
            caption { "The last logins" }
            thead { tr { th { "Time" } th { "Account" } th { "Client" } th { "Way" } th { "Node" } th { "Outcome" } } }
            tbody {
                @for sign_in in &sign_ins {
                    tr {
                        td { (DateTime::from_timestamp_millis(sign_in.at_ms).unwrap_or_default().format("%F %T")) }
                        td { (sign_in.email) }
                        td { (sign_in.client_id) }
                        td { (sign_in.way) }
                        td { (sign_in.node) }
                        td class=[(!sign_in.succeeded).then_some("failed")] {
                            @if sign_in.succeeded { "logged in" } @else { "refused" }
                        }
                    }
                }
            }
        }
    };
    Ok(layout("Dashboard", false, &html! {}, &body).into_response())
}

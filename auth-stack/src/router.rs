//! The routes of a node.

use crate::gate::gate;
use crate::provider::Node;
use crate::{accounts, cdn, health, oauth, pages};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use std::sync::Arc;

const BODY_BYTES_MAX: usize = 64 * 1024;

pub(crate) fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(oauth::discovery))
        .route("/.well-known/jwks.json", get(oauth::jwks))
        .route("/authorize", get(oauth::authorize).post(oauth::authorize))
        .route("/oauth/token", post(oauth::token))
        .route("/oauth/device/code", post(oauth::device_code))
        .route("/activate", get(oauth::activate_page).post(oauth::activate_form))
        .route("/userinfo", get(oauth::userinfo).post(oauth::userinfo))
        .route("/login", get(accounts::login_page).post(accounts::login_form))
        .route("/dbconnections/signup", post(accounts::signup))
        .route("/v2/logout", get(accounts::logout))
        .route("/", get(pages::home))
        .route("/dashboard", get(pages::dashboard))
        .route("/docs", get(pages::docs))
        .route("/callback", get(pages::callback))
        .route("/cdn/auth.min.js", get(cdn::library))
        .route("/cdn/auth.css", get(cdn::style))
        .route("/cdn/manifest.json", get(cdn::manifest))
        .route("/cdn/client/{file}", get(cdn::client))
        .route("/test", get(health::health))
        .fallback(pages::not_found)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&node), gate))
        .with_state(node)
}

//! The pages that people see. Server-rendered, one style sheet, no script needed.

mod dashboard;
mod docs;

pub(crate) use dashboard::dashboard;
pub(crate) use docs::{callback, docs, home};

use crate::provider::Provider;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

/// A page that nobody may keep.
pub(crate) struct Page(Markup);

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let headers: [(HeaderName, &str); 2] =
            [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")];
        (headers, self.0.into_string()).into_response()
    }
}

fn layout(title: &str, narrow: bool, head: &Markup, body: &Markup) -> Page {
    Page(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Tocsin reference auth stack" }
                link rel="stylesheet" href="/cdn/auth.css";
                (head)
            }
            body { main class=[narrow.then_some("narrow")] { (body) } }
        }
    })
}

/// A page that says one thing.
pub(crate) fn message(title: &str, text: &str) -> Page {
    layout(title, true, &html! {}, &html! { h1 { (title) } p { (text) } })
}

pub(crate) async fn not_found() -> (StatusCode, Page) {
    (
        StatusCode::NOT_FOUND,
        message("There is nothing here", "The address leads nowhere. The documentation is at /docs."),
    )
}

/// Where a person types in what a device shows.
pub(crate) fn activate(user_code: &str, csrf: &str) -> Page {
    let body = html! {
        h1 { "Sign a device in" }
        form method="post" action="/activate" {
            input type="hidden" name="csrf" value=(csrf);
            label for="user_code" { "The code that it shows" }
            input #user_code name="user_code" autocomplete="off" required value=(user_code);
            button type="submit" name="answer" value="allow" { "Allow" }
            button type="submit" name="answer" value="deny" { "Deny" }
        }
    };
    layout("Sign a device in", true, &html! {}, &body)
}

pub(crate) struct LoginForm<'a> {
    pub provider: &'a Provider,
    pub state: &'a str,
    pub csrf: &'a str,
    pub username: &'a str,
    pub alert: Option<&'a str>,
}

pub(crate) fn login(form: &LoginForm<'_>) -> Page {
    let integrity = &form.provider.assets.library_integrity;
    let head = html! {
        script src="/cdn/client/tocsin-spa.js" defer {}
        script src="/cdn/auth.min.js" integrity=(integrity) crossorigin="anonymous" defer {}
    };
    let body = html! {
        h1 { "Log in" }
        @if let Some(alert) = form.alert { p.alert role="alert" { (alert) } }
        form method="post" action="/login" {
            input type="hidden" name="state" value=(form.state);
            input type="hidden" name="csrf" value=(form.csrf);
            label for="username" { "E-mail address" }
            input #username name="username" type="email" autocomplete="username" required value=(form.username);
            label for="password" { "Password" }
            input #password name="password" type="password" autocomplete="current-password" required;
            button type="submit" { "Log in" }
        }
    };
    layout("Log in", true, &head, &body)
}

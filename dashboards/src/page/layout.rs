use super::Asset;
use crate::wording::clock;
use checks::UnixMs;
use maud::{DOCTYPE, Markup, html};

/// How a page comes to its next state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refresh {
    EverySeconds(u32),
    Never,
}

/// The frame of every page.
pub(super) fn frame(title: &str, refresh: Refresh, now: Option<UnixMs>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Refresh::EverySeconds(seconds) = refresh { meta http-equiv="refresh" content=(seconds); }
                title { (title) " · Tocsin" }
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(Asset::stylesheet().path());
            }
            body {
                header.top {
                    a.brand href="/" { (bell()) "Tocsin" }
                    @if let Some(now) = now {
                        span.muted { time datetime=(now) { (clock(now, now)) } " UTC" }
                    }
                }
                main { (body) }
            }
        }
    }
}

fn bell() -> Markup {
    html! {
        svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true" {
            path d="M16 3a2 2 0 0 1 2 2v1.2A9 9 0 0 1 25 15v6l3 4H4l3-4v-6a9 9 0 0 1 7-8.8V5a2 2 0 0 1 2-2z" {}
            path d="M12 27h8a4 4 0 0 1-8 0z" {}
        }
    }
}

/// A page that has only one thing to say.
pub(crate) fn message(title: &str, sentence: &str) -> Markup {
    let body = html! {
        section.hero.warn { h1 { (title) } p { (sentence) } }
        p { a href="/" { "To the status page" } }
    };
    frame(title, Refresh::Never, None, &body)
}

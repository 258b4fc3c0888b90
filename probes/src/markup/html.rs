//! A page as a browser would read it (html.spec.whatwg.org), told in short.

use super::form::{self, Form};
use scraper::{ElementRef, Html, Selector};
use serde::Serialize;
use std::collections::BTreeMap;
use url::Url;

const PAGE_BYTES_MAX: usize = 4 << 20;
const LINKS_MAX: usize = 2_000;
const FORMS_MAX: usize = 100;
const ELEMENTS_MAX: usize = 1_000;
const TEXT_CHARACTERS_MAX: usize = 2_000;
/// Of one element that a selector finds, and of all of them: they may stand in each other.
const ELEMENT_BYTES_MAX: usize = 64 << 10;
const ELEMENTS_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HtmlError {
    #[error("the page has {0} bytes, and at most {PAGE_BYTES_MAX} are read")]
    TooLong(usize),
    #[error("`{0}` is no absolute URL that a page could have")]
    Url(String),
    #[error("`{0}` is no CSS selector: write one such as `form#login input[name=csrf]`")]
    Selector(String),
}

#[derive(Debug, Serialize)]
pub(super) struct Outline {
    title: Option<String>,
    /// What relative URLs of the page are relative to.
    base: String,
    forms: Vec<Form>,
    links: Vec<Link>,
    resources: Vec<Resource>,
    /// Forms, links and resources past the bounds.
    dropped: usize,
}

#[derive(Debug, Serialize)]
struct Link {
    /// Absolute; absent where the attribute is no URL.
    url: Option<String>,
    /// As it is written.
    href: String,
    text: String,
    rel: String,
}

/// A script, style sheet or other file that the page loads from elsewhere.
#[derive(Debug, Serialize)]
struct Resource {
    kind: &'static str,
    url: Option<String>,
    integrity: Option<String>,
    crossorigin: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Found {
    tag: String,
    text: String,
    attributes: BTreeMap<String, String>,
}

pub(super) fn outline(html: &str, url: &str) -> Result<Outline, HtmlError> {
    let document_url = Url::parse(url).map_err(|_| HtmlError::Url(url.to_owned()))?;
    let page = parsed(html)?;
    let base = first(&page, "base[href]")
        .and_then(|element| document_url.join(element.attr("href")?.trim()).ok())
        .filter(|base| matches!(base.scheme(), "http" | "https"))
        .unwrap_or_else(|| document_url.clone());
    let mut dropped = 0;
    let forms = bounded(form::forms(&page, &base, &document_url), FORMS_MAX, &mut dropped);
    let (anchors, files) =
        (selector("a[href], area[href]"), selector("script[src], link[href], img[src], iframe[src]"));
    let links = page.select(&anchors).map(|element| {
        let href = element.attr("href").unwrap_or_default().trim();
        Link {
            url: base.join(href).ok().map(String::from),
            href: clipped(href),
            text: text_of(element),
            rel: element.attr("rel").unwrap_or_default().to_owned(),
        }
    });
    let links = bounded(links, LINKS_MAX, &mut dropped);
    let resources = page.select(&files).map(|element| resource(element, &base));
    let resources = bounded(resources, LINKS_MAX, &mut dropped);
    let title = first(&page, "title").map(text_of);
    Ok(Outline { title, base: base.into(), forms, links, resources, dropped })
}

pub(super) fn select(html: &str, css: &str) -> Result<Vec<Found>, HtmlError> {
    let selector = Selector::parse(css).map_err(|_| HtmlError::Selector(css.to_owned()))?;
    let page = parsed(html)?;
    let mut bytes_left = ELEMENTS_BYTES_MAX;
    let found = page.select(&selector).take(ELEMENTS_MAX).map_while(|element| {
        let text = words_of(element, ELEMENT_BYTES_MAX);
        bytes_left = bytes_left.checked_sub(text.len())?;
        let attributes = element.value().attrs().map(|(name, value)| (name.to_owned(), clipped(value))).collect();
        Some(Found { tag: element.value().name().to_owned(), text, attributes })
    });
    Ok(found.collect())
}

fn resource(element: ElementRef<'_>, base: &Url) -> Resource {
    let rel = element.attr("rel").unwrap_or_default().to_ascii_lowercase();
    let kind = match element.value().name() {
        "script" => "script",
        "img" => "image",
        "iframe" => "frame",
        _ if rel.split_ascii_whitespace().any(|word| word == "stylesheet") => "stylesheet",
        _ => "link",
    };
    let reference = element.attr("src").or_else(|| element.attr("href")).unwrap_or_default();
    Resource {
        kind,
        url: base.join(reference.trim()).ok().map(String::from),
        integrity: element.attr("integrity").map(str::to_owned),
        crossorigin: element.attr("crossorigin").map(str::to_owned),
    }
}

fn parsed(html: &str) -> Result<Html, HtmlError> {
    if html.len() > PAGE_BYTES_MAX {
        return Err(HtmlError::TooLong(html.len()));
    }
    Ok(Html::parse_document(html))
}

/// A selector of this file.
pub(super) fn selector(css: &'static str) -> Selector {
    Selector::parse(css).expect("the selectors of this module are valid CSS")
}

fn first<'a>(page: &'a Html, css: &'static str) -> Option<ElementRef<'a>> {
    page.select(&selector(css)).next()
}

fn bounded<T>(items: impl IntoIterator<Item = T>, items_max: usize, dropped: &mut usize) -> Vec<T> {
    let mut items = items.into_iter();
    let kept = items.by_ref().take(items_max).collect();
    *dropped += items.count();
    kept
}

pub(super) fn text_of(element: ElementRef<'_>) -> String {
    clipped(&words_of(element, TEXT_CHARACTERS_MAX * 4))
}

/// What a person reads there, with its white space collapsed.
fn words_of(element: ElementRef<'_>, bytes_max: usize) -> String {
    let mut text = String::new();
    let unseen = |parent: ElementRef<'_>| {
        parent.id() != element.id() && matches!(parent.value().name(), "script" | "style" | "template" | "noscript")
    };
    let seen = element.descendants().filter(|node| !node.parent().and_then(ElementRef::wrap).is_some_and(unseen));
    let texts = seen.filter_map(|node| node.value().as_text());
    for word in texts.flat_map(|text| text.split_whitespace()) {
        if text.len() + word.len() > bytes_max {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

fn clipped(text: &str) -> String {
    text.chars().take(TEXT_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn outlined(html: &str) -> serde_json::Value {
        serde_json::to_value(outline(html, "https://a.test/x/page?q=1#part").unwrap()).unwrap()
    }

    #[test]
    fn urls_are_relative_to_the_page_or_to_its_base() {
        let links = |html: &str| {
            let outline = outlined(html);
            let urls = outline["links"].as_array().unwrap().iter().map(|link| link["url"].clone());
            urls.collect::<Vec<_>>()
        };
        let cases = [
            (r#"<a href="b">"#, json!(["https://a.test/x/b"])),
            (r#"<a href="../b">"#, json!(["https://a.test/b"])),
            (r#"<a href="//b.test/c">"#, json!(["https://b.test/c"])),
            (r#"<a href=" /b&amp;c ">"#, json!(["https://a.test/b&c"])),
            (r#"<a href="http://[">"#, json!([null])),
            (r#"<base href="/y/"><a href="b">"#, json!(["https://a.test/y/b"])),
            (r#"<base href="https://b.test/"><a href="b">"#, json!(["https://b.test/b"])),
            (r#"<base href="data:x"><a href="b">"#, json!(["https://a.test/x/b"])),
            (r#"<!-- <a href="b"> --><script>"<a href=c>"</script>"#, json!([])),
        ];
        for (html, expected) in cases {
            assert_eq!(json!(links(html)), expected, "{html}");
        }
    }

    #[test]
    fn a_page_is_told_in_short() {
        let outline = outlined(
            r#"<title> Sign
            in </title><link rel="preload stylesheet" href="/a.css" integrity="sha384-x" crossorigin>
            <script src=b.js></script><p><a rel=next href=c>the <b>next</b> one</a>"#,
        );
        assert_eq!(outline["title"], "Sign in");
        assert_eq!(outline["links"][0]["text"], "the next one");
        let body = &select("<body>seen<script>unseen</script><style>unseen</style> too", "body, script").unwrap();
        assert_eq!((body[0].text.as_str(), body[1].text.as_str()), ("seen too", "unseen"));
        assert_eq!(outline["resources"][0]["kind"], "stylesheet");
        assert_eq!(outline["resources"][0]["integrity"], "sha384-x");
        assert_eq!(outline["resources"][1]["url"], "https://a.test/x/b.js");
    }

    #[test]
    fn what_is_told_is_bounded() {
        let outline = outlined(&"<a href=b>".repeat(LINKS_MAX + 3));
        assert_eq!(outline["dropped"], 3);
        let deep = format!("{}<p>deep", "<div>".repeat(100_000));
        assert_eq!(select(&deep, "p").unwrap()[0].text, "deep");
        assert_eq!(select("", "a[").unwrap_err(), HtmlError::Selector("a[".to_owned()));
        let long = " ".repeat(PAGE_BYTES_MAX + 1);
        assert_eq!(select(&long, "a").unwrap_err(), HtmlError::TooLong(PAGE_BYTES_MAX + 1));
    }
}

//! A page's forms, and what each of their controls would send (html.spec.whatwg.org, section 4.10.21).

use super::html::{selector, text_of};
use scraper::{ElementRef, Html, Selector};
use serde::Serialize;
use url::Url;

const CONTROLS_MAX: usize = 500;
const OPTIONS_MAX: usize = 500;

#[derive(Debug, Serialize)]
pub(super) struct Form {
    id: Option<String>,
    name: Option<String>,
    /// Absolute; absent where the attribute is no URL.
    action: Option<String>,
    method: String,
    enctype: String,
    controls: Vec<Control>,
}

/// A control with a name that is not disabled.
#[derive(Debug, Serialize)]
struct Control {
    name: String,
    /// Of an `input` its type, else `select`, `textarea` or `submit`.
    #[serde(rename = "type")]
    kind: String,
    value: String,
    /// Whether it is sent when nobody touches it. Buttons are sent by being pressed.
    sent: bool,
    /// The values of a `select`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<String>,
}

pub(super) fn forms(page: &Html, base: &Url, document_url: &Url) -> Vec<Form> {
    let controls = selector("input, select, textarea, button");
    page.select(&selector("form")).map(|form| read(page, form, &controls, base, document_url)).collect()
}

fn read(page: &Html, form: ElementRef<'_>, controls: &Selector, base: &Url, document_url: &Url) -> Form {
    let id = form.attr("id").filter(|id| !id.is_empty());
    // A control belongs to the form it stands in, unless it names another one by its `form` attribute.
    let inside = form.select(controls).filter(|control| control.attr("form").is_none_or(|owner| Some(owner) == id));
    let elsewhere = page.select(controls).filter(|control| {
        id.is_some() && control.attr("form") == id && !control.ancestors().any(|node| node.id() == form.id())
    });
    let action = match form.attr("action").map(str::trim) {
        None | Some("") => {
            let mut own = document_url.clone();
            own.set_fragment(None);
            Some(own)
        }
        Some(action) => base.join(action).ok(),
    };
    let method = form.attr("method").unwrap_or_default().to_ascii_lowercase();
    let enctype = form.attr("enctype").unwrap_or_default().to_ascii_lowercase();
    Form {
        id: id.map(str::to_owned),
        name: form.attr("name").map(str::to_owned),
        action: action.map(String::from),
        method: if matches!(method.as_str(), "post" | "dialog") { method } else { "get".to_owned() },
        enctype: match enctype.as_str() {
            "multipart/form-data" | "text/plain" => enctype,
            _ => "application/x-www-form-urlencoded".to_owned(),
        },
        controls: inside.chain(elsewhere).flat_map(read_control).take(CONTROLS_MAX).collect(),
    }
}

/// A `select` of several chosen options is several controls.
fn read_control(element: ElementRef<'_>) -> Vec<Control> {
    let Some(name) = element.attr("name").filter(|name| !name.is_empty()) else { return Vec::new() };
    if is_disabled(element) {
        return Vec::new();
    }
    let value = || element.attr("value").unwrap_or_default().to_owned();
    let one = |kind: &str, value: String, sent: bool| {
        vec![Control { name: name.to_owned(), kind: kind.to_owned(), value, sent, options: Vec::new() }]
    };
    match element.value().name() {
        "textarea" => {
            let text: String = element.text().collect();
            one("textarea", text, true)
        }
        "select" => chosen(name, element),
        "button" => match element.attr("type").unwrap_or("submit").to_ascii_lowercase().as_str() {
            "reset" | "button" => Vec::new(),
            _ => one("submit", value(), false),
        },
        _ => {
            let kind = element.attr("type").unwrap_or("text").to_ascii_lowercase();
            match kind.as_str() {
                "checkbox" | "radio" => {
                    let value = element.attr("value").unwrap_or("on").to_owned();
                    one(&kind, value, element.attr("checked").is_some())
                }
                "submit" | "image" => one("submit", value(), false),
                "reset" | "button" => Vec::new(),
                _ => one(&kind, value(), true),
            }
        }
    }
}

fn chosen(name: &str, element: ElementRef<'_>) -> Vec<Control> {
    let option_value = |option: ElementRef<'_>| option.attr("value").map_or_else(|| text_of(option), str::to_owned);
    let all: Vec<_> = element.select(&selector("option")).take(OPTIONS_MAX).collect();
    let options: Vec<_> = all.iter().copied().map(option_value).collect();
    let usable = |option: &&ElementRef<'_>| option.attr("disabled").is_none();
    let selected = all.iter().filter(|option| option.attr("selected").is_some()).filter(usable).copied();
    let mut values: Vec<_> = selected.map(option_value).collect();
    let several = element.attr("multiple").is_some();
    if !several {
        // A drop-down always shows one option: the last that is selected, or else the first.
        let shown = values.pop().or_else(|| all.iter().find(usable).copied().map(option_value));
        values = shown.into_iter().collect();
    }
    let control = |value: String, sent: bool| Control {
        name: name.to_owned(),
        kind: "select".to_owned(),
        value,
        sent,
        options: options.clone(),
    };
    if values.is_empty() {
        return vec![control(String::new(), false)];
    }
    values.into_iter().map(|value| control(value, true)).collect()
}

fn is_disabled(element: ElementRef<'_>) -> bool {
    let in_disabled_group = || {
        let mut groups = element.ancestors().filter_map(ElementRef::wrap);
        groups.any(|group| group.value().name() == "fieldset" && group.attr("disabled").is_some())
    };
    element.attr("disabled").is_some() || in_disabled_group()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(html: &str) -> Form {
        let url = Url::parse("https://a.test/login?state=1#top").unwrap();
        forms(&Html::parse_document(html), &url, &url).remove(0)
    }

    #[test]
    fn what_a_form_sends_untouched() {
        let cases = [
            (r"<input name=a value='1 &amp; 2'>", "a=1 & 2"),
            (r"<input name=a type=hidden value=x><input value=no-name>", "a=x"),
            (r"<input name=a disabled><fieldset disabled><input name=b></fieldset>", ""),
            (r"<input type=checkbox name=a><input type=checkbox name=b checked>", "b=on"),
            (r"<input type=radio name=a value=1><input type=radio name=a value=2 checked>", "a=2"),
            (r"<textarea name=a>two&lt;three</textarea>", "a=two<three"),
            (r"<select name=a><option>one<option value=2>two</select>", "a=one"),
            (r"<select name=a><option>one<option value=2 selected>two</select>", "a=2"),
            (r"<select name=a multiple><option selected>1<option selected>2</select>", "a=1 a=2"),
            (r"<select name=a multiple><option>1</select>", ""),
            (r"<button name=a value=1>go</button><input type=submit name=b><input type=reset name=c>", ""),
            (r"<input form=other name=a>", ""),
            (r"</form><input form=f name=a value=outside>", "a=outside"),
            // What a regular expression would stumble over.
            (r#"<!-- <input name=a> --><input title="a > b" name=c value="<input name=d>">"#, "c=<input name=d>"),
        ];
        for (inside, expected) in cases {
            let form = read_one(&format!("<form id=f>{inside}</form>"));
            let sent: Vec<_> = form.controls.iter().filter(|control| control.sent).collect();
            let sent: Vec<_> = sent.iter().map(|control| format!("{}={}", control.name, control.value)).collect();
            assert_eq!(sent.join(" "), expected, "{inside}");
        }
    }

    #[test]
    fn where_a_form_is_sent() {
        let cases = [
            ("<form>", Some("https://a.test/login?state=1"), "get", "application/x-www-form-urlencoded"),
            (
                "<form action='' method=POST>",
                Some("https://a.test/login?state=1"),
                "post",
                "application/x-www-form-urlencoded",
            ),
            ("<form action=/b method=put>", Some("https://a.test/b"), "get", "application/x-www-form-urlencoded"),
            ("<form action='http://[' enctype=Multipart/Form-Data>", None, "get", "multipart/form-data"),
        ];
        for (html, action, method, enctype) in cases {
            let form = read_one(html);
            assert_eq!(
                (form.action.as_deref(), form.method.as_str(), form.enctype.as_str()),
                (action, method, enctype),
                "{html}"
            );
        }
    }
}

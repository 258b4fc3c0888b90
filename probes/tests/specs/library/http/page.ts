// Pages through a browser's parser: links, resources, forms and selectors.
import { defineCheck, expect } from "tocsin";
import { page } from "tocsin/http";
import { told } from "../modules/told.ts";

const URL_OF_PAGE = "https://a.test/account/login?state=1";
const read = (html: string) => page(html, URL_OF_PAGE);

const LOGIN = read(`<!doctype html><title> Sign in </title><base href="/next/">
  <!-- <form><input name="password"></form> -->
  <script src="app.js" integrity="sha384-x" crossorigin="anonymous"></script><link rel=stylesheet href=/a.css>
  <a href="help?a=1&amp;b=2" rel="help">Need <b>help</b>?</a> <a href="mailto:x@a.test">Write</a> <a href="http://[">Broken</a>
  <form id="search" action="/search"><input name="q"></form>
  <form id="f" method="post" action="session" title="a > b">
    <input type="hidden" name="csrf" value="&lt;&#x31;&quot;2">
    <input name="username" value="old"><input type="password" name="password">
    <input type="checkbox" name="remember" value="yes"><input type="checkbox" name="terms" checked>
    <input type="radio" name="where" value="home" checked><input type="radio" name="where" value="work">
    <select name="language"><option value="de">Deutsch<option value="en" selected>English</select>
    <textarea name="note">none</textarea><input name="off" disabled>
    <button name="go" value="1">Go</button><button name="go" value="2">Go on</button><button name="cancel" value="2">Cancel</button>
  </form><input form="f" name="outside" value="o">`);
const form = LOGIN.formWith("password");
const filled = (...args: Parameters<typeof form.filled>) => () => new URLSearchParams(form.filled(...args) as any).toString();

export default defineCheck({
  schedule: "every 30s",
  async run() {
    expect([LOGIN.title, LOGIN.base, LOGIN.forms.length]).toEqual(["Sign in", "https://a.test/next/", 2]);
    expect(LOGIN.links).toEqual([
      { url: "https://a.test/next/help?a=1&b=2", href: "help?a=1&b=2", text: "Need help ?", rel: "help" },
      { url: "mailto:x@a.test", href: "mailto:x@a.test", text: "Write", rel: "" },
      { url: undefined, href: "http://[", text: "Broken", rel: "" },
    ]);
    expect(LOGIN.resources).toEqual([
      { kind: "script", url: "https://a.test/next/app.js", integrity: "sha384-x", crossorigin: "anonymous" },
      { kind: "stylesheet", url: "https://a.test/a.css", integrity: undefined, crossorigin: undefined },
    ]);
    expect([form.id, form.action, form.method, form.enctype]).toEqual([
      "f", "https://a.test/next/session", "post", "application/x-www-form-urlencoded",
    ]);
    expect(form.fields).toEqual({
      csrf: '<1"2', username: "old", password: "", terms: "on", where: "home", language: "en", note: "none", outside: "o",
    });
    expect(form.controls.map(({ name, type, value, sent }) => `${name} ${type} ${value} ${sent}`)).toEqual([
      'csrf hidden <1"2 true', "username text old true", "password password  true", "remember checkbox yes false",
      "terms checkbox on true", "where radio home true", "where radio work false", "language select en true",
      "note textarea none true", "go submit 1 false", "go submit 2 false", "cancel submit 2 false", "outside text o true",
    ]);
    expect(form.controls.find(({ name }) => name === "language")!.options).toEqual(["de", "en"]);
    expect(LOGIN.link(/help/).url).toBe("https://a.test/next/help?a=1&b=2");
    expect(LOGIN.select("form#f input[type=hidden]")).toEqual([
      { tag: "input", text: "", attributes: { type: "hidden", name: "csrf", value: '<1"2' } },
    ]);
    expect(read("<p>Hello, <i>you</i><script>unseen</script>").find("p").text).toBe("Hello, you");
    await told({
      "untouched": filled(),
      "filled in": filled({ username: "u", password: "p&q", remember: true, terms: false, where: "work", language: "de" }, { button: "go" }),
      "one of two buttons": filled({}, { button: "go=2" }),
      "a field that does not exist": filled({ email: "u" }),
      "a choice that does not exist": filled({ where: "nowhere" }),
      "an option that does not exist": filled({ language: "fr" }),
      "a disabled field": filled({ off: "x" }),
      "a button that does not exist": filled({}, { button: "send" }),
      "no text": filled({ username: null as any }),
      "no form": () => LOGIN.formWith("otp"),
      "no link": () => LOGIN.link("Sign up"),
      "a link that leads nowhere": () => LOGIN.link("Broken"),
      "no element": () => LOGIN.find("h1.title"),
      "no selector": () => LOGIN.select("h1["),
      "a selector that is no text": () => LOGIN.select(5 as any),
      "no HTML": () => page(5 as any, URL_OF_PAGE),
      "no URL": () => page("<p>", "/login"),
      "a page that is too long": () => read(" ".repeat(5 << 20)),
    });
  },
});

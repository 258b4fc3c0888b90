//! A running stack, and a client of one of its nodes that keeps cookies as a browser would.

use auth_stack::{AuthStack, FaultOrder, Options, PasswordCost};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, StatusCode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tempfile::TempDir;

pub const EMAIL: &str = "probe@tocsin.test";
pub const PASSWORD: &str = "correct-horse-battery-staple";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub struct Running {
    pub stack: AuthStack,
    pub folder: TempDir,
}

/// Two nodes, `eu` and `us`.
pub async fn start() -> Running {
    start_with(|_, _| {}).await
}

pub async fn start_with(change: impl FnOnce(&mut Options, &TempDir)) -> Running {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut options = Options::new(folder.path().join("data"));
    options.nodes = ["eu=127.0.0.1", "us=127.0.0.2"].map(|text| text.parse().expect("a node")).into();
    options.password_cost = PasswordCost::LOWEST;
    change(&mut options, &folder);
    Running { stack: AuthStack::start(options).await.expect("a stack"), folder }
}

impl Running {
    pub fn site(&self, node: &str) -> Site {
        Site::new(&self.stack.ca_pem, self.stack.port, self.stack.ready.nodes[node])
    }

    pub fn break_it(&self, order: FaultOrder) {
        self.stack.set_fault(&order).expect("a fault that can be set");
    }
}

pub struct Site {
    client: Client,
    pub origin: String,
    cookies: BTreeMap<String, String>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of text"))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of text")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str()).expect("a redirect")
    }

    /// The parameters of the address that it redirects to.
    pub fn redirected(&self) -> BTreeMap<String, String> {
        url::Url::parse(self.location()).expect("an absolute URL").query_pairs().into_owned().collect()
    }

    /// The value of a hidden field of a form.
    pub fn hidden(&self, name: &str) -> String {
        let (_, rest) = self.text().split_once(&format!("name=\"{name}\" value=\"")).expect("a hidden field");
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

impl Site {
    pub fn new(ca_pem: &str, port: u16, node: IpAddr) -> Site {
        // "Already installed" is what every test but the first finds.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .tls_certs_only([Certificate::from_pem(ca_pem.as_bytes()).expect("a certificate")])
            .resolve("localhost", SocketAddr::new(node, port))
            .redirect(Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .expect("a client");
        Site { client, origin: format!("https://localhost:{port}"), cookies: BTreeMap::new() }
    }

    fn url(&self, target: &str) -> String {
        if target.starts_with("https://") { target.to_owned() } else { format!("{}{target}", self.origin) }
    }

    pub async fn try_get(&self, target: &str, headers: &[(&str, &str)]) -> reqwest::Result<Answer> {
        self.send(self.client.get(self.url(target)), headers).await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder, headers: &[(&str, &str)]) -> reqwest::Result<Answer> {
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for value in answer.headers.get_all(SET_COOKIE) {
            let text = value.to_str().expect("a cookie of text");
            let (name, value) = text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub async fn get(&mut self, target: &str) -> Answer {
        self.get_with(target, &[]).await
    }

    pub async fn get_with(&mut self, target: &str, headers: &[(&str, &str)]) -> Answer {
        let answer = self.try_get(target, headers).await.expect("an answer");
        self.keep_cookies(&answer);
        answer
    }

    pub async fn post(&mut self, target: &str, form: &[(&str, &str)]) -> Answer {
        self.post_with(target, form, &[]).await
    }

    pub async fn post_with(&mut self, target: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let answer = self.send(self.client.post(self.url(target)).form(form), headers).await.expect("an answer");
        self.keep_cookies(&answer);
        answer
    }

    pub async fn post_json(&mut self, target: &str, body: &Value) -> Answer {
        self.send(self.client.post(self.url(target)).json(body), &[]).await.expect("an answer")
    }

    pub fn drop_cookies(&mut self) {
        self.cookies.clear();
    }

    /// The path and query of a good authorization request, with changes and additions.
    pub fn authorize_target(&self, changes: &[(&str, &str)]) -> String {
        let redirect_uri = format!("{}/callback", self.origin);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let mut parameters = BTreeMap::from([
            ("response_type", "code"),
            ("client_id", "tocsin-spa"),
            ("redirect_uri", &redirect_uri),
            ("scope", "openid profile email offline_access"),
            ("state", "state-1"),
            ("nonce", "nonce-1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        parameters.extend(changes.iter().copied());
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        format!("/authorize?{query}")
    }

    /// Walks to the login page, logs in and returns the redirect back to the application.
    pub async fn log_in(&mut self, password: &str) -> Answer {
        let to_login = self.get(&self.authorize_target(&[])).await;
        let page = self.get(to_login.location()).await;
        let (state, csrf) = (page.hidden("state"), page.hidden("csrf"));
        let form = [("state", state.as_str()), ("csrf", &csrf), ("username", EMAIL), ("password", password)];
        self.post("/login", &form).await
    }

    pub async fn redeem(&mut self, code: &str, verifier: &str) -> Answer {
        let redirect_uri = format!("{}/callback", self.origin);
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "tocsin-spa"),
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", verifier),
        ];
        self.post("/oauth/token", &form).await
    }

    pub async fn password_grant(&mut self) -> Answer {
        let form = [
            ("grant_type", "password"),
            ("client_id", "tocsin-native"),
            ("client_secret", "native-secret"),
            ("username", EMAIL),
            ("password", PASSWORD),
            ("scope", "openid profile email offline_access"),
        ];
        self.post("/oauth/token", &form).await
    }

    pub async fn refresh(&mut self, token: &str) -> Answer {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "tocsin-native"),
            ("client_secret", "native-secret"),
            ("refresh_token", token),
        ];
        self.post("/oauth/token", &form).await
    }
}

/// Verifies a token as an application would, with nothing but the published keys. The error is the library's.
pub fn verify(token: &str, jwks: &Value, issuer: &str, audience: &str) -> Result<Value, String> {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_value(jwks.clone()).expect("a JWKS");
    let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
    let kid = header.kid.expect("a kid");
    let jwk = jwks.find(&kid).ok_or("UnknownKid")?;
    let key = DecodingKey::from_jwk(jwk).map_err(|error| error.to_string())?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    let decoded = jsonwebtoken::decode::<Value>(token, &key, &validation);
    decoded.map(|data| data.claims).map_err(|error| error.to_string())
}

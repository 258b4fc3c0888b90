//! Webhooks, e-mail and calls, from a broken target to the reader: the real binary, and receivers that misbehave.

use futures_util::future::join_all;
use serde_json::Value;
use std::path::Path;
use tests::doubles::Behaviour;
use tests::doubles::mail::{Mail, MailServer};
use tests::doubles::slack::Slack;
use tests::doubles::twilio::Twilio;
use tests::doubles::webhook::Receiver;
use tests::harness::{AuthStack, Config, DEVOPS, DISCOVERY, SOON, Tocsin, World};

const MAILBOX: &str = "oncall@example.com";

/// `[webhooks]`, `[email]` and a ladder whose highest rung tells all of them.
fn extra(folder: &Path, webhook: &str, mail: &str, ladder: &str) -> String {
    let secret = folder.join("webhook-secret");
    std::fs::write(&secret, Receiver::SECRET).unwrap();
    format!(
        "[webhooks.pager]\nurl = {webhook:?}\nsecret = {{ file = {secret:?} }}\n\
         [email]\nserver = {mail:?}\ntls = \"none\"\nfrom = \"Tocsin <tocsin@example.com>\"\n{ladder}"
    )
}

const ALL: &str = r##"
[[policies.default.rungs]]
label = "P2"
failures_in_a_row = 1
counts = "every-failure"
slack = ["#p2"]
[[policies.default.rungs]]
label = "P1"
failures_in_a_row = 2
webhook = ["pager"]
email = ["oncall@example.com"]
voice = ["devops"]
"##;

/// The subject as a person reads it.
fn subject(mail: &Mail) -> &str {
    mail.header("Subject").unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_p1_reaches_webhook_mailbox_and_telephone_and_its_end_does_too() {
    let world = World::with_discovery().await;
    let (receiver, mail) = (Receiver::listening().await.unwrap(), MailServer::listening().await.unwrap());
    let extra = extra(world.path(), &receiver.url(), &mail.addr().to_string(), ALL);
    let callbacks = "[callbacks]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://tocsin.example.com\"\n";
    let config = Config { regions: 1, extra: format!("{extra}{callbacks}"), ..world.config() };

    let explained = Tocsin::run(&config, world.path(), &["policy", "explain", "discovery"]).await;
    explained.assert_code(0).assert_says(&[
        "webhook pager, call to Ada (+4915100000001), call to Grace (+4915100000002), e-mail to oncall@example.com are told",
    ]);

    let tocsin = world.up_with(&config).await;
    tocsin.passes("discovery").await;
    world.stack.break_everything().await;
    receiver.wait_until("the webhook", SOON, |hooks| hooks.of_type("incident.paged").count() == 1).await;
    mail.wait_until("the mail", SOON, |mail| mail.to(MAILBOX).count() == 1).await;
    world
        .twilio_until("a call to each member", |twilio| {
            DEVOPS.iter().all(|(_, number)| twilio.phone_calls.iter().any(|call| call.to == *number))
        })
        .await;
    // All three count as delivered, and not as printed.
    tocsin
        .status_until("every delivery is known", |status| {
            let rows = status["notifications"].as_array().unwrap();
            ["webhook pager", "e-mail", "call to Ada", "call to Grace"]
                .iter()
                .all(|to| rows.iter().any(|row| row["recipient"] == *to && row["delivery"] == "delivered"))
        })
        .await;
    world.stack.repair().await;
    receiver.wait_until("the end by webhook", SOON, |hooks| hooks.of_type("incident.recovered").count() == 1).await;
    mail.wait_until("the end by mail", SOON, |mail| mail.to(MAILBOX).count() == 2).await;
    world
        .twilio_until("the end as a text: nobody is called for it", |twilio| {
            DEVOPS.iter().all(|(_, number)| twilio.to(number).any(|sms| sms.body.contains("recovered")))
        })
        .await;
    tocsin.stop().await;

    let [paged, recovered] = &receiver.messages()[..] else { panic!("two webhooks: {:#?}", receiver.messages()) };
    let incident = &paged.body["data"]["incident"];
    assert_eq!((&incident["check"], &incident["label"]), (&Value::from("discovery"), &Value::from("P1")));
    assert_eq!(incident["regions"][0]["condition"], "failing", "{incident:#}");
    assert_eq!(paged.body["data"]["text"], "P1: second failure in a row in eu-west-1");
    assert_eq!(recovered.body["data"]["incident"]["status"], "recovered");
    assert_eq!(recovered.body["data"]["incident"]["number"], incident["number"]);

    let mails = mail.with(|mail| mail.mails.clone());
    let [page, end] = &mails[..] else { panic!("two mails: {mails:#?}") };
    assert_eq!(subject(page), "P1 #1 discovery is failing in eu-west-1");
    assert!(page.text.contains("second failure in a row in eu-west-1"), "{}", page.text);
    assert_eq!(subject(end), "OK #1 discovery recovered");
    assert_eq!(page.header("References"), end.header("References"), "one thread");
    assert_ne!(page.header("Message-ID"), end.header("Message-ID"));

    let calls = world.twilio.phone_calls();
    assert_eq!(calls.len(), DEVOPS.len(), "{calls:#?}");
    for call in &calls {
        let said = call.said();
        assert!(said[0].starts_with("This is Tocsin. P1, incident 1. discovery is failing in eu west 1."), "{said:?}");
        assert_eq!(said[0], said[1], "read twice");
        assert!(call.gathers_at().unwrap().starts_with("https://tocsin.example.com/twilio/voice?notification="));
        assert!(call.status_callback.as_ref().unwrap().starts_with("https://tocsin.example.com/twilio/voice/status?"));
    }
}

/// A Tocsin with receivers of its own, on a target that others share.
struct Line {
    tocsin: Tocsin,
    slack: Slack,
    twilio: Twilio,
    receiver: Receiver,
    mail: MailServer,
    folder: tempfile::TempDir,
    config: Config,
}

impl Line {
    async fn start(stack: &AuthStack, ladder: &str, prepare: impl FnOnce(&Twilio, &Receiver, &MailServer)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let checks = folder.path().join("checks");
        std::fs::create_dir(&checks).unwrap();
        std::fs::write(checks.join("discovery.check.js"), DISCOVERY).unwrap();
        let (slack, twilio) = (Slack::workspace().await.unwrap(), Twilio::account().await.unwrap());
        let (receiver, mail) = (Receiver::listening().await.unwrap(), MailServer::listening().await.unwrap());
        prepare(&twilio, &receiver, &mail);
        let extra = extra(folder.path(), &receiver.url(), &mail.addr().to_string(), ladder);
        let config = Config { regions: 1, extra, ..Config::new(checks, stack).with_providers(&slack, &twilio) };
        let tocsin = Tocsin::up(&config, folder.path()).await;
        Self { tocsin, slack, twilio, receiver, mail, folder, config }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_delays_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let stack = AuthStack::start(folder.path()).await;
    stack.break_everything().await;
    let stack = &stack;
    let troubles = [
        Behaviour::Status(503),
        Behaviour::StatusAfterAccepting(500),
        Behaviour::HangBeforeAccepting,
        Behaviour::HangAfterAccepting,
        Behaviour::RateLimited { retry_after_s: 1 },
        Behaviour::CloseBeforeAccepting,
        Behaviour::CloseAfterAccepting,
        Behaviour::Answer,
    ];
    // A few at a time: the machine that runs this may have two cores.
    for some in troubles.chunks(4) {
        join_all(some.iter().map(|&trouble| async move {
            let line = Line::start(stack, ALL, |twilio, receiver, mail| {
                for operation in ["call", "list-calls"] {
                    twilio.next(operation, [trouble]);
                }
                receiver.next("receive", [trouble]);
                // A mail server that replies 5xx has said its last word, so it is 4xx here.
                let of_mail = match trouble {
                    Behaviour::Status(_) => Behaviour::Status(451),
                    other => other,
                };
                mail.next("message", [of_mail]);
            })
            .await;
            let every_member = |twilio: &tests::doubles::twilio::TwilioRecord| {
                DEVOPS.iter().all(|(_, number)| twilio.phone_calls.iter().any(|call| call.to == *number))
            };
            line.twilio.wait_until(&format!("the calls after {trouble:?}"), SOON, every_member).await;
            // Settled: what was sent again has been answered.
            line.tocsin
                .status_until(&format!("all delivered after {trouble:?}"), |status| {
                    let rows = status["notifications"].as_array().unwrap();
                    let mut wanted = vec!["webhook pager", "call to Ada", "call to Grace"];
                    if !matches!(trouble, Behaviour::StatusAfterAccepting(_)) {
                        wanted.push("e-mail");
                    }
                    wanted
                        .iter()
                        .all(|to| rows.iter().any(|row| row["recipient"] == *to && row["delivery"] == "delivered"))
                })
                .await;
            line.tocsin.stop().await;
            // A call can be asked about: one for each member, whatever happened.
            let calls = line.twilio.phone_calls();
            assert_eq!(calls.len(), DEVOPS.len(), "{trouble:?}: {calls:#?}");
            // Receivers and mailboxes cannot be asked: the same message, under the same name, once or twice.
            let times = if trouble.accepts() && trouble != Behaviour::Answer { 2 } else { 1 };
            let [hook] = &line.receiver.messages()[..] else { panic!("{trouble:?}: {:#?}", line.receiver.messages()) };
            assert_eq!(hook.times, times, "{trouble:?}");
            let mails = line.mail.with(|mail| mail.mails.clone());
            // One that was taken and refused in words is not sent again.
            let times = if matches!(trouble, Behaviour::StatusAfterAccepting(_)) { 1 } else { times };
            assert_eq!(mails.len(), times, "{trouble:?}: {mails:#?}");
            assert!(mails.iter().all(|mail| mail.header("Message-ID") == mails[0].header("Message-ID")), "{trouble:?}");
            assert!(mails.iter().all(|mail| mail.text == mails[0].text), "{trouble:?}: the same mail");
            drop(line.slack);
        }))
        .await;
    }
}

/// The highest rung tells one place; what it does not take falls back to a text.
fn with_fallback(to: &str) -> String {
    format!(
        r##"
[policies.default]
fallback = "devops"
[[policies.default.rungs]]
label = "P1"
failures_in_a_row = 1
{to}
"##
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_falls_back_to_a_text_and_the_trail_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let stack = AuthStack::start(folder.path()).await;
    stack.break_everything().await;
    let stack = &stack;
    // The rung, who refuses and how, what a text and the trail say.
    type Prepare = fn(&Twilio, &Receiver, &MailServer);
    let cases: [(&str, Prepare, &str, &str); 5] = [
        (
            "webhook = [\"pager\"]",
            |_, receiver, _| receiver.always("receive", Behaviour::Status(410)),
            "webhook pager undelivered",
            "it wants no more",
        ),
        (
            "webhook = [\"pager\"]",
            |_, receiver, _| receiver.always("receive", Behaviour::Status(302)),
            "webhook pager undelivered",
            "redirects are not followed",
        ),
        (
            "email = [\"oncall@example.com\"]",
            |_, _, mail| mail.always("rcpt", Behaviour::Status(550)),
            "e-mail to oncall@example.com undelivered",
            "permanent error (550)",
        ),
        (
            "email = [\"oncall@example.com\"]",
            |_, _, mail| mail.always("message", Behaviour::Status(554)),
            "e-mail to oncall@example.com undelivered",
            "permanent error (554)",
        ),
        (
            "voice = [\"devops\"]",
            |twilio, _, _| twilio.always("call", Behaviour::Status(403)),
            "undelivered",
            "Twilio answered HTTP 403",
        ),
    ];
    for some in cases.chunks(3) {
        join_all(some.iter().map(|(rung, prepare, text, trail)| async move {
            let line = Line::start(stack, &with_fallback(rung), prepare).await;
            let fell_back = |twilio: &tests::doubles::twilio::TwilioRecord| {
                DEVOPS.iter().all(|(_, number)| twilio.to(number).any(|sms| sms.body.contains(text)))
            };
            line.twilio.wait_until(&format!("the fallback of {rung}"), SOON, fell_back).await;
            line.tocsin.stop().await;
            let shown = Tocsin::run(&line.config, line.folder.path(), &["incidents", "1"]).await;
            shown.assert_code(0).assert_says(&[trail]);
            assert_eq!(line.twilio.messages().len(), DEVOPS.len(), "{rung}: one text each");
        }))
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_on_after_a_server_that_talks_nonsense_or_wants_to_be_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let stack = AuthStack::start(folder.path()).await;
    stack.break_everything().await;
    let ladder = with_fallback("email = [\"oncall@example.com\"]");
    let line = Line::start(&stack, &ladder, |_, _, mail| {
        mail.next("greet", [Behaviour::GarbageBeforeAccepting, Behaviour::RateLimited { retry_after_s: 0 }]);
        mail.next("rcpt", [Behaviour::Status(450)]);
        mail.next("message", [Behaviour::GarbageAfterAccepting]);
    })
    .await;
    line.mail.wait_until("the mail, twice", SOON, |mail| mail.mails.len() == 2).await;
    line.tocsin
        .status_until("it is delivered", |status| {
            let rows = status["notifications"].as_array().unwrap();
            rows.iter().any(|row| row["recipient"] == "e-mail" && row["delivery"] == "delivered")
        })
        .await;
    line.tocsin.stop().await;
    let shown = Tocsin::run(&line.config, line.folder.path(), &["incidents", "1"]).await;
    shown.assert_code(0).assert_says(&["421", "450", "sent again under the same Message-ID", "queued as double"]);
    let mails = line.mail.with(|mail| mail.mails.clone());
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_eq!(line.twilio.messages().len(), 0, "delivered in time: nobody is texted instead");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_or_an_account_mail_and_calls_are_printed() {
    let world = World::with_discovery().await;
    let ladder = with_fallback("email = [\"oncall@example.com\"]\nvoice = [\"devops\"]");
    let config = Config { regions: 1, extra: ladder, ..Config::new(world.checks(), &world.stack) };
    world.stack.break_everything().await;
    let mut tocsin = world.up_with(&config).await;
    for text in [
        "e-mail to oncall@example.com",
        "call to Ada (+4915100000001)",
        "[email] is missing",
        "SMS and calls are printed",
    ] {
        tocsin.process.prints(text).await;
    }
    tocsin
        .status_until("they count as printed", |status| {
            let rows = status["notifications"].as_array().unwrap();
            ["e-mail", "call to Ada"]
                .iter()
                .all(|to| rows.iter().any(|row| row["recipient"] == *to && row["delivery"] == "printed"))
        })
        .await;
    tocsin.stop().await;
}

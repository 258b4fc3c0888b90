//! The terminal: where there are no tokens, what would have been sent is printed in full. It is a channel like the
//! others, so the same path delivers it, and the trail keeps it.

use crate::notification::{Address, Notification, Role, headline, in_full};
use crate::outbox::{Channel, DeliveryOutcome, Reconciled};
use async_trait::async_trait;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

pub struct TerminalChannel {
    out: Mutex<Box<dyn Write + Send>>,
}

impl TerminalChannel {
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out: Mutex::new(out) }
    }
}

#[async_trait]
impl Channel for TerminalChannel {
    async fn deliver(&self, notification: &Notification, _post: Option<&str>) -> DeliveryOutcome {
        let text = print(notification);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => DeliveryOutcome::Delivered { receipt: "terminal".to_owned() },
            // Nobody reads a terminal that is gone.
            Err(error) => DeliveryOutcome::Permanent { reason: format!("the terminal does not take it: {error}") },
        }
    }

    /// After a restart the screen is another one: it is printed again.
    async fn reconcile(
        &self,
        _notification: &Notification,
        _post: Option<&str>,
        _taken: &BTreeSet<String>,
    ) -> Reconciled {
        Reconciled::HasNot
    }
}

/// A notification as a person reads it. Pure.
pub fn print(notification: &Notification) -> String {
    let report = &notification.report;
    let at = notification.created_at.to_utc().map_or_else(String::new, |at| at.format("%H:%M:%S").to_string());
    let place = match (&notification.address, notification.role) {
        (Address::Slack { channel }, Role::Post) => format!("Slack {channel}"),
        (Address::Slack { channel }, Role::Edit) => format!("Slack {channel} (post updated)"),
        (Address::Slack { channel }, Role::Reply) => format!("Slack {channel} (thread)"),
        (Address::Slack { channel }, Role::Broadcast) => format!("Slack {channel} (thread, shown in channel)"),
        (other, _) => other.to_string(),
    };
    let mut text = format!("{at} ▌ {place}\n");
    let body = match (&notification.address, notification.role) {
        (Address::Sms { .. } | Address::Voice { .. }, _) => crate::sms::body(notification, false),
        (_, Role::Post) => in_full(notification),
        (_, Role::Edit) => headline(notification),
        (_, Role::Reply | Role::Broadcast) => format!("#{} {}: {}", report.number, report.title(), notification.saying),
    };
    let others = notification.others_in_a_line().filter(|_| !matches!(notification.address, Address::Sms { .. }));
    for line in body.lines().chain(others.as_deref()) {
        text.push_str("         ▌ ");
        text.extend(line.chars().map(|c| if c.is_control() { ' ' } else { c }));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::sample;

    #[test]
    fn a_post_is_printed_in_full() {
        let text = print(&sample::notification(Role::Post));
        for part in [
            "20:40:00 ▌ Slack #p1",
            "P1 #7 login-password is failing in eu-west-1",
            "error         expected 200, got 503 (http)",
            "ap-southeast-2 ok · eu-west-1 FAILING (2 in a row)",
            "runbook       https://runbooks.example/login",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_signal_counts_no_failures() {
        let text = print(&sample::signal());
        assert!(text.contains("P1 #7 SlowLogins (") && !text.contains("1 failure"), "{text}");
    }

    #[test]
    fn a_message_cannot_move_the_cursor() {
        let mut notification = sample::notification(Role::Post);
        notification.report.failure.message = "a\u{1b}[2Jb\rc".to_owned();
        assert!(!print(&notification).contains(['\u{1b}', '\r']));
    }
}

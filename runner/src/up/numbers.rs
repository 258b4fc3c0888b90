//! Telephone numbers and mail addresses are not for everybody who can read a page.

use alerting::journal::IncidentRecord;
use alerting::notification::Address;
use std::collections::BTreeSet;

/// What of a number is shown, so that its owner knows it.
const SHOWN_CHARS: usize = 2;

/// The private addresses that a record names, and takes out of texts.
pub(super) struct Private(BTreeSet<String>);

impl Private {
    pub(super) fn of(record: &IncidentRecord) -> Self {
        let addresses = record.notifications.iter().filter_map(|notification| match &notification.address {
            Address::Sms { number, .. } | Address::Voice { number, .. } => Some(number.to_string()),
            Address::Email { address, .. } => Some(address.clone()),
            Address::Slack { .. } | Address::Webhook { .. } => None,
        });
        Self(addresses.filter(|address| address.len() > SHOWN_CHARS).collect())
    }

    pub(super) fn taken_out_of(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, address| text.replace(address, &masked(address)))
    }
}

fn masked(address: &str) -> String {
    let first = address.char_indices().rev().nth(SHOWN_CHARS - 1).map_or(0, |(at, _)| at);
    match address.split_once('@') {
        Some((_, domain)) => format!("…@{domain}"),
        None => format!("…{}", &address[first..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_what_its_owner_knows_it_by() {
        let private = Private(["+4915100000001".to_owned(), "ada@example.com".to_owned()].into());
        assert_eq!(
            private.taken_out_of("SMS to Ada (+4915100000001), e-mail to ada@example.com"),
            "SMS to Ada (…01), e-mail to …@example.com"
        );
    }
}

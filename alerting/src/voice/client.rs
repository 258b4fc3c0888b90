use super::calls::{Calls, Search};
use super::script::{Callbacks, script};
use crate::notification::{Address, Notification};
use crate::outbox::{Channel, DeliveryOutcome, Fault, Reconciled};
use crate::policy::PhoneNumber;
use crate::twilio::{Account, Listing, TwilioError, created_at};
use async_trait::async_trait;
use checks::UnixMs;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Calls are looked for from this long before the attempt: Twilio counts whole seconds, and clocks differ a little. Not
/// longer, since a call of an earlier process, whose notification is not known here, must not be taken for this one.
const LOOK_BACK_MS: u64 = 5_000;

#[derive(Clone)]
pub struct VoiceSettings {
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    pub auth_token: String,
    /// One of the account's numbers, or one that it has verified.
    pub from: PhoneNumber,
    pub api_url: String,
    /// For each call of the API.
    pub timeout_ms: u64,
    /// Absent where nobody can call in.
    pub callbacks: Option<Callbacks>,
}

pub struct VoiceChannel {
    account: Account,
    from: PhoneNumber,
    callbacks: Option<Callbacks>,
    calls: Mutex<Calls>,
}

#[derive(Deserialize)]
struct ListedCall {
    sid: String,
    from: Option<String>,
    status: Option<String>,
    date_created: Option<String>,
}

impl VoiceChannel {
    pub fn new(settings: VoiceSettings) -> Result<Self, TwilioError> {
        let VoiceSettings { account_sid, auth_token, from, api_url, timeout_ms, callbacks } = settings;
        let account = Account::new(&account_sid, &auth_token, &api_url, timeout_ms)?;
        Ok(Self { account, from, callbacks, calls: Mutex::default() })
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call(&self, notification: &Notification) -> Result<String, Fault> {
        let number = number(&notification.address)?;
        let twiml = script(notification, self.callbacks.as_ref());
        let mut form = vec![("To", number.as_str()), ("From", self.from.as_str()), ("Twiml", twiml.as_str())];
        let status_url = self.callbacks.as_ref().map(|callbacks| callbacks.status_url(notification));
        if let Some(url) = &status_url {
            form.extend([
                ("StatusCallback", url.as_str()),
                ("StatusCallbackMethod", "POST"),
                ("StatusCallbackEvent", "completed"),
            ]);
        }
        self.calls().begin(&notification.id, number.as_str(), &notification.cargo(), UnixMs::now());
        let made = self.account.create("Calls", &form).await;
        match &made {
            Ok(call) => self.calls().made(&notification.id, call),
            Err(Fault::Ambiguous { .. }) => {}
            // An attempt before this one may still have been taken; that is asked before each attempt, so it was not.
            Err(Fault::Refused { .. } | Fault::Blocked { .. } | Fault::Permanent { .. }) => {
                self.calls().refused(&notification.id)
            }
        }
        made
    }

    /// Looks for a call to the number that is nobody else's.
    async fn find(&self, notification: &Notification, taken: &BTreeSet<String>) -> Result<Reconciled, Fault> {
        let number = number(&notification.address)?;
        let (began_at, is_mixed) = match self.calls().search(&notification.id) {
            Search::Since { began_at, is_mixed } => (began_at, is_mixed),
            Search::InVain { reason } => return Ok(Reconciled::CannotBeAsked { reason: reason.to_owned() }),
        };
        let listing = Listing { resource: "Calls", to: number.as_str(), oldest: began_at - LOOK_BACK_MS };
        let found = |call: &ListedCall| {
            let is_free = self.calls().is_free(&call.sid) && !taken.contains(&call.sid);
            let is_ours = call.from.as_deref() == Some(self.from.as_str()) && is_free;
            (is_ours && !call.is_given_up()).then(|| call.sid.clone())
        };
        let found = self.account.find(&listing, |call| created_at(call.date_created.as_deref()), found).await?;
        // One that is not there yet may be there when it is asked for again.
        Ok(match found {
            // It has to stay open until it is believed that no later one comes.
            Reconciled::Has { receipt } if is_mixed => Reconciled::HasEarlier { receipt },
            Reconciled::Has { receipt } => {
                self.calls().made(&notification.id, &receipt);
                Reconciled::Has { receipt }
            }
            other => other,
        })
    }
}

impl ListedCall {
    /// What never rang. A call that was not answered, or found the line busy, was made.
    fn is_given_up(&self) -> bool {
        matches!(self.status.as_deref(), Some("failed" | "canceled"))
    }
}

fn number(address: &Address) -> Result<&PhoneNumber, Fault> {
    match address {
        Address::Voice { number, .. } => Ok(number),
        _ => Err(Fault::Permanent { reason: format!("{address} is nobody to call") }),
    }
}

#[async_trait]
impl Channel for VoiceChannel {
    async fn deliver(&self, notification: &Notification, _post: Option<&str>) -> DeliveryOutcome {
        match self.call(notification).await {
            Ok(receipt) => DeliveryOutcome::Delivered { receipt },
            Err(fault) => fault.into(),
        }
    }

    async fn reconcile(
        &self,
        notification: &Notification,
        _post: Option<&str>,
        taken: &BTreeSet<String>,
    ) -> Reconciled {
        self.find(notification, taken).await.unwrap_or_else(Reconciled::from)
    }
}

impl fmt::Debug for VoiceChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VoiceChannel").field("from", &self.from).finish_non_exhaustive()
    }
}

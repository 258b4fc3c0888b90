/// How deliveries are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliverySettings {
    /// The longest wait before the second attempt; it doubles with each.
    pub retry_first_ms: u64,
    pub retry_max_ms: u64,
    /// How late a provider may take what it was sent, or show that it has: only this long after an attempt without an
    /// answer is it believed that it does not have the message. At most `retry_max_ms`.
    pub lag_ms_max: u64,
    /// After this long a row is given up, and its trail says so.
    pub give_up_after_ms: u64,
    /// How long a row belongs to a worker. Longer than any attempt: an attempt is cut at three quarters of it.
    pub lease_ms: u64,
    /// Deliveries at once to one provider.
    pub in_flight_max: usize,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            retry_first_ms: 1000,
            retry_max_ms: 60_000,
            lag_ms_max: 5_000,
            give_up_after_ms: 24 * 3600 * 1000,
            lease_ms: 60_000,
            in_flight_max: 8,
        }
    }
}

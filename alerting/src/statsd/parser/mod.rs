//! The statsd line protocol, read in place: nothing is copied and nothing allocated.
//!
//! One grammar takes the dialects that clients speak, since none of them contradicts another:
//!
//! - Etsy's of 2011: `name:1|c`, `name:1|c|@0.1`, and several values with a type each, `name:1|c:320|ms`.
//! - DogStatsD 1.0 to 1.3: tags `|#k:v,flag`, histograms `h`, distributions `d`, packed values `name:1:2:3|ms` (1.1), the
//!   container `|c:id` (1.2, ignored, as are later parts of the form `|word:...`), a timestamp `|T1656581400` (1.3), events
//!   `_e{..}` and service checks `_sc|..`.
//!
//! Lines are parted by `\n`; a `\r` before it and empty lines are passed over. A line is read on its own, and a packed
//! value on its own: what is wrong is reported with its reason ([`Invalid`]) and the rest is taken.
//!
//! Where the two dialects overlap, it is settled so: a `:` in the type or the rate begins another value of 2011; a `:` in
//! tags belongs to the tags; a `:` in the value of a set belongs to the member (DogStatsD packs no sets, and members
//! are often addresses).

mod event;
mod invalid;
mod metric;
mod number;
mod splits;

pub use event::{AlertType, Event, ServiceCheck, ServiceStatus};
pub use invalid::Invalid;
pub use metric::{Kind, Reading, Value};
pub use number::parse_number;

/// Receives what a packet holds, in its order.
pub trait Visitor {
    fn reading(&mut self, reading: Reading<'_>);
    fn event(&mut self, event: Event<'_>);
    fn service_check(&mut self, check: ServiceCheck<'_>);
    /// A line, or one value of it, that was not taken. The line is the whole line.
    fn invalid(&mut self, line: &[u8], reason: Invalid);
}

/// Reads every line of a packet.
pub fn parse_packet(packet: &[u8], visitor: &mut impl Visitor) {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', packet) {
        parse_line(&packet[start..end], visitor);
        start = end + 1;
    }
    if start < packet.len() {
        parse_line(&packet[start..], visitor);
    }
}

/// Reads one line, without its line end.
#[inline]
pub fn parse_line(line: &[u8], visitor: &mut impl Visitor) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line {
        [] => {}
        [b'_', b'e', b'{', ..] => match event::parse_event(line) {
            Ok(event) => visitor.event(event),
            Err(reason) => visitor.invalid(line, reason),
        },
        [b'_', b's', b'c', b'|', ..] => match event::parse_service_check(line) {
            Ok(check) => visitor.service_check(check),
            Err(reason) => visitor.invalid(line, reason),
        },
        _ => metric::parse_metric(line, visitor),
    }
}

#[cfg(test)]
mod tests;

//! Alerts of others: what each source sends, and what is understood.
//!
//! `payloads/NAME.json` is a body, named by its source; `payloads/NAME.expected` is what it says. `UPDATE_EXPECTED=1`
//! writes the latter anew.

mod payloads;
mod sns;

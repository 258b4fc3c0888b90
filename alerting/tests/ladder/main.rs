//! The state machine as a table: every state times every event, none left out, which the test itself checks.
//! `ladder.table` has a line for each, `state | event | decision | what is sent`; where the behaviour is meant to change,
//! the test writes the table to put there. [`lives`] tells what no single step can show.

mod life;
mod lives;
mod table;

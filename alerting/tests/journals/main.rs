//! The contract of the journal, run against every backend.

mod scene;

mod heartbeats;
mod history;
mod outbox;
mod silences;
mod sqlite_file;
mod states;
mod storms;

use alerting::journal::{Journal, MemoryJournal, SqliteJournal, SqliteSettings};
use alerting::outbox::Folding;

macro_rules! contract {
    ($backend:ident, $open:expr, $($subject:ident: [$($name:ident),* $(,)?]),* $(,)?) => {
        mod $backend {
            $($(#[tokio::test]
            async fn $name() {
                let (_folder, journal) = $open;
                crate::$subject::$name(&journal).await;
            })*)*
        }
    };
}

macro_rules! contract_for {
    ($backend:ident, $open:expr) => {
        contract!(
            $backend,
            $open,
            states: [
                states_move_by_revision,
                a_group_commits_each_check_on_its_own,
                numbers_are_given_once,
            ],
            history: [
                a_result_is_consumed_once,
                the_trail_answers,
                history_is_bounded_and_the_latest_is_known,
                checks_are_known_by_their_results,
            ],
            outbox: [
                lanes_go_in_order,
                a_lease_without_an_answer_is_uncertain,
                an_edit_that_may_be_on_its_way_is_not_superseded,
                what_follows_a_post_that_was_given_up_is_told_so,
                a_clock_that_went_back_delays_no_retry,
                undelivered_pages_of_open_incidents_are_found,
                a_page_that_the_handset_did_not_get_is_undelivered,
            ],
            silences: [silences_are_kept_until_they_are_over],
            heartbeats: [what_was_heard_last_is_kept_until_it_is_forgotten],
        );
    };
}

macro_rules! folding_contract_for {
    ($backend:ident, $open:expr) => {
        contract!(
            $backend,
            $open,
            storms: [
                a_storm_is_one_text_a_minute_and_few_posts,
                what_an_earlier_message_cannot_have_carried_leaves_again,
                a_telephone_gets_one_text_a_minute_whatever_it_says,
                what_other_messages_are_called_is_handed_over_with_a_question,
                posts_of_a_storm_are_one_that_is_edited_together,
                late_is_what_waits_longer_than_the_messages_before_it,
            ],
        );
    };
}

fn sqlite_with(folding: Folding) -> (tempfile::TempDir, SqliteJournal) {
    let folder = tempfile::tempdir().unwrap();
    let settings = SqliteSettings { folding, ..SqliteSettings::new(folder.path().join("deep/journal.db")) };
    let journal = SqliteJournal::open(settings).unwrap();
    (folder, journal)
}

contract_for!(memory, ((), crate::MemoryJournal::new().with_folding(crate::Folding::OFF)));
contract_for!(sqlite, crate::sqlite_with(crate::Folding::OFF));
folding_contract_for!(memory_in_a_storm, ((), crate::MemoryJournal::new()));
folding_contract_for!(sqlite_in_a_storm, crate::sqlite_with(crate::Folding::default()));

#[tokio::test]
async fn a_memory_journal_and_another_have_different_ids() {
    assert_ne!(MemoryJournal::new().id(), MemoryJournal::new().id());
}

//! What only a journal in a file has to answer for.

use crate::scene::{check, put};
use alerting::journal::{IncidentFilter, Journal, SqliteJournal, SqliteReader, SqliteSettings};

#[tokio::test]
async fn keeps_everything_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let login = check("login");
    let journal = SqliteJournal::open(SqliteSettings::new(&path)).unwrap();
    put(&journal, &login, 1, true).await;
    let (id, before) = (journal.id().to_owned(), journal.load(&login).await.unwrap());
    let number = journal.incidents(IncidentFilter::default()).await.unwrap()[0].number;
    drop(journal);
    let journal = SqliteJournal::open(SqliteSettings::new(&path)).unwrap();
    assert_eq!(journal.id(), id);
    assert_eq!(journal.load(&login).await.unwrap(), before);
    assert!(journal.next_incident().await.unwrap() > number, "a number is never given twice");
    let reader = SqliteReader::open(&path).unwrap();
    assert_eq!(reader.incident(number).unwrap().unwrap().report.check, login);
}

#[test]
fn is_opened_by_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let first = SqliteJournal::open(SqliteSettings::new(&path)).unwrap();
    let error = SqliteJournal::open(SqliteSettings::new(&path)).err().unwrap().to_string();
    assert!(error.contains("another Tocsin is running on it"), "{error}");
    drop(first);
    SqliteJournal::open(SqliteSettings::new(&path)).unwrap();
}

#[test]
fn refuses_what_a_newer_version_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteJournal::open(SqliteSettings::new(&path)).err().unwrap().to_string();
    assert!(error.contains("newer version of Tocsin (schema 99, this build knows 5)"), "{error}");
    let error = SqliteReader::open(&path).err().unwrap().to_string();
    assert!(error.contains("newer version"), "{error}");
}

#[test]
fn says_what_is_wrong_with_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    std::fs::write(&path, "this is no database, and long enough to be read as one; ".repeat(100)).unwrap();
    let error = SqliteJournal::open(SqliteSettings::new(&path)).err().unwrap().to_string();
    assert!(error.contains("journal.db") && error.contains("not a database"), "{error}");
}

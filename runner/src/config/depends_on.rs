use super::ListedCheck;
use super::reader::{Placed, Section};
use checks::CheckId;

/// Which checks explain the failure of another, beside what the scripts say themselves (`dependsOn`): while one of them
/// fails in the same region, the page of the other is held back and names it.
///
/// ```toml
/// [depends_on]
/// login-password = ["discovery", "login-page"]
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    pub check: ListedCheck,
    pub parents: Vec<ListedCheck>,
}

pub(super) fn read(section: Option<Section<'_>>) -> Vec<Dependency> {
    let Some(mut section) = section else { return Vec::new() };
    let reading = section.reading;
    let listed = |name: &Placed<String>| match CheckId::new(&name.value) {
        Ok(id) => Some(ListedCheck { id, place: reading.place_of(&name.at) }),
        Err(error) => {
            reading.report(&name.at, error);
            None
        }
    };
    let mut dependencies = Vec::new();
    for name in section.names() {
        let parents: Vec<ListedCheck> = section.strings(&name.value).iter().filter_map(listed).collect();
        let Some(check) = listed(&name) else { continue };
        if let Some(itself) = parents.iter().find(|parent| parent.id == check.id) {
            let at = section.value_place(&name.value);
            reading.report(&at, format_args!("`{}` cannot explain its own failure; take it out", itself.id));
        }
        dependencies.push(Dependency { check, parents });
    }
    section.finish();
    dependencies
}

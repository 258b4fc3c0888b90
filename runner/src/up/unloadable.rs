//! A script that does not load watches nothing, and somebody has to know: it is a failed run of the check that it was when
//! it last loaded ([`super::remembered`]), or of one that is named after its file where nobody has seen it load. Its class
//! is `script`, so it is posted and wakes nobody; it recovers with the first run that passes.

use alerting::Watched;
use checks::{CheckDefinition, CheckId, Failure, FailureClass, Location, Region, ScriptSource};
use probes::script::ScriptError;
use std::path::Path;

/// The check that a script would be that has never loaded. `None` where its file's name is no id.
pub(super) fn check(error: &ScriptError, regions: &[Region]) -> Option<Watched> {
    let name = Path::new(&error.file).file_name()?.to_str()?;
    let stem = name.split_once(".check.").map_or(name, |(stem, _)| stem);
    let definition = CheckDefinition {
        id: CheckId::new(stem).ok()?,
        description: "This script does not load: nothing is checked".to_owned(),
        schedule: String::new(),
        time_zone: None,
        timeout_ms: 0,
        regions: Vec::new(),
        tags: Vec::new(),
        secrets: Vec::new(),
        reach: checks::Reach::default(),
        policy: None,
        depends_on: Vec::new(),
        runbook_url: None,
        script: ScriptSource { path: error.file.clone(), hash: String::new() },
    };
    Some(Watched { definition, regions: regions.to_vec() })
}

pub(super) fn failure(error: &ScriptError) -> Failure {
    let help = error.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    Failure {
        class: FailureClass::Script,
        message: format!("{}{help}", error.message),
        step: None,
        location: error.location.map(|(line, column)| Location { file: error.file.clone(), line, column }),
        stack: String::new(),
        soft: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_is_named_after_the_file() {
        let cases = [
            ("deep/login-password.check.ts", Some("login-password")),
            ("a.check.js", Some("a")),
            ("Über.check.ts", None),
            ("", None),
        ];
        let region = Region::new("eu-west-1").unwrap();
        for (file, id) in cases {
            let error = ScriptError::new(file, "does not parse");
            let watched = check(&error, std::slice::from_ref(&region));
            assert_eq!(watched.as_ref().map(|w| w.definition.id.as_str()), id, "{file}");
        }
    }

    #[test]
    fn the_failure_says_where_what_and_how_to_mend_it_and_blames_nobody_else() {
        let mut error =
            ScriptError::new("a.check.ts", "no default export").with_help("write `export default`".to_owned());
        error.location = Some((3, 1));
        let failure = failure(&error);
        assert_eq!(failure.message, "no default export\nhelp: write `export default`");
        assert_eq!(failure.location.unwrap().to_string(), "a.check.ts:3:1");
        assert!(!failure.class.blames_target());
    }
}

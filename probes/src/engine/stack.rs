use crate::script::Module;
use checks::Location;

/// The frames of a stack that are the author's own, with paths as an author knows them; whatever the engine and the
/// library put between them is left out. Lines that are no frames (`Caused by: ...`) stay, the first, which repeats
/// the message, does not.
pub(crate) fn authors_frames(stack: &str, modules: &[Module]) -> String {
    let mut lines = Vec::new();
    for (index, line) in stack.lines().enumerate() {
        match frame(line) {
            Some(frame) => {
                if let Some(location) = authors_location(frame, modules) {
                    let function = function_name(frame);
                    lines.push(match function {
                        Some(function) => format!("    at {function} ({location})"),
                        None => format!("    at {location}"),
                    });
                }
            }
            None if index > 0 && line.starts_with("Caused by: ") => lines.push(line.to_owned()),
            None => {}
        }
    }
    lines.join("\n")
}

/// Where the author's own code was when the stack was taken.
pub(crate) fn first_location(stack: &str, modules: &[Module]) -> Option<Location> {
    stack
        .lines()
        .take_while(|line| !line.starts_with("Caused by: "))
        .filter_map(frame)
        .find_map(|frame| authors_location(frame, modules))
}

/// `    at frame`
fn frame(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("at ")
}

/// `name` of `name (place)`.
fn function_name(frame: &str) -> Option<&str> {
    let (name, _) = frame.strip_suffix(')')?.rsplit_once(" (")?;
    Some(name)
}

/// `specifier:line:column`, or the same in brackets after a name, where the specifier is one of the bundle's.
fn authors_location(frame: &str, modules: &[Module]) -> Option<Location> {
    let place = match frame.strip_suffix(')').and_then(|frame| frame.rsplit_once(" (")) {
        Some((_, place)) => place,
        None => frame.strip_prefix("async ").unwrap_or(frame),
    };
    let (place, column) = place.rsplit_once(':')?;
    let (specifier, line) = place.rsplit_once(':')?;
    let module = modules.iter().find(|module| module.specifier == specifier)?;
    Some(Location { file: module.path.clone(), line: line.parse().ok()?, column: column.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::ModuleKind;

    #[test]
    fn the_engines_frames_are_left_out() {
        let modules = ["checks/a b.check.ts", "lib/x.js"].map(|path| Module {
            specifier: format!("check:///{}", path.replace(' ', "%20")),
            path: path.to_owned(),
            kind: ModuleKind::Script,
            code: String::new(),
            source_map: None,
        });
        let stack = "Error: boom\n    at fail (check:///lib/x.js:3:7)\n    at step (ext:tocsin_library/step.js:9:1)\n    \
                     at async Object.run (check:///checks/a%20b.check.ts:12:5)\n    at check:///checks/a%20b.check.ts:1:1\n\
                     Caused by: Error: deeper\n    at deep (check:///lib/x.js:1:1)\n    at native";
        assert_eq!(
            authors_frames(stack, &modules),
            "    at fail (lib/x.js:3:7)\n    at async Object.run (checks/a b.check.ts:12:5)\n    at checks/a b.check.ts:1:1\n\
             Caused by: Error: deeper\n    at deep (lib/x.js:1:1)"
        );
        assert_eq!(first_location(stack, &modules).unwrap().to_string(), "lib/x.js:3:7");
        assert_eq!(first_location("Error: x\n    at ext:core/mod.js:1:1", &modules), None);
    }
}

/// A module of the library that a script may import.
pub(crate) struct LibraryModule {
    /// As a script writes it.
    pub name: &'static str,
    /// The module's URL inside the sandbox.
    pub url: &'static str,
    /// The script that hands over what `host.js` keeps under the module's name.
    pub handed_over: &'static str,
}

/// A new module is a line here, its exports under its name in `host.js`, and its files below `src/library`.
pub(crate) const LIBRARY: &[LibraryModule] = &[
    LibraryModule { name: "tocsin", url: "tocsin:library", handed_over: "ext:tocsin_host/library.js" },
    LibraryModule { name: "tocsin/auth", url: "tocsin:auth", handed_over: "ext:tocsin_host/auth.js" },
    LibraryModule { name: "tocsin/http", url: "tocsin:http", handed_over: "ext:tocsin_host/http.js" },
    LibraryModule { name: "tocsin/net", url: "tocsin:net", handed_over: "ext:tocsin_host/net.js" },
];

/// The names, for a person: "`tocsin` or `tocsin/net`".
pub(super) fn names() -> String {
    let names: Vec<String> = LIBRARY.iter().map(|module| format!("`{}`", module.name)).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}

//! What a process has mapped (proc_pid_maps(5)).

/// One line of `/proc/self/maps`.
#[derive(Clone, Copy)]
pub(super) struct Mapping<'a> {
    pub start: usize,
    pub end: usize,
    /// As `r-xp`.
    pub access: &'a str,
    pub path: &'a str,
}

impl<'a> Mapping<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        let access = fields.next()?;
        Some(Self { start: number(start)?, end: number(end)?, access, path: fields.nth(3).unwrap_or_default() })
    }
}

/// By their addresses.
pub(super) fn mappings(maps: &str) -> Vec<Mapping<'_>> {
    maps.lines().filter_map(Mapping::of).collect()
}

//! Prints rows as they are measured: what, the target, what was reached, and whether that meets it.

/// What a measurement is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    AtLeast(f64),
    Below(f64),
    /// Printed for comparison alone.
    Nothing,
}

impl Aim {
    fn verdict(self, measured: f64) -> &'static str {
        match self {
            Self::AtLeast(target) if measured >= target => "pass",
            Self::Below(target) if measured < target => "pass",
            Self::AtLeast(_) | Self::Below(_) => "MISS",
            Self::Nothing => "",
        }
    }
}

/// A table that is printed row by row.
#[derive(Debug)]
pub struct Table(());

impl Table {
    /// Prints the title and the conditions under which it is measured.
    pub fn new(title: &str, conditions: &str) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        println!("\n{title}\n{conditions}; {cores} cores");
        println!("  {:<52} {:>16} {:>16}", "", "measured", "target");
        Self(())
    }

    pub fn row(&self, what: &str, measured: f64, unit: &str, aim: Aim) {
        let target = match aim {
            Aim::AtLeast(target) => format!("≥ {}", number(target)),
            Aim::Below(target) => format!("< {}", number(target)),
            Aim::Nothing => String::new(),
        };
        let measured_text = format!("{} {unit}", number(measured));
        println!("  {what:<52} {measured_text:>16} {target:>16}  {}", aim.verdict(measured));
    }

    /// Says what could not be measured here.
    pub fn skipped(&self, what: &str, why: &str) {
        println!("  {what:<52} skipped: {why}");
    }
}

/// Three digits are as exact as any of this is.
fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        let cases = [
            (Aim::AtLeast(400.0), 400.0, "pass"),
            (Aim::AtLeast(400.0), 399.9, "MISS"),
            (Aim::Below(50.0), 49.9, "pass"),
            (Aim::Below(50.0), 50.0, "MISS"),
            (Aim::Nothing, 1.0, ""),
        ];
        for (aim, measured, verdict) in cases {
            assert_eq!(aim.verdict(measured), verdict, "{aim:?} {measured}");
        }
        assert_eq!([number(1234.5), number(12.345), number(0.1234)], ["1234", "12.3", "0.12"]);
    }
}

//! Numbers and tables as Markdown.

use crate::stats::Spread;

/// A table: a row of headings, and rows of as many cells.
pub(crate) struct Table {
    lines: Vec<String>,
}

impl Table {
    /// The first column is text, the others are numbers.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let alignment: Vec<&str> =
            std::iter::once("---").chain(headings.iter().skip(1).map(|_| "---:")).collect();
        Self { lines: vec![line(headings), line(&alignment)] }
    }

    pub(crate) fn row(&mut self, cells: &[String]) {
        self.lines.push(line(cells));
    }

    pub(crate) fn markdown(&self) -> String {
        self.lines.join("\n")
    }
}

fn line(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |", cells.join(" | "))
}

/// What stands where there is no number.
pub(crate) const NOTHING: &str = "–";

/// Median and, in brackets, the 10th and 90th percentile, in one unit.
pub(crate) fn spread(spread: &Spread) -> String {
    let (unit, factor) = unit(spread.median);
    let [median, p10, p90] = [spread.median, spread.p10, spread.p90].map(|time| digits(time * factor));
    if spread.n == 1 { format!("{median} {unit}") } else { format!("{median} {unit} ({p10}–{p90})") }
}

/// Median only.
pub(crate) fn time(seconds: f64) -> String {
    let (unit, factor) = unit(seconds);
    format!("{} {unit}", digits(seconds * factor))
}

/// How many times longer.
pub(crate) fn ratio(ratio: f64) -> String {
    format!("{}×", digits(ratio))
}

/// A size in kB or MB, by thousands.
pub(crate) fn size(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes < 1e6 => format!("{} kB", digits(bytes / 1e3)),
        bytes => format!("{} MB", digits(bytes / 1e6)),
    }
}

fn unit(seconds: f64) -> (&'static str, f64) {
    match seconds {
        seconds if seconds < 1e-3 => ("µs", 1e6),
        seconds if seconds < 1.0 => ("ms", 1e3),
        _ => ("s", 1.0),
    }
}

/// About three significant digits.
fn digits(number: f64) -> String {
    match number {
        number if number < 10.0 => format!("{number:.2}"),
        number if number < 100.0 => format!("{number:.1}"),
        number => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_one_unit() {
        let times = Spread { n: 9, median: 0.0014, p10: 0.000_91, p90: 0.0123 };
        assert_eq!(spread(&times), "1.40 ms (0.91–12.3)");
        assert_eq!(spread(&Spread { n: 1, ..times }), "1.40 ms");
    }

    #[test]
    fn sizes_are_by_thousands() {
        assert_eq!((size(5_400), size(11_133_565)), ("5.40 kB".to_owned(), "11.1 MB".to_owned()));
    }

    #[test]
    fn a_table_aligns_its_numbers() {
        let mut table = Table::new(&["model", "time"]);
        table.row(&["a".to_owned(), "1".to_owned()]);
        assert_eq!(table.markdown(), "| model | time |\n| --- | ---: |\n| a | 1 |");
    }
}

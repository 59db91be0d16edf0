//! The part of a document between two markers, which this program owns: `<!-- begin NAME -->` and `<!-- end NAME -->`.
//! Everything else in it belongs to people.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Replaces the part `name` of the document.
///
/// # Errors
/// If the file has no such part.
pub(crate) fn replace(document: &Path, name: &str, part: &str) -> Result<()> {
    let shown = document.display();
    let text = fs::read_to_string(document).with_context(|| format!("cannot read `{shown}`"))?;
    let text =
        replaced(&text, name, part).with_context(|| format!("`{shown}` has no markers for `{name}`"))?;
    fs::write(document, text).with_context(|| format!("cannot write `{shown}`"))
}

fn replaced(text: &str, name: &str, part: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{part}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_is_replaced() {
        let text = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n";
        assert_eq!(replaced(text, "x", "new").unwrap(), "a\n<!-- begin x -->\nnew\n<!-- end x -->\nb\n");
        assert_eq!(replaced(text, "y", "new"), None);
    }
}

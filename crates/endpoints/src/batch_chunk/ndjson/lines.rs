//! The lines of a body, each of a bounded length.

use std::io::BufRead;

use super::super::read_error;
use super::Result;

/// Lines of a reader.
pub(super) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    max_bytes: usize,
}

/// A line that is not blank.
pub(super) enum Line<'a> {
    /// Its text, without its end.
    Text(&'a [u8]),
    /// A line of more bytes than are kept.
    TooLong { found: usize },
}

impl<R: BufRead> Lines<R> {
    /// Lines of at most `max_bytes`.
    pub(super) const fn new(reader: R, max_bytes: usize) -> Self {
        Self { reader, line: Vec::new(), max_bytes }
    }

    /// The next line that is not blank; `None` after the last.
    ///
    /// # Errors
    /// If the body breaks off.
    pub(super) fn next_line(&mut self) -> Result<Option<Line<'_>>> {
        let mut n_bytes = 0;
        self.line.clear();
        loop {
            let buffer = self.reader.fill_buf().map_err(read_error)?;
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            let is_over = buffer.is_empty();
            n_bytes += part.len();
            if n_bytes <= self.max_bytes {
                self.line.extend_from_slice(part);
            }
            let n_consumed = part.len() + usize::from(end.is_some());
            self.reader.consume(n_consumed);
            if end.is_none() && !is_over {
                continue;
            }
            if n_bytes > self.max_bytes {
                return Ok(Some(Line::TooLong { found: n_bytes }));
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(Line::Text(&self.line)));
            }
            if is_over {
                return Ok(None);
            }
            n_bytes = 0;
            self.line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[Result<&str, usize>]) {
        for capacity in [1, 3, 100] {
            let reader = std::io::BufReader::with_capacity(capacity, text.as_bytes());
            let mut lines = Lines::new(reader, 4);
            let mut found = Vec::new();
            while let Some(line) = lines.next_line().unwrap() {
                found.push(match line {
                    Line::Text(text) => Ok(String::from_utf8(text.to_vec()).unwrap()),
                    Line::TooLong { found } => Err(found),
                });
            }
            let expect: Vec<Result<String, usize>> =
                expect.iter().map(|line| line.map(str::to_owned)).collect();
            assert_eq!(found, expect, "{text:?}");
        }
    }

    #[test]
    fn lines_that_are_not_blank_are_rows() {
        check("", &[]);
        check("\n \n\r\n", &[]);
        check("a\nbc", &[Ok("a"), Ok("bc")]);
        check("a\r\n\nbc\n", &[Ok("a\r"), Ok("bc")]);
    }

    #[test]
    fn long_lines_are_passed_over() {
        check("1234\n12345\n1", &[Ok("1234"), Err(5), Ok("1")]);
        check("1234567890", &[Err(10)]);
    }
}

//! How much memory chunks of any length take: what the allocator gives, and how far reading runs ahead of writing.
//!
//! Only one test may run here: the allocator counts for the whole program.

#![expect(unsafe_code, reason = "an allocator that counts")]
#![cfg(test)]

mod digits;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::{ArrayRef, Float32Array, RecordBatch};
use arrow_ipc::writer::StreamWriter;
use digits::Digits;
use endpoints::batch_chunk::{Config, Outcome, handle};
use http::Request;

/// What is in use, and the most that ever was since it was last asked.
static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

impl Counting {
    fn add(n_bytes: usize) {
        let in_use = IN_USE.fetch_add(n_bytes, Ordering::Relaxed) + n_bytes;
        PEAK.fetch_max(in_use, Ordering::Relaxed);
    }
}

// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::add(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Both may be there while one is copied to the other.
        Self::add(new_size);
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A body that is made while it is read: `head`, then `row` so many times, then `tail`.
struct Lazy {
    head: Vec<u8>,
    row: Vec<u8>,
    n_rows: usize,
    tail: Vec<u8>,
    place: usize,
    read: std::rc::Rc<Cell<usize>>,
}

impl Lazy {
    fn len(&self) -> usize {
        self.head.len() + self.n_rows * self.row.len() + self.tail.len()
    }

    fn at(&self, place: usize) -> &[u8] {
        let n_row_bytes = self.n_rows * self.row.len();
        match place.checked_sub(self.head.len()) {
            None => &self.head[place..],
            Some(place) if place < n_row_bytes => &self.row[place % self.row.len()..],
            Some(place) => &self.tail[place - n_row_bytes..],
        }
    }
}

impl Read for Lazy {
    fn read(&mut self, mut bytes: &mut [u8]) -> io::Result<usize> {
        let wanted = bytes.len();
        while !bytes.is_empty() && self.place < self.len() {
            let n_read = bytes.write(self.at(self.place))?;
            self.place += n_read;
        }
        self.read.set(self.place);
        Ok(wanted - bytes.len())
    }
}

/// A body that is counted and forgotten.
struct Forgetful {
    n_bytes: usize,
    read: std::rc::Rc<Cell<usize>>,
    /// What had been read when the first bytes came.
    first: std::rc::Rc<Cell<Option<usize>>>,
}

impl Write for Forgetful {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.first.get().is_none() {
            self.first.set(Some(self.read.get()));
        }
        self.n_bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn record_batch() -> RecordBatch {
    let column = |idx: usize| {
        let pixels = Float32Array::from_iter_values((0..5000_u16).map(|row| f32::from(row % 17)));
        (format!("pixel{idx}"), Arc::new(pixels) as ArrayRef)
    };
    RecordBatch::try_from_iter((0..64).map(column)).unwrap()
}

/// The messages of a stream: its schema, one record batch, its end.
fn arrow() -> [Vec<u8>; 3] {
    let batch = record_batch();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    let schema = writer.get_ref().len();
    writer.write(&batch).unwrap();
    let end = writer.get_ref().len();
    writer.finish().unwrap();
    let bytes = writer.into_inner().unwrap();
    [bytes[..schema].to_vec(), bytes[schema..end].to_vec(), bytes[end..].to_vec()]
}

/// The peak of memory while a chunk of about `n_bytes` is answered.
fn peak(content_type: &str, [head, row, tail]: &[Vec<u8>; 3], n_bytes: usize) -> usize {
    let read = std::rc::Rc::new(Cell::new(0));
    let first = std::rc::Rc::new(Cell::new(None));
    let body = Lazy {
        head: head.clone(),
        row: row.clone(),
        n_rows: n_bytes / row.len(),
        tail: tail.clone(),
        place: 0,
        read: read.clone(),
    };
    let length = body.len();
    let request = Request::post("/batch/digits").header("content-type", content_type).body(body).unwrap();
    let before = IN_USE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let outcome = handle(&Digits, &Config::default(), request, |head| {
        assert_eq!(head.status(), 200);
        Ok(Forgetful { n_bytes: 0, read: read.clone(), first: first.clone() })
    });
    assert_eq!(outcome, Outcome { is_whole: true, failure: None });
    assert_eq!(read.get(), length);
    assert!(first.get().unwrap() < length / 2, "{content_type}: the answer begins while the chunk is read");
    PEAK.load(Ordering::Relaxed) - before
}

#[test]
fn memory_does_not_grow_with_the_chunk() {
    let config = Config::default();
    let row = (0..64).map(|pixel| (pixel % 17).to_string()).collect::<Vec<_>>().join(",");
    let names = (0..64).map(|pixel| format!("pixel{pixel}")).collect::<Vec<_>>().join(",");
    let lines = [vec![], format!("{{\"X\":[{row}]}}\n").into_bytes(), vec![]];
    let table = [format!("{names}\n").into_bytes(), format!("{row}\n").into_bytes(), vec![]];
    let stream = arrow();
    let batch_bytes = stream[1].len();
    let bound = config.held_bytes + 2 * config.row_bytes + 16 * config.micro_batch_bytes;
    for (content_type, parts, more) in [
        ("application/x-ndjson", lines, 0),
        ("text/csv", table, 0),
        ("application/vnd.apache.arrow.stream", stream, 2 * batch_bytes),
    ] {
        let short = peak(content_type, &parts, 20 << 20);
        let long = peak(content_type, &parts, 160 << 20);
        assert!(long < bound + more, "{content_type}: {long} bytes, more than {bound} and {more}");
        assert!(
            long < short + (1 << 20),
            "{content_type}: {long} bytes for a long chunk, {short} for a short one"
        );
        #[expect(clippy::print_stdout, reason = "how near the bound is")]
        {
            println!("{content_type}: {long} of {bound} bytes");
        }
    }
}

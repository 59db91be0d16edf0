//! Lists of numbers: which elements of the innermost array each row has.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

/// The innermost array of lists, and where each row's elements begin in it.
#[derive(Debug)]
pub(crate) struct Leaves {
    pub(crate) values: ArrayRef,
    /// `Err` says what a row has instead of its elements.
    pub(crate) starts: Vec<Result<usize, String>>,
}

impl Leaves {
    /// The leaves of lists that have these sizes, outermost first; `None` if the column is not of so many lists in lists.
    pub(crate) fn new(column: &ArrayRef, sizes: &[usize]) -> Option<Self> {
        let mut leaves = Self { values: column.clone(), starts: (0..column.len()).map(Ok).collect() };
        let mut n_lists = 1_usize;
        for &size in sizes {
            leaves = leaves.enter(n_lists, size)?;
            n_lists = n_lists.checked_mul(size)?;
        }
        Some(leaves)
    }

    /// One level further in, where each row has `n_lists` lists, one after the other.
    fn enter(self, n_lists: usize, size: usize) -> Option<Self> {
        let lists = Lists::new(&self.values)?;
        let starts = self.starts.into_iter().map(|start| {
            let start = start?;
            (start..start + n_lists).try_for_each(|list| lists.check(list, size))?;
            Ok(lists.start(start))
        });
        let starts = starts.collect();
        Some(Self { values: lists.values(), starts })
    }

    /// Where the elements of all rows begin, if these follow each other, `row_len` elements each.
    pub(crate) fn contiguous(&self, row_len: usize) -> Option<usize> {
        let first = self.starts.first()?.as_ref().ok()?;
        let follows = |(row, start): (usize, &Result<usize, String>)| {
            start.as_ref().is_ok_and(|start| *start == first + row * row_len)
        };
        self.starts.iter().enumerate().all(follows).then_some(*first)
    }
}

/// An array of lists of any kind.
struct Lists<'a> {
    array: &'a ArrayRef,
    offset: Offset<'a>,
}

enum Offset<'a> {
    Small(&'a [i32]),
    Large(&'a [i64]),
    Fixed(usize),
}

impl<'a> Lists<'a> {
    fn new(array: &'a ArrayRef) -> Option<Self> {
        let offset = match array.data_type() {
            DataType::List(_) => Offset::Small(array.as_list_opt::<i32>()?.value_offsets()),
            DataType::LargeList(_) => Offset::Large(array.as_list_opt::<i64>()?.value_offsets()),
            DataType::FixedSizeList(_, size) => Offset::Fixed(usize::try_from(*size).ok()?),
            _ => return None,
        };
        Some(Self { array, offset })
    }

    fn values(&self) -> ArrayRef {
        let array = self.array;
        let fixed = || array.as_fixed_size_list_opt().map(|lists| lists.values());
        let values = match self.offset {
            Offset::Small(_) => array.as_list_opt::<i32>().map(|lists| lists.values()),
            Offset::Large(_) => array.as_list_opt::<i64>().map(|lists| lists.values()),
            Offset::Fixed(_) => fixed(),
        };
        values.unwrap_or(array).clone()
    }

    /// Where a list begins; where the one before it ends.
    fn start(&self, list: usize) -> usize {
        let offset = match &self.offset {
            Offset::Small(offsets) => offsets.get(list).and_then(|&offset| usize::try_from(offset).ok()),
            Offset::Large(offsets) => offsets.get(list).and_then(|&offset| usize::try_from(offset).ok()),
            Offset::Fixed(size) => list.checked_mul(*size),
        };
        offset.unwrap_or(usize::MAX)
    }

    /// Checks that a list is there and has that size.
    fn check(&self, list: usize, size: usize) -> Result<(), String> {
        if list >= self.array.len() || self.array.is_null(list) {
            return Err("null".to_owned());
        }
        match self.start(list + 1).saturating_sub(self.start(list)) {
            found if found == size => Ok(()),
            found => Err(format!("a list of `{found}`")),
        }
    }
}

//! Rows whose key an earlier row of the same client has.

use super::{Client, Key};
use crate::Error;

/// What becomes of a row whose key an earlier row of the same client has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuplicateKeys {
    /// It is an error.
    #[default]
    Error,
    /// It is answered as any other row, under the same key.
    Allow,
    /// It is left out: it does not reach the model, and only the first row with the key is answered.
    First,
}

impl DuplicateKeys {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Error, Self::Allow, Self::First];

    /// The name on the wire, such as `first`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Allow => "allow",
            Self::First => "first",
        }
    }

    /// The policy of that name on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

/// A row by what is to be different: the order of the fields is that of comparison.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named<'keys, 'a> {
    pub(super) client: Option<&'keys Client<'a>>,
    pub(super) key: &'keys Key<'a>,
    pub(super) row: usize,
}

impl Named<'_, '_> {
    fn has_name_of(&self, other: &Self) -> bool {
        (self.client, self.key) == (other.client, other.key)
    }
}

/// A row whose name an earlier row has.
pub(super) struct Repeat<'keys, 'a> {
    named: Named<'keys, 'a>,
    first_row: usize,
    pub(super) row: usize,
}

impl Repeat<'_, '_> {
    pub(super) fn to_error(&self) -> Error {
        Error::DuplicateKey {
            client: self.named.client.cloned().map(Client::into_owned),
            key: self.named.key.clone().into_owned(),
            first_row: self.first_row,
            row: self.row,
        }
    }
}

/// The rows whose name an earlier row has, ascending.
pub(super) fn repeats<'keys, 'a>(
    rows: impl Iterator<Item = Named<'keys, 'a>> + Clone,
) -> Vec<Repeat<'keys, 'a>> {
    // Keys that count upwards, as most do, need no room and no sorting.
    let is_ascending =
        |named: &Named<'_, '_>, next: &Named<'_, '_>| (named.client, named.key) < (next.client, next.key);
    if rows.clone().is_sorted_by(is_ascending) {
        return Vec::new();
    }
    let mut sorted: Vec<Named<'keys, 'a>> = rows.collect();
    sorted.sort_unstable();
    let mut repeats = Vec::new();
    for same_name in sorted.chunk_by(Named::has_name_of) {
        let Some((first, later)) = same_name.split_first() else { continue };
        repeats.extend(later.iter().map(|&named| Repeat { named, first_row: first.row, row: named.row }));
    }
    repeats.sort_unstable_by_key(|repeat| repeat.row);
    repeats
}

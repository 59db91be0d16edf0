//! The rules for keys and clients, one by one.

use proptest::prelude::*;

use super::*;
use crate::{Datatype, Tensor, encode_bytes_element};

fn text(text: &str) -> Key<'_> {
    Key::Text(Cow::Borrowed(text))
}

fn client(name: &str) -> Client<'_> {
    Client::new(name).unwrap()
}

fn bytes_tensor(shape: &[u64], elements: &[&[u8]]) -> Tensor {
    let mut data = Vec::new();
    for element in elements {
        encode_bytes_element(&mut data, element);
    }
    Tensor::new(KEY, Datatype::Bytes, shape.to_vec(), data).unwrap()
}

#[track_caller]
fn check_tensor(tensor: &Tensor, expect: Result<Vec<Key<'_>>>) {
    assert_eq!(read_keys(tensor, &[]).map(|(keys, _)| keys.values().to_vec()), expect);
}

fn row_keys(keys: &[Option<Key<'static>>]) -> Keys<'static> {
    let n_rows = keys.len();
    Keys::new(keys.iter().cloned().collect(), PerRow::none(n_rows), n_rows as u64).unwrap()
}

/// Rows as `client/key`, where either may be missing.
fn named(rows: &[&'static str]) -> Keys<'static> {
    let parts = || rows.iter().map(|row| row.split_once('/').unwrap());
    let keys = parts().map(|(_, key)| Some(key).filter(|key| !key.is_empty()).map(text)).collect();
    Keys::new(keys, parts().map(|(name, _)| Client::new(name)).collect(), rows.len() as u64).unwrap()
}

#[track_caller]
fn check_errors(keys: &Keys<'_>, duplicates: DuplicateKeys, expect: &[Error]) {
    let (rows, errors): (Vec<usize>, Vec<Error>) = keys.errors(duplicates).unzip();
    assert_eq!(errors, expect);
    let row = |error: &Error| match error {
        Error::MissingKey { row }
        | Error::MissingClient { row }
        | Error::ClientWithoutKey { row }
        | Error::DuplicateKey { row, .. } => *row,
        other => panic!("{other}"),
    };
    assert!(rows.into_iter().eq(errors.iter().map(row)));
}

fn duplicate(client: Option<Client<'static>>, key: &'static str, first_row: usize, row: usize) -> Error {
    Error::DuplicateKey { client, key: text(key), first_row, row }
}

#[test]
fn all_rows_have_a_key_or_none_has() {
    let check = |keys: &[Option<Key<'static>>], expect: &[usize]| {
        let missing: Vec<Error> = expect.iter().map(|&row| Error::MissingKey { row }).collect();
        check_errors(&row_keys(keys), DuplicateKeys::Error, &missing);
    };
    check(&[None, None], &[]);
    check(&[], &[]);
    check(&[Some(text("a")), None, None], &[1, 2]);
    check(&[None, Some(text("a"))], &[0]);
    check(&[Some(text("5")), Some(Key::Integer(5)), Some(text(""))], &[]);
}

#[test]
fn all_rows_have_a_client_or_none_has() {
    check_errors(&named(&["c/a", "d/a"]), DuplicateKeys::Error, &[]);
    check_errors(&named(&["/a", "/b"]), DuplicateKeys::Error, &[]);
    let expect =
        [Error::MissingClient { row: 1 }, Error::MissingKey { row: 2 }, Error::MissingKey { row: 3 }];
    check_errors(&named(&["c/a", "/a", "c/", "/"]), DuplicateKeys::Error, &expect);
}

#[test]
fn a_client_needs_a_key() {
    let expect = [Error::ClientWithoutKey { row: 0 }, Error::MissingClient { row: 1 }];
    check_errors(&named(&["c/", "/"]), DuplicateKeys::Error, &expect);
    assert_eq!(Client::new(""), None);
}

#[test]
fn rows_that_repeat_a_key_are_errors_or_answered_or_left_out() {
    let keys: Vec<_> = ["b", "a", "b", "a", "b"].into_iter().map(|key| Some(text(key))).collect();
    let keys = row_keys(&keys);
    let expect = [duplicate(None, "b", 0, 2), duplicate(None, "a", 1, 3), duplicate(None, "b", 0, 4)];
    check_errors(&keys, DuplicateKeys::Error, &expect);
    for duplicates in [DuplicateKeys::Allow, DuplicateKeys::First] {
        check_errors(&keys, duplicates, &[]);
    }
    assert!(keys.left_out(DuplicateKeys::Error).is_empty());
    assert!(keys.left_out(DuplicateKeys::Allow).is_empty());
    assert_eq!(keys.left_out(DuplicateKeys::First), [2, 3, 4]);
}

#[test]
fn keys_of_different_clients_are_different() {
    let keys = named(&["d/a", "c/a", "c/b", "d/a", "c/a"]);
    let expect = [duplicate(Some(client("d")), "a", 0, 3), duplicate(Some(client("c")), "a", 1, 4)];
    check_errors(&keys, DuplicateKeys::Error, &expect);
    assert_eq!(keys.left_out(DuplicateKeys::First), [3, 4]);
    let text = "expected different keys of client `d`, found `a` on rows `0` and `3`";
    assert_eq!(expect[0].to_string(), text);
}

#[test]
fn there_are_as_many_names_as_rows() {
    let keys = || [Some(text("a"))].into_iter().collect();
    let expect = Error::KeyCount { expected: 3, found: 1 };
    assert_eq!(Keys::new(keys(), PerRow::none(3), 3), Err(expect));
    let expect = Error::ClientCount { expected: 1, found: 0 };
    assert_eq!(Keys::new(keys(), PerRow::none(0), 1), Err(expect));
}

#[test]
fn rows_without_a_key_get_a_new_one() {
    let new_keys: NewKeys = |n_keys| (0..n_keys).map(|idx| format!("new {idx}")).collect();
    let keys = with_new_keys([None, Some(text("a")), None].into_iter().collect(), new_keys);
    assert_eq!(keys.values(), [text("new 0"), text("a"), text("new 1")]);
}

#[test]
fn policies_have_names() {
    for policy in DuplicateKeys::ALL {
        assert_eq!(DuplicateKeys::from_name(policy.name()), Some(policy));
    }
    assert_eq!(DuplicateKeys::from_name("last"), None);
    assert_eq!(DuplicateKeys::default(), DuplicateKeys::Error);
}

#[test]
fn reads_strings() {
    check_tensor(&bytes_tensor(&[2], &[b"a", b""]), Ok(vec![text("a"), text("")]));
    check_tensor(&bytes_tensor(&[2, 1], &[b"a", b"b"]), Ok(vec![text("a"), text("b")]));
    check_tensor(&bytes_tensor(&[0], &[]), Ok(vec![]));
}

#[test]
fn reads_integers_of_every_type() {
    for datatype in Datatype::ALL.into_iter().filter(|datatype| datatype.is_integer()) {
        let data = vec![0xff; datatype.element_size().unwrap()];
        let bits = 8 * u32::try_from(data.len()).unwrap();
        let expect = if datatype.name().starts_with('U') { (1_i128 << bits) - 1 } else { -1 };
        let tensor = Tensor::new(KEY, datatype, vec![1], data).unwrap();
        check_tensor(&tensor, Ok(vec![Key::Integer(expect)]));
    }
}

#[test]
fn rejects_other_datatypes() {
    for datatype in [Datatype::Bool, Datatype::Fp16, Datatype::Fp32, Datatype::Fp64] {
        let data = vec![0; datatype.element_size().unwrap()];
        let tensor = Tensor::new(KEY, datatype, vec![1], data).unwrap();
        check_tensor(&tensor, Err(Error::KeyDatatype { found: datatype }));
    }
    let integer = Tensor::new(CLIENT, Datatype::Int8, vec![1], vec![7]).unwrap();
    let expect = Err(Error::ClientDatatype { found: Datatype::Int8 });
    assert_eq!(read_clients(&integer, &[]).map(|_| ()), expect);
}

#[test]
fn rejects_more_than_one_name_per_row() {
    check_tensor(&bytes_tensor(&[1, 2], &[b"a", b"b"]), Err(Error::KeyShape { found: vec![1, 2] }));
    check_tensor(&bytes_tensor(&[], &[b"a"]), Err(Error::KeyShape { found: vec![] }));
    let clients = bytes_tensor(&[1, 2], &[b"a", b"b"]);
    let expect = Err(Error::ClientShape { found: vec![1, 2] });
    assert_eq!(read_clients(&clients, &[]).map(|_| ()), expect);
}

#[test]
fn rows_that_name_nothing_are_told() {
    let tensor = bytes_tensor(&[3], &[b"a", b"\xff", b""]);
    let (keys, errors) = read_keys(&tensor, &[0, 3, 5]).unwrap();
    assert_eq!(errors, [(2, Error::KeyNotUtf8 { row: 2 })]);
    assert!(keys.iter().eq([(1, &text("a")), (4, &text(""))]));
    let (clients, errors) = read_clients(&tensor, &[3]).unwrap();
    assert_eq!(errors, [1, 2].map(|row| (row, Error::ClientNotText { row })));
    assert!(clients.iter().eq([(0, &client("a"))]));
    assert_eq!((keys.n_rows(), clients.n_rows()), (6, 4));
}

proptest! {
    #[test]
    fn duplicates_are_found_as_by_comparing_all_pairs(
        names in prop::collection::vec((0..4_u8, 0..8_i128), 0..12),
        has_clients: bool,
    ) {
        let names: Vec<_> =
            names.into_iter().map(|(name, key)| (if has_clients { name } else { 0 }, key)).collect();
        let expect: Vec<(usize, usize)> = (0..names.len())
            .filter_map(|row| Some((names[..row].iter().position(|name| *name == names[row])?, row)))
            .collect();
        let found = |error| match error {
            Error::DuplicateKey { first_row, row, .. } => Some((first_row, row)),
            _ => None,
        };
        let keys = names.iter().map(|(_, key)| Some(Key::Integer(*key))).collect();
        let clients =
            names.iter().map(|(name, _)| Client::new(name.to_string()).filter(|_| has_clients)).collect();
        let keys = Keys::new(keys, clients, names.len() as u64).unwrap();
        let all = keys.errors(DuplicateKeys::Error).filter_map(|(_, error)| found(error));
        prop_assert_eq!(all.collect::<Vec<_>>(), expect);
    }
}

//! What is kept of a module, and where it is then.

#![cfg(test)]

mod fixture;

use fixture::{
    HEAP, LINKED_TABLE, OTHER_VTABLE, POINTED, STACK_END, TEXT, UNUSED, VTABLE, foreign_snapshot, linked,
    snapshot,
};
use tree_shaking::{Cause, Error, Shaken, shake, with_table_at, without_names, without_relocations};
use wasmparser::{DataKind, ElementItems, ElementKind, Operator, Parser, Payload, Validator};

/// A table index that no word of the fixture is.
const FAR: u32 = 5_000;

/// Shakes a snapshot of the module whose table is at `first`.
fn shaken(first: u32, heap: &[u32]) -> Shaken {
    let shaken = shake(&with_table_at(&linked(), first).unwrap(), &snapshot(first, heap)).unwrap();
    Validator::new().validate_all(&shaken.module).unwrap();
    shaken
}

#[test]
fn only_what_is_called_is_kept() {
    let shaken = shaken(FAR, &[VTABLE]);
    assert_eq!(shaken.n_functions, 5);
    // `run`, the constructors that it would call, and the method.
    let expect = [(Cause::Export, 1), (Cause::Call, 1), (Cause::Vtable, 1)];
    assert_eq!(shaken.n_kept, expect.into_iter().collect());
    assert_eq!(table(&shaken.module), [(FAR, vec![1])], "the other method's entry is empty");
}

#[test]
fn without_an_object_no_method_is_kept() {
    let shaken = shaken(FAR, &[]);
    assert_eq!(shaken.n_kept, [(Cause::Export, 1), (Cause::Call, 1)].into_iter().collect());
    assert_eq!(table(&shaken.module), []);
}

#[test]
fn a_table_index_in_memory_keeps_its_function() {
    let kept = shaken(FAR, &[VTABLE, FAR + 2]);
    assert_eq!(kept.n_kept.get(&Cause::Memory), Some(&1));
    assert_eq!(table(&kept.module).len(), 2);
}

#[test]
fn small_numbers_look_like_the_indices_that_a_linker_gives() {
    let small = LINKED_TABLE + 2;
    assert_eq!(shaken(LINKED_TABLE, &[VTABLE, small]).n_kept.get(&Cause::Memory), Some(&1));
    assert_eq!(shaken(FAR, &[VTABLE, small]).n_kept.get(&Cause::Memory), None);
}

#[test]
fn an_address_within_a_vtable_keeps_all_its_methods() {
    let shaken = shaken(FAR, &[VTABLE + 4]);
    assert_eq!(table(&shaken.module), [(FAR, vec![1, 2])]);
}

#[test]
fn a_vtable_that_was_written_to_keeps_all_its_methods() {
    let linked = with_table_at(&linked(), FAR).unwrap();
    let mut snapshot = snapshot(FAR, &[VTABLE]);
    let size_and_alignment = [4, 0, 0, 0, 4, 0, 0, 0];
    let place = snapshot.windows(8).position(|bytes| bytes == size_and_alignment).unwrap();
    snapshot[place] = 12;
    assert_eq!(table(&shake(&linked, &snapshot).unwrap().module), [(FAR, vec![1, 2])]);
}

#[test]
fn data_is_kept_where_it_was_if_something_refers_to_it() {
    let heap = [VTABLE, POINTED + 3];
    let memory = memory(&shaken(FAR, &heap).module);
    let at = |address: u32| &memory[address as usize..address as usize + 4];
    assert_eq!(at(TEXT), b"Atxt");
    assert_eq!(at(POINTED), b"pppp");
    assert_eq!(at(HEAP), VTABLE.to_le_bytes());
    assert_eq!(at(VTABLE + 12), FAR.to_le_bytes());
    for gone in [UNUSED, OTHER_VTABLE + 4, OTHER_VTABLE + 12, 8] {
        assert_eq!(at(gone), [0; 4], "{gone}");
    }
    assert!(memory[..STACK_END as usize].iter().all(|byte| *byte == 0));
}

#[test]
fn the_same_snapshot_gives_the_same_bytes() {
    assert!(shaken(FAR, &[VTABLE]) == shaken(FAR, &[VTABLE]));
}

#[test]
fn names_are_not_needed() {
    let bare = without_names(&linked()).unwrap();
    let of_bare = shake(&with_table_at(&bare, FAR).unwrap(), &snapshot(FAR, &[VTABLE])).unwrap();
    assert!(of_bare == shaken(FAR, &[VTABLE]));
    let contains = |name: &[u8]| bare.windows(name.len()).any(|bytes| bytes == name);
    assert!(!contains(b"other") && contains(b"__stack_pointer"));
}

#[test]
fn a_module_without_relocations_is_refused() {
    let bare = without_relocations(&linked()).unwrap();
    assert!(Parser::new(0).parse_all(&bare).all(|part| !matches!(part, Ok(Payload::CustomSection(_)))));
    let error = shake(&bare, &snapshot(LINKED_TABLE, &[])).unwrap_err();
    assert!(matches!(error, Error::NotRelocatable("linking")), "{error}");
    assert!(matches!(with_table_at(&bare, FAR), Err(Error::NotRelocatable("linking"))));
}

#[test]
fn a_snapshot_of_another_module_is_refused() {
    let error = shake(&linked(), &foreign_snapshot()).unwrap_err();
    assert!(matches!(error, Error::Foreign("functions")), "{error}");
    let error = shake(&linked(), &snapshot(FAR, &[])).unwrap_err();
    assert!(matches!(error, Error::Foreign("tables")), "{error}");
}

#[test]
fn what_is_no_module_is_refused() {
    assert!(matches!(shake(b"\0asm", &linked()), Err(Error::Malformed(_))));
    assert!(matches!(without_names(b"no module"), Err(Error::Malformed(_))));
}

/// The runs of the table, by where each begins. Functions keep their order: `run` is 0, and its methods follow.
fn table(module: &[u8]) -> Vec<(u32, Vec<u32>)> {
    let mut runs = Vec::new();
    for part in Parser::new(0).parse_all(module) {
        if let Payload::ElementSection(elements) = part.unwrap() {
            for element in elements {
                let element = element.unwrap();
                let (ElementKind::Active { offset_expr, .. }, ElementItems::Functions(functions)) =
                    (element.kind, element.items)
                else {
                    panic!("an element of another kind");
                };
                runs.push((constant(&offset_expr), functions.into_iter().map(Result::unwrap).collect()));
            }
        }
    }
    runs
}

/// The memory that the module begins with.
fn memory(module: &[u8]) -> Vec<u8> {
    let mut memory = vec![0; 1 << 16];
    for part in Parser::new(0).parse_all(module) {
        if let Payload::DataSection(segments) = part.unwrap() {
            for segment in segments {
                let segment = segment.unwrap();
                let DataKind::Active { offset_expr, .. } = segment.kind else { panic!("a passive segment") };
                let start = constant(&offset_expr) as usize;
                memory[start..start + segment.data.len()].copy_from_slice(segment.data);
            }
        }
    }
    memory
}

fn constant(expression: &wasmparser::ConstExpr<'_>) -> u32 {
    match expression.get_operators_reader().read().unwrap() {
        Operator::I32Const { value } => value.cast_unsigned(),
        other => panic!("{other:?} is no constant"),
    }
}

//! What a stripped module does when it is run: the same as before, and a trap where something was stripped away.

#![cfg(test)]

use tree_shaking::{shake, with_table_at};
use wasmtime::{Engine, Instance, Module, Store, Trap, TypedFunc};

#[expect(dead_code, reason = "the tests of that crate use the rest")]
#[path = "../../tree-shaking/tests/fixture/mod.rs"]
mod fixture;

use fixture::{HEAP, VTABLE, linked, snapshot};

const FIRST_TABLE_INDEX: u32 = 5_000;

/// Runs the module after `word` was written to where the object lies.
fn run(module: &[u8], word: u32) -> wasmtime::Result<i32> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, module)?, &[])?;
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    memory.write(&mut store, HEAP as usize, &word.to_le_bytes())?;
    let run: TypedFunc<(), i32> = instance.get_typed_func(&mut store, "run")?;
    run.call(&mut store, ())
}

fn stripped() -> (Vec<u8>, Vec<u8>) {
    let linked = with_table_at(&linked(), FIRST_TABLE_INDEX).unwrap();
    let snapshot = snapshot(FIRST_TABLE_INDEX, &[VTABLE]);
    let stripped = shake(&linked, &snapshot).unwrap().module;
    (snapshot, stripped)
}

#[test]
fn it_answers_as_before() {
    let (snapshot, stripped) = stripped();
    let answer = i32::from(b'A') + 1;
    assert_eq!(run(&snapshot, VTABLE).unwrap(), answer);
    assert_eq!(run(&stripped, VTABLE).unwrap(), answer);
}

#[test]
fn a_stripped_function_is_a_trap_never_a_number() {
    let (snapshot, stripped) = stripped();
    // One word further, the other method lies where the first one is looked for.
    let other_method = VTABLE + 4;
    assert_eq!(run(&snapshot, other_method).unwrap(), i32::from(b'A') + 2);
    let error = run(&stripped, other_method).unwrap_err();
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::IndirectCallToNull));
}

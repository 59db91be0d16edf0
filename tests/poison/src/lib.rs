//! A model that answers with what it is given, `x` FP32 [-1, 1] as `y`, but for values that make it fail, each in its own way. It shows
//! what a batch job does with a model that misbehaves; nothing else is to be learnt from it.

mod bindings;

use std::hint::black_box;

use bindings::exports::plinth::model::inference::{
    Datatype, Error, Guest, ModelMetadata, Tensor, TensorSpec,
};

/// Stops at once.
const TRAP: f32 = 1001.0;
/// Never ends.
const LOOP: f32 = 1002.0;
/// Takes all memory that there is.
const MEMORY: f32 = 1003.0;
/// Says that the caller is wrong.
const REFUSE: f32 = 1004.0;
/// Says that it has failed itself.
const FAIL: f32 = 1005.0;
/// Leaves out the last row.
const FORGET: f32 = 1006.0;

struct Poison;

impl Guest for Poison {
    fn metadata() -> ModelMetadata {
        let spec =
            |name: &str| TensorSpec { name: name.to_owned(), datatype: Datatype::Fp32, shape: vec![-1, 1] };
        ModelMetadata {
            name: "poison".to_owned(),
            version: "1".to_owned(),
            platform: "poison".to_owned(),
            inputs: vec![spec("x")],
            outputs: vec![spec("y")],
            properties: Vec::new(),
        }
    }

    fn infer(inputs: Vec<Tensor>, _outputs: Vec<String>) -> Result<Vec<Tensor>, Error> {
        let x = inputs.into_iter().next().ok_or_else(|| Error::InvalidInput("no tensor".to_owned()))?;
        let mut n_rows = x.data.len() / 4;
        for value in
            x.data.chunks_exact(4).filter_map(|bytes| Some(f32::from_le_bytes(bytes.try_into().ok()?)))
        {
            match value {
                TRAP => std::process::abort(),
                LOOP => compute_for_ever(),
                MEMORY => allocate_for_ever(),
                REFUSE => return Err(Error::InvalidInput(format!("{value} is refused"))),
                FAIL => return Err(Error::Failed(format!("{value} is too much"))),
                FORGET => n_rows -= 1,
                _ => {}
            }
        }
        let data = x.data.get(..n_rows * 4).unwrap_or_default().to_vec();
        Ok(vec![Tensor {
            name: "y".to_owned(),
            datatype: Datatype::Fp32,
            shape: vec![n_rows as u64, 1],
            data,
        }])
    }
}

fn compute_for_ever() -> ! {
    let mut turn = 0_u64;
    loop {
        turn = black_box(turn.wrapping_add(1));
    }
}

fn allocate_for_ever() -> ! {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        kept.push(black_box(vec![1; 1 << 20]));
    }
}

#[expect(unsafe_code, unreachable_pub, reason = "generated code")]
mod exported {
    use crate::{Poison, bindings};

    bindings::export!(Poison with_types_in bindings);
}

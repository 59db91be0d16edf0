//! `Div`, `Mod` and `BitShift` of whole numbers that are in no file. tract panics if a divisor is zero, or minus one under the least number,
//! which would end the instance, and the zeros of the warm-up would do so while packing; its shifts wrap around at the width of the type, and it takes
//! numbers that are cast to INT64 for sizes, which are not negative. Here
//! a division by zero is an error, and what overflows wraps, as in ONNX Runtime.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{ArrayViewD, Zip};
use tract_onnx::tract_core::broadcast::multi_broadcast;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cast::wire_cast;
use tract_onnx::tract_core::ops::change_axes::wire_rank_broadcast;
use tract_onnx::tract_core::ops::math::{Div, Rem, ShiftLeft, ShiftRight};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::binary::InferenceBinOp;
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{Kernel, Port, input, wire_computed};

/// What is done to two whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Calculation {
    Quotient,
    /// With the sign of the divisor.
    Modulus,
    /// With the sign of the dividend.
    Remainder,
    ShiftLeft,
    ShiftRight,
}

/// The calculation, done by tract's operator where that is safe.
#[derive(Debug, Clone)]
struct Pairwise {
    calculation: Calculation,
    tract: Box<dyn Expansion>,
}

fn boxed(calculation: Calculation, tract: Box<dyn Expansion>) -> (Box<dyn InferenceOp>, Vec<String>) {
    (expand(Pairwise { calculation, tract }), Vec::new())
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Div`, version 14.
pub(crate) fn divide(
    _context: &ParsingContext<'_>,
    _node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok(boxed(Calculation::Quotient, Box::new(InferenceBinOp(Box::new(Div)))))
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `Mod`, version 13.
pub(crate) fn modulus(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    if node.get_attr_opt::<i64>("fmod")? == Some(1) {
        return Ok(boxed(Calculation::Remainder, Box::new(InferenceBinOp(Box::new(Rem)))));
    }
    Ok(boxed(Calculation::Modulus, crate::tracts(context, node)?))
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `BitShift`, version 28.
pub(crate) fn bit_shift(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok(match node.get_attr::<&str>("direction")? {
        "LEFT" => boxed(Calculation::ShiftLeft, Box::new(InferenceBinOp(Box::new(ShiftLeft)))),
        "RIGHT" => boxed(Calculation::ShiftRight, Box::new(InferenceBinOp(Box::new(ShiftRight)))),
        other => bail!("BitShift: the direction `{other}` is neither LEFT nor RIGHT"),
    })
}

impl Pairwise {
    /// Whether tract's operator can be asked: of other types, or with numbers in the file that it divides by without harm.
    fn is_tracts(&self, left: &TypedFact, right: &TypedFact) -> TractResult<bool> {
        let is_symbolic = |fact: &TypedFact| fact.datum_type.is_tdim();
        let is_whole = |fact: &TypedFact| fact.datum_type.is_integer() || is_symbolic(fact);
        if !is_whole(left) || !is_whole(right) {
            return Ok(true);
        }
        if is_symbolic(left) || is_symbolic(right) {
            // Sizes stay symbols. Other numbers do not: a symbol is never less than zero.
            return Ok(left.konst.is_some() && right.konst.is_some());
        }
        let Some(konst) = &right.konst else { return Ok(false) };
        let divisors = konst.cast_to::<i64>()?;
        let is_quotient = self.calculation == Calculation::Quotient;
        Ok(is_quotient && divisors.to_plain_array_view::<i64>()?.iter().all(|&by| by != 0 && by != -1))
    }
}

impl Expansion for Pairwise {
    fn name(&self) -> StaticName {
        self.tract.name()
    }

    fn validation(&self) -> Validation {
        self.tract.validation()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        self.tract.rules(solver, inputs, outputs)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let left = model.outlet_fact(*input(inputs, 0)?)?.clone();
        let right = model.outlet_fact(*input(inputs, 1)?)?.clone();
        if self.is_tracts(&left, &right)? {
            return self.tract.wire(prefix, model, inputs);
        }
        let common = left.datum_type.common_super_type(right.datum_type);
        let common = common.context("numbers of types that have one in common")?;
        let inputs = wire_rank_broadcast(prefix, model, inputs)?;
        if common.is_tdim() {
            let inputs = wire_cast(prefix, model, &inputs, DatumType::I64)?;
            let found = wire_computed(self.calculation, &format!("{prefix}.numbers"), model, &inputs)?;
            return wire_cast(prefix, model, &found, DatumType::TDim);
        }
        let inputs = wire_cast(prefix, model, &inputs, common)?;
        wire_computed(self.calculation, prefix, model, &inputs)
    }
}

impl Kernel for Calculation {
    fn name(&self) -> &'static str {
        match self {
            Self::Quotient => "Div",
            Self::Modulus | Self::Remainder => "Mod",
            Self::ShiftLeft | Self::ShiftRight => "BitShift",
        }
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, _) = input(inputs, 0)?;
        let shapes: TVec<&TVec<TDim>> = inputs.iter().map(|(_, shape)| shape).collect();
        Ok(tvec![(*datum_type, multi_broadcast(&shapes)?)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let (left, right) = (input(inputs, 0)?, input(inputs, 1)?);
        Ok(tvec![match left.datum_type() {
            DatumType::I8 => each::<i8>(left, right, *self)?,
            DatumType::I16 => each::<i16>(left, right, *self)?,
            DatumType::I32 => each::<i32>(left, right, *self)?,
            DatumType::I64 => each::<i64>(left, right, *self)?,
            DatumType::U8 => each::<u8>(left, right, *self)?,
            DatumType::U16 => each::<u16>(left, right, *self)?,
            DatumType::U32 => each::<u32>(left, right, *self)?,
            DatumType::U64 => each::<u64>(left, right, *self)?,
            other => bail!("{other:?} is no type of whole numbers"),
        }])
    }
}

/// A type of whole numbers.
trait Whole: Datum + Copy {
    fn quotient(self, by: Self) -> Option<Self>;
    fn modulus(self, by: Self) -> Option<Self>;
    fn remainder(self, by: Self) -> Option<Self>;
    /// Zero, or the sign bit in all places if it goes right.
    fn shifted_left(self, by: Self) -> Self;
    fn shifted_right(self, by: Self) -> Self;
}

macro_rules! whole {
    ($($type:ty: $modulus:expr),*) => {$(
        impl Whole for $type {
            fn quotient(self, by: Self) -> Option<Self> {
                (by != 0).then(|| self.wrapping_div(by))
            }

            fn modulus(self, by: Self) -> Option<Self> {
                let modulus: fn(Self, Self) -> Self = $modulus;
                (by != 0).then(|| modulus(self, by))
            }

            fn remainder(self, by: Self) -> Option<Self> {
                (by != 0).then(|| self.wrapping_rem(by))
            }

            fn shifted_left(self, by: Self) -> Self {
                u32::try_from(by).ok().and_then(|by| self.checked_shl(by)).unwrap_or(0)
            }

            fn shifted_right(self, by: Self) -> Self {
                let all_but_one = self.checked_shr(Self::BITS - 1).unwrap_or(0);
                let shifted = u32::try_from(by).ok().and_then(|by| self.checked_shr(by));
                shifted.unwrap_or(if self.leading_zeros() == 0 && Self::MIN != 0 { all_but_one } else { 0 })
            }
        }
    )*};
}

/// With the sign of the divisor.
macro_rules! signed {
    () => {
        |dividend, by| {
            let remainder = dividend.wrapping_rem(by);
            if remainder != 0 && (remainder < 0) != (by < 0) { remainder + by } else { remainder }
        }
    };
}

whole!(
    i8: signed!(), i16: signed!(), i32: signed!(), i64: signed!(),
    u8: |l, r| l % r, u16: |l, r| l % r, u32: |l, r| l % r, u64: |l, r| l % r
);

impl Calculation {
    fn of<T: Whole>(self, left: T, right: T) -> Option<T> {
        match self {
            Self::Quotient => left.quotient(right),
            Self::Modulus => left.modulus(right),
            Self::Remainder => left.remainder(right),
            Self::ShiftLeft => Some(left.shifted_left(right)),
            Self::ShiftRight => Some(left.shifted_right(right)),
        }
    }
}

fn each<T: Whole>(left: &Tensor, right: &Tensor, calculation: Calculation) -> TractResult<Tensor> {
    let shape: TVec<usize> = multi_broadcast(&[left.shape(), right.shape()])?;
    let (left, right) = (left.to_plain_array_view::<T>()?, right.to_plain_array_view::<T>()?);
    let (left, right) = (broadcast(&left, &shape)?, broadcast(&right, &shape)?);
    let mut is_whole = true;
    let found = Zip::from(left).and(right).map_collect(|&left, &right| {
        calculation.of(left, right).unwrap_or_else(|| {
            is_whole = false;
            left
        })
    });
    ensure!(is_whole, "division of a whole number by zero");
    Ok(found.into_tensor())
}

fn broadcast<'a, T>(view: &'a ArrayViewD<'_, T>, shape: &[usize]) -> TractResult<ArrayViewD<'a, T>> {
    view.broadcast(shape).context("dimensions that broadcast")
}

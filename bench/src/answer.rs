//! Whether an answer is right, that is, equal to ONNX Runtime's within the tolerance. A fast wrong answer is no result.

use anyhow::{Result, bail, ensure};
use tensor::{Datatype, Tensor};

/// An FP32 number may differ by this part of the reference, plus [`ABSOLUTE`].
pub(crate) const RELATIVE: f64 = 1e-4;

/// What rounding may do to a number near zero.
pub(crate) const ABSOLUTE: f64 = 1e-6;

/// Compares the outputs by name: datatypes, shapes and whole numbers exactly, FP32 within the tolerance.
pub(crate) fn check(answer: &[Tensor], reference: &[Tensor]) -> Result<()> {
    ensure!(answer.len() == reference.len(), "{} outputs instead of {}", answer.len(), reference.len());
    for expected in reference {
        let Some(found) = answer.iter().find(|output| output.name() == expected.name()) else {
            bail!("no output `{}`", expected.name());
        };
        check_output(found, expected)?;
    }
    Ok(())
}

fn check_output(found: &Tensor, expected: &Tensor) -> Result<()> {
    let name = expected.name();
    ensure!(
        (found.datatype(), found.shape()) == (expected.datatype(), expected.shape()),
        "`{name}` is {} {:?}, not {} {:?}",
        found.datatype(),
        found.shape(),
        expected.datatype(),
        expected.shape()
    );
    if expected.datatype() != Datatype::Fp32 {
        ensure!(found.data() == expected.data(), "`{name}` differs");
        return Ok(());
    }
    let pairs = numbers(found).zip(numbers(expected));
    match pairs.enumerate().find(|(_, (found, expected))| !is_close(*found, *expected)) {
        Some((element, (found, expected))) => {
            bail!("`{name}` is {found} instead of {expected} at element {element}")
        }
        None => Ok(()),
    }
}

fn numbers(tensor: &Tensor) -> impl Iterator<Item = f64> {
    tensor.data().as_chunks::<4>().0.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes)))
}

/// NaN is close to NaN only.
fn is_close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= RELATIVE * expected.abs() + ABSOLUTE || (found.is_nan() && expected.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fp32(values: &[f32]) -> Tensor {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::new("y", Datatype::Fp32, vec![values.len() as u64], data).unwrap()
    }

    #[track_caller]
    fn check_numbers(found: &[f32], expected: &[f32], is_right: bool) {
        assert_eq!(check(&[fp32(found)], &[fp32(expected)]).is_ok(), is_right);
    }

    #[test]
    fn numbers_may_differ_by_the_tolerance() {
        check_numbers(&[1.0, 1000.05], &[1.00005, 1000.0], true);
        check_numbers(&[1.0], &[1.001], false);
        check_numbers(&[2e-6], &[0.0], false);
        check_numbers(&[f32::NAN], &[f32::NAN], true);
        check_numbers(&[f32::NAN], &[0.0], false);
    }

    #[test]
    fn shapes_names_and_counts_are_exact() {
        check_numbers(&[1.0, 1.0], &[1.0], false);
        assert!(check(&[], &[fp32(&[1.0])]).is_err());
        let other = Tensor::new("z", Datatype::Fp32, vec![0], vec![]).unwrap();
        assert!(check(&[other], &[fp32(&[])]).is_err());
    }
}

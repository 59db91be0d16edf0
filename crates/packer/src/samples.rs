//! Generated inputs: the same for the same signature, everywhere.

use tensor::{Datatype, Tensor, TensorSpec, encode_bytes_element};

/// Inputs that fit the signature, with `n_rows` for every open dimension.
///
/// Floating-point elements are in [-1, 1); whole numbers are 0 to 3, so that they may serve as indices.
pub(crate) fn samples(specs: &[TensorSpec], n_rows: u64) -> tensor::Result<Vec<Tensor>> {
    let mut generator = Generator(0x9E37_79B9_7F4A_7C15);
    specs.iter().map(|spec| sample(spec, n_rows, &mut generator)).collect()
}

fn sample(spec: &TensorSpec, n_rows: u64, generator: &mut Generator) -> tensor::Result<Tensor> {
    let shape: Vec<u64> = spec.shape.iter().map(|&dim| u64::try_from(dim).unwrap_or(n_rows)).collect();
    let n_elements: u64 = shape.iter().product();
    let mut data = Vec::new();
    for _ in 0..n_elements {
        generator.append(spec.datatype, &mut data);
    }
    Tensor::new(spec.name.clone(), spec.datatype, shape, data)
}

/// SplitMix64.
///
/// Source: Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A multiple of 1/8 in [-1, 1), exact in every floating-point type.
    fn eighths(&mut self) -> i8 {
        i8::try_from(self.next() % 16).unwrap_or_default() - 8
    }

    fn append(&mut self, datatype: Datatype, data: &mut Vec<u8>) {
        let whole = u8::try_from(self.next() % 4).unwrap_or_default();
        let eighths = f32::from(self.eighths()) / 8.0;
        match datatype {
            Datatype::Bool => data.push(whole & 1),
            Datatype::Bytes => encode_bytes_element(data, &[b'a' + whole]),
            Datatype::Fp32 => data.extend_from_slice(&eighths.to_le_bytes()),
            Datatype::Fp64 => data.extend_from_slice(&f64::from(eighths).to_le_bytes()),
            Datatype::Fp16 => data.extend_from_slice(&half_bits(eighths).to_le_bytes()),
            Datatype::Bf16 => data.extend_from_slice(eighths.to_le_bytes().get(2..).unwrap_or_default()),
            integer => {
                data.push(whole);
                data.resize(data.len() + integer.element_size().unwrap_or(1) - 1, 0);
            }
        }
    }
}

/// The binary16 bits of a multiple of 1/8 in [-1, 1).
///
/// Source: IEEE 754-2019, 3.6. The 7 leading bits of such a number's fraction say it all, so nothing is rounded.
fn half_bits(eighths: f32) -> u16 {
    let bits = eighths.to_bits();
    let sign = u16::try_from(bits >> 31).unwrap_or_default() << 15;
    if bits << 1 == 0 {
        return sign;
    }
    let exponent = u16::try_from(((bits >> 23) & 0xFF).saturating_sub(127 - 15)).unwrap_or_default();
    let fraction = u16::try_from((bits & 0x7F_FFFF) >> 13).unwrap_or_default();
    sign | (exponent << 10) | fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_ieee_754() {
        for (value, bits) in [(0.0, 0x0000), (0.125, 0x3000), (0.5, 0x3800), (0.875, 0x3B00), (-1.0, 0xBC00)]
        {
            assert_eq!(half_bits(value), bits, "{value}");
        }
    }

    #[test]
    fn every_datatype_has_samples() {
        for datatype in Datatype::ALL {
            let spec = TensorSpec { name: "x".to_owned(), datatype, shape: vec![-1, 3] };
            assert_eq!(samples(&[spec], 5).unwrap()[0].len(), 15, "{datatype}");
        }
    }
}

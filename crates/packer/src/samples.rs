//! Generated inputs: the same for the same signature, everywhere.

use tensor::{Datatype, Metadata, Tensor, TensorSpec, encode_bytes_element};

/// What generated inputs are like beside their number of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The size of open dimensions that are not the rows; as many as rows if none is given.
    open: Option<u64>,
    /// Whole numbers are below this, so that they may serve as indices.
    whole_below: u8,
}

/// Kinds of inputs, by how much they say: a model may have small tables, or nothing to say to a few steps or pixels.
const KINDS: [Kind; 7] = [
    Kind { open: None, whole_below: 4 },
    Kind { open: None, whole_below: 2 },
    Kind { open: None, whole_below: 1 },
    Kind { open: Some(16), whole_below: 2 },
    Kind { open: Some(64), whole_below: 2 },
    Kind { open: Some(224), whole_below: 2 },
    Kind { open: Some(224), whole_below: 1 },
];

impl Kind {
    /// The first kind of which the model answers a row, or what it said to the first.
    ///
    /// # Errors
    /// If a call ends otherwise than in an answer or a refusal.
    pub(crate) fn answered(
        metadata: &Metadata,
        mut infer: impl FnMut(Vec<Tensor>) -> engine::Result<Vec<Tensor>>,
    ) -> engine::Result<Result<Self, String>> {
        let mut first_refusal = None;
        for kind in KINDS {
            match infer(kind.samples(metadata, 1)?) {
                Ok(_) => return Ok(Ok(kind)),
                Err(engine::Error::InvalidInput(said) | engine::Error::Model(said)) => {
                    first_refusal.get_or_insert(said);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Err(first_refusal.unwrap_or_default()))
    }

    /// Inputs that fit the signature, with so many rows.
    ///
    /// Floating-point elements are in [-1, 1).
    pub(crate) fn samples(self, metadata: &Metadata, n_rows: u64) -> tensor::Result<Vec<Tensor>> {
        let mut generator = Generator { state: 0x9E37_79B9_7F4A_7C15, whole_below: self.whole_below };
        let rows = metadata.inputs.first().and_then(|spec| symbols(metadata, spec).next());
        let sample = |spec: &TensorSpec| {
            let open = |axis: usize| {
                let is_rows = axis == 0 || symbols(metadata, spec).nth(axis) == rows;
                self.open.filter(|_| !is_rows).unwrap_or(n_rows)
            };
            let dims = spec.shape.iter().enumerate();
            let shape = dims.map(|(axis, &dim)| u64::try_from(dim).unwrap_or_else(|_| open(axis))).collect();
            sample(spec, shape, &mut generator)
        };
        metadata.inputs.iter().map(sample).collect()
    }
}

impl Default for Kind {
    fn default() -> Self {
        let [kind, ..] = KINDS;
        kind
    }
}

/// The dimensions of an input as the file names them.
fn symbols<'a>(metadata: &'a Metadata, spec: &TensorSpec) -> impl Iterator<Item = &'a str> {
    let property = metadata.property(&format!("dims.{}", spec.name));
    property.into_iter().flat_map(|dims| dims.split(','))
}

fn sample(spec: &TensorSpec, shape: Vec<u64>, generator: &mut Generator) -> tensor::Result<Tensor> {
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
struct Generator {
    state: u64,
    whole_below: u8,
}

impl Generator {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A multiple of 1/8 in [-1, 1), exact in every floating-point type.
    fn eighths(&mut self) -> i8 {
        i8::try_from(self.next() % 16).unwrap_or_default() - 8
    }

    fn append(&mut self, datatype: Datatype, data: &mut Vec<u8>) {
        let whole = u8::try_from(self.next() % u64::from(self.whole_below)).unwrap_or_default();
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
    fn rows_are_told_from_other_open_dimensions() {
        let spec = |name: &str, shape: &[i64]| TensorSpec {
            name: name.to_owned(),
            datatype: Datatype::Int64,
            shape: shape.to_vec(),
        };
        let dims = |name: &str, dims: &str| (format!("dims.{name}"), dims.to_owned());
        let metadata = Metadata {
            inputs: vec![spec("ids", &[-1, -1]), spec("state", &[2, -1, 8])],
            properties: vec![dims("ids", "batch,sequence"), dims("state", "2,batch,8")],
            ..Metadata::default()
        };
        let kind = Kind { open: Some(16), whole_below: 1 };
        let samples = kind.samples(&metadata, 5).unwrap();
        assert_eq!(samples[0].shape(), [5, 16]);
        assert_eq!(samples[1].shape(), [2, 5, 8]);
        assert!(samples[0].data().iter().all(|&byte| byte == 0));
    }

    #[test]
    fn every_datatype_has_samples() {
        for datatype in Datatype::ALL {
            let spec = TensorSpec { name: "x".to_owned(), datatype, shape: vec![-1, 3] };
            let metadata = Metadata { inputs: vec![spec], ..Metadata::default() };
            assert_eq!(Kind::default().samples(&metadata, 5).unwrap()[0].len(), 15, "{datatype}");
        }
    }
}

//! To and from the generated bindings of `plinth:model`, of which each side of the interface has its own: datatypes for both sides;
//! tensors and metadata for those who call a model.

/// Defines `datatype_from_wit` and `datatype_to_wit` for the generated enum `$wit`.
#[macro_export]
macro_rules! datatype_conversions {
    ($wit:path) => {
        $crate::datatype_from_wit!($wit);
        $crate::datatype_conversions!(
            $wit; Bool Uint8 Uint16 Uint32 Uint64 Int8 Int16 Int32 Int64 Fp16 Bf16 Fp32 Fp64 Bytes
        );
    };
    ($wit:path; $($variant:ident)*) => {
        const fn datatype_to_wit(datatype: $crate::Datatype) -> $wit {
            use $wit as Wit;
            match datatype { $($crate::Datatype::$variant => Wit::$variant,)* }
        }
    };
}

/// Defines `datatype_from_wit` for the generated enum `$wit`.
#[macro_export]
macro_rules! datatype_from_wit {
    ($wit:path) => {
        $crate::datatype_from_wit!(
            $wit; Bool Uint8 Uint16 Uint32 Uint64 Int8 Int16 Int32 Int64 Fp16 Bf16 Fp32 Fp64 Bytes
        );
    };
    ($wit:path; $($variant:ident)*) => {
        const fn datatype_from_wit(datatype: $wit) -> $crate::Datatype {
            use $wit as Wit;
            match datatype { $(Wit::$variant => $crate::Datatype::$variant,)* }
        }
    };
}

/// Defines `datatype_from_wit`, `datatype_to_wit`, `tensor_to_wit`, `tensor_from_wit` and `metadata_from_wit` for the generated module
/// `$wit`.
#[macro_export]
macro_rules! caller_conversions {
    ($($wit:ident)::+) => {
        $crate::datatype_conversions!($($wit)::+::Datatype);

        fn tensor_to_wit(tensor: $crate::Tensor) -> $($wit)::+::Tensor {
            let (name, datatype, shape, data) = tensor.into_parts();
            $($wit)::+::Tensor { name, datatype: datatype_to_wit(datatype), shape, data }
        }

        fn tensor_from_wit(tensor: $($wit)::+::Tensor) -> $crate::Result<$crate::Tensor> {
            $crate::Tensor::new(tensor.name, datatype_from_wit(tensor.datatype), tensor.shape, tensor.data)
        }

        fn metadata_from_wit(metadata: $($wit)::+::ModelMetadata) -> $crate::Metadata {
            let spec_from_wit = |spec: $($wit)::+::TensorSpec| $crate::TensorSpec {
                name: spec.name,
                datatype: datatype_from_wit(spec.datatype),
                shape: spec.shape,
            };
            $crate::Metadata {
                name: metadata.name,
                version: metadata.version,
                platform: metadata.platform,
                inputs: metadata.inputs.into_iter().map(spec_from_wit).collect(),
                outputs: metadata.outputs.into_iter().map(spec_from_wit).collect(),
                properties: metadata.properties,
            }
        }
    };
}

//! Datatypes to and from the generated bindings of `plinth:model`, of which each side of the interface has its own.

/// Defines `datatype_from_wit` and `datatype_to_wit` for the generated enum `$wit`.
#[macro_export]
macro_rules! datatype_conversions {
    ($wit:path) => {
        $crate::datatype_conversions!(
            $wit; Bool Uint8 Uint16 Uint32 Uint64 Int8 Int16 Int32 Int64 Fp16 Bf16 Fp32 Fp64 Bytes
        );
    };
    ($wit:path; $($variant:ident)*) => {
        const fn datatype_from_wit(datatype: $wit) -> $crate::Datatype {
            use $wit as Wit;
            match datatype { $(Wit::$variant => $crate::Datatype::$variant,)* }
        }

        const fn datatype_to_wit(datatype: $crate::Datatype) -> $wit {
            use $wit as Wit;
            match datatype { $($crate::Datatype::$variant => Wit::$variant,)* }
        }
    };
}

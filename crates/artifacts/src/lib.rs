//! The Wasm that the `plinth` command carries: the model runtime and the functions, as `cargo xtask build` leaves them.
//!
//! Bytes only: nothing here parses, checks or runs them.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The component of that function, such as `predict`.
#[must_use]
pub fn function(name: &str) -> Option<&'static [u8]> {
    FUNCTIONS.iter().find(|(function, _)| *function == name).map(|(_, component)| *component)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn the_model_runtime_is_a_core_module() {
        assert!(MODEL_RUNTIME.starts_with(CORE_MODULE));
    }

    #[test]
    fn every_function_is_a_component() {
        for (name, component) in FUNCTIONS {
            assert!(component.starts_with(COMPONENT), "`{name}` is not a component");
        }
    }

    #[test]
    fn functions_are_found_by_name() {
        assert!(function("predict").is_some());
        assert_eq!(function("no-such-function"), None);
    }
}

//! The signature of a model.

use crate::TensorSpec;

/// What a model says of itself: name, version, inputs, outputs, and facts such as digest, opset and labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The name under which it is served.
    pub name: String,
    /// The version under which it is served.
    pub version: String,
    /// The protocol's name for the kind of model, such as `onnx_onnxv1`.
    pub platform: String,
    /// The inputs, in the model's order.
    pub inputs: Vec<TensorSpec>,
    /// The outputs, in the model's order.
    pub outputs: Vec<TensorSpec>,
    /// Facts by name, in a stable order.
    pub properties: Vec<(String, String)>,
}

impl Metadata {
    /// The input of that name.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&TensorSpec> {
        self.inputs.iter().find(|spec| spec.name == name)
    }

    /// The output of that name.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&TensorSpec> {
        self.outputs.iter().find(|spec| spec.name == name)
    }

    /// The value of that property.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What tells the model from others, in visible ASCII: `name/version`, then `; property=value` for each property whose name ends in
    /// `_sha256`. Two packed models that say the same were made from the same bytes, and answer bit for bit alike.
    #[must_use]
    pub fn identity(&self) -> String {
        let digests = self.properties.iter().filter(|(name, _)| name.ends_with(DIGEST));
        let digests = digests.map(|(name, value)| format!("; {}={}", escaped(name), escaped(value)));
        let digests: String = digests.collect();
        format!("{}/{}{digests}", escaped(&self.name), escaped(&self.version))
    }
}

/// The end of the name of a property that is the digest of what the model was made from.
const DIGEST: &str = "_sha256";

/// The text with all but letters, digits, `-`, `.`, `_` and `~` of ASCII as `%` and two hexadecimal digits for each byte.
///
/// Source: RFC 3986, section 2.
fn escaped(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, properties: &[(&str, &str)]) -> Metadata {
        let properties = properties.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Metadata {
            name: name.to_owned(),
            version: "2".to_owned(),
            properties: properties.collect(),
            ..Metadata::default()
        }
    }

    #[test]
    fn an_identity_has_name_version_and_digests() {
        let properties = [("labels", "a\nb"), ("onnx_sha256", "0a1b"), ("runtime_sha256", "ff")];
        let expect = "digits/2; onnx_sha256=0a1b; runtime_sha256=ff";
        assert_eq!(model("digits", &properties).identity(), expect);
    }

    #[test]
    fn an_identity_is_a_header_whatever_the_names_are() {
        let found = model("é; a/b\r\n", &[("x=_sha256", "%")]).identity();
        assert_eq!(found, "%C3%A9%3B%20a%2Fb%0D%0A/2; x%3D_sha256=%25");
    }
}

//! What the user decides about a packed model.

/// How a model is to be packed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The name under which it is served.
    pub name: String,
    /// The version under which it is served.
    pub version: String,
    /// The outputs to keep, in this order; empty keeps all.
    pub outputs: Vec<String>,
    /// The names of the classes, by index; empty if it has none.
    pub labels: Vec<String>,
    /// Whether the model runtime is stripped of all that this model does not use: for a page, where size counts.
    pub edge: bool,
    /// Whether a model is packed that answers none of the generated inputs: it may ask for more than its signature says.
    pub untried: bool,
}

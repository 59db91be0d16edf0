//! Frozen edges of bins. What falls between them is counted elsewhere.

use serde::{Deserialize, Serialize};

use super::{Dtype, Error, rules};

/// What lies outside the outermost edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tails {
    /// No bin: such values are counted as below or above.
    #[default]
    Closed,
    /// A bin from minus infinity to the first edge, and one from the last edge to infinity.
    Open,
}

/// Frozen edges of bins, which are `[a, b)`; the last one of closed edges is `[a, b]`.
///
/// Source: `numpy.histogram`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Edges {
    // Invariant: finite, ascending, at least two if closed and one if open.
    edges: Vec<f64>,
    tails: Tails,
}

#[derive(Deserialize)]
struct Unchecked {
    edges: Vec<f64>,
    #[serde(default)]
    tails: Tails,
}

impl TryFrom<Unchecked> for Edges {
    type Error = Error;

    fn try_from(unchecked: Unchecked) -> Result<Self, Error> {
        Self::new(unchecked.edges, unchecked.tails)
    }
}

impl Edges {
    /// Checks edges.
    ///
    /// # Errors
    /// [`Error::TooFew`] or [`Error::Order`].
    pub fn new(edges: Vec<f64>, tails: Tails) -> Result<Self, Error> {
        let expected = if tails == Tails::Open { 1 } else { 2 };
        if edges.len() < expected {
            return Err(Error::TooFew { expected, found: edges.len() });
        }
        if let Some(edge) = edges.iter().find(|edge| !edge.is_finite()) {
            return Err(Error::Order { left: *edge, right: *edge });
        }
        match edges.iter().zip(edges.iter().skip(1)).find(|(left, right)| left >= right) {
            Some((&left, &right)) => Err(Error::Order { left, right }),
            None => Ok(Self { edges, tails }),
        }
    }

    /// `n_bins` bins of one width from the smallest value to the largest one.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::NoBins`] or [`Error::Range`].
    ///
    /// Source: `numpy.histogram_bin_edges(values, n_bins)`.
    pub fn equal_width(values: &[f64], n_bins: usize) -> Result<Self, Error> {
        rules::equal_width(values, n_bins).map(Self::closed)
    }

    /// Bins of one width by Sturges' rule.
    ///
    /// # Errors
    /// [`Error::Empty`] or [`Error::Range`].
    ///
    /// Source: `numpy.histogram_bin_edges(values, "sturges")` of NumPy 2.
    pub fn sturges(values: &[f64], dtype: Dtype) -> Result<Self, Error> {
        rules::sturges(values, dtype).map(Self::closed)
    }

    /// Bins of one width by Doane's rule.
    ///
    /// # Errors
    /// [`Error::Empty`] or [`Error::Range`].
    ///
    /// Source: `numpy.histogram_bin_edges(values, "doane")` of NumPy 2.
    pub fn doane(values: &[f64], dtype: Dtype) -> Result<Self, Error> {
        rules::doane(values, dtype).map(Self::closed)
    }

    /// Bins of equal shares of the values: the inner quantiles, each once, with open tails. Fewer bins if quantiles are equal.
    ///
    /// # Errors
    /// [`Error::Empty`] or [`Error::NoBins`].
    ///
    /// Source: `numpy.unique(numpy.quantile(values, numpy.arange(1, n_bins) / n_bins))`; ten bins are deciles.
    pub fn quantiles(values: &[f64], n_bins: usize) -> Result<Self, Error> {
        let edges = rules::inner_quantiles(values, n_bins)?;
        Ok(Self { edges, tails: Tails::Open })
    }

    /// The same edges with other tails.
    ///
    /// # Errors
    /// [`Error::TooFew`] if a single edge is to have closed tails.
    pub fn with_tails(self, tails: Tails) -> Result<Self, Error> {
        Self::new(self.edges, tails)
    }

    /// The edges, ascending, without infinite ones.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.edges
    }

    /// What lies outside the edges.
    #[must_use]
    pub const fn tails(&self) -> Tails {
        self.tails
    }

    /// The number of bins.
    #[must_use]
    pub fn n_bins(&self) -> usize {
        match self.tails {
            Tails::Closed => self.edges.len().saturating_sub(1),
            Tails::Open => self.edges.len() + 1,
        }
    }

    /// A point for each bin: its middle, and for an open tail the edge where it begins.
    #[must_use]
    pub fn midpoints(&self) -> Vec<f64> {
        let tail = |edge: Option<&f64>| edge.copied().filter(|_| self.tails == Tails::Open);
        let ends = self.edges.iter().zip(self.edges.iter().skip(1));
        let middles = ends.map(|(left, right)| left / 2.0 + right / 2.0);
        tail(self.edges.first()).into_iter().chain(middles).chain(tail(self.edges.last())).collect()
    }

    /// How many edges are at most `value`.
    pub(super) fn n_at_most(&self, value: f64) -> usize {
        self.edges.partition_point(|&edge| edge <= value)
    }

    pub(super) fn is_last(&self, value: f64) -> bool {
        self.edges.last().is_some_and(|&edge| edge >= value)
    }

    const fn closed(edges: Vec<f64>) -> Self {
        Self { edges, tails: Tails::Closed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_must_ascend() {
        let order = Edges::new(vec![1.0, 1.0], Tails::Closed);
        assert_eq!(order, Err(Error::Order { left: 1.0, right: 1.0 }));
        assert!(Edges::new(vec![1.0, f64::INFINITY], Tails::Closed).is_err());
        assert!(Edges::new(vec![f64::NAN], Tails::Open).is_err());
        assert_eq!(Edges::new(vec![1.0], Tails::Closed), Err(Error::TooFew { expected: 2, found: 1 }));
        assert_eq!(Edges::new(vec![1.0], Tails::Open).map(|edges| edges.n_bins()), Ok(2));
    }

    #[test]
    fn edges_are_checked_when_they_are_read() {
        let edges = Edges::new(vec![0.0, 1.0], Tails::Open).unwrap();
        let text = serde_json::to_string(&edges).unwrap();
        assert_eq!(text, r#"{"edges":[0.0,1.0],"tails":"open"}"#);
        assert_eq!(serde_json::from_str::<Edges>(&text).unwrap(), edges);
        assert!(serde_json::from_str::<Edges>(r#"{"edges":[1.0,0.0]}"#).is_err());
    }

    #[test]
    fn an_open_tail_stands_where_it_begins() {
        let edges = Edges::new(vec![0.0, 1.0, 3.0], Tails::Open).unwrap();
        assert_eq!(edges.midpoints(), [0.0, 0.5, 2.0, 3.0]);
        assert_eq!(edges.with_tails(Tails::Closed).unwrap().midpoints(), [0.5, 2.0]);
    }
}

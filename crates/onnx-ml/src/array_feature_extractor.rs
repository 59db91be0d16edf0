//! `ArrayFeatureExtractor`: columns picked by their indices.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_ArrayFeatureExtractor.html>

use crate::{Data, Error, Result, Slice, data::Element, data::each};

/// Picks, of each row of `n_features` elements, those at `indices`. Indices may repeat and come in any order.
///
/// # Errors
/// If an index is negative or beyond the row.
pub fn eval(x: Slice<'_>, n_features: usize, indices: &[i64]) -> Result<Data> {
    let places = indices.iter().map(|&index| place(index, n_features)).collect::<Result<Vec<usize>>>()?;
    Ok(each!(Slice, x, elements => pick(elements, n_features, &places)))
}

fn place(index: i64, n_features: usize) -> Result<usize> {
    usize::try_from(index).ok().filter(|&place| place < n_features).ok_or_else(|| {
        Error::input("Y", format!("indices from 0 to {}", n_features.saturating_sub(1)), index.to_string())
    })
}

fn pick<T: Element>(elements: &[T], n_features: usize, places: &[usize]) -> Data {
    let rows = elements.chunks_exact(n_features.max(1));
    let picked = rows.flat_map(|row| places.iter().filter_map(|&place| row.get(place)));
    T::into_data(picked.cloned().collect())
}

//! Graphs inside of nodes: what `If` and `Loop` run.

use std::sync::Arc;

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::{InferenceFact, InferenceModel, InferenceModelExt as _, InferenceNode};

use crate::kernel::plain;
use crate::{indices, recurrence, simplify};

/// The inputs of a node in the model that it is translated to, and what is known of them.
pub(crate) fn translated(
    node: &InferenceNode,
    target: &TypedModel,
    mapping: &HashMap<OutletId, OutletId>,
) -> TractResult<(TVec<OutletId>, TVec<TypedFact>)> {
    let outlets = node.inputs.iter().map(|outlet| mapping.get(outlet).copied());
    let outlets = outlets.collect::<Option<TVec<OutletId>>>().context("inputs that are translated")?;
    let facts = outlets.iter().map(|outlet| Ok(target.outlet_fact(*outlet)?.clone()));
    let facts = facts.collect::<TractResult<TVec<TypedFact>>>()?;
    Ok((outlets, facts))
}

/// A body over values of these facts.
pub(crate) fn typed(body: &InferenceModel, facts: &[TypedFact]) -> TractResult<TypedModel> {
    let mut body = body.clone();
    for output in body.output_outlets()?.to_vec() {
        body.set_outlet_fact(output, InferenceFact::default())?;
    }
    for (idx, fact) in facts.iter().enumerate() {
        body.set_input_fact(idx, InferenceFact::from(fact))?;
    }
    body.into_typed()
}

/// Values from outside of a body, as it is told of them. Symbols come to it as numbers, and sizes that are sums or products under names of their own:
/// what runs the body finds out single symbols only.
pub(crate) struct Outside<'s> {
    scope: &'s SymbolScope,
    named: Vec<(Symbol, TDim)>,
}

impl<'s> Outside<'s> {
    pub(crate) const fn new(scope: &'s SymbolScope) -> Self {
        Self { scope, named: Vec::new() }
    }

    /// What the body is told of a value.
    pub(crate) fn fact(&mut self, fact: &TypedFact) -> TypedFact {
        if fact.konst.is_some() && !fact.datum_type.is_tdim() {
            return fact.clone();
        }
        plain(fact.datum_type).fact(fact.shape.iter().map(|dim| self.size(dim)).collect::<TVec<TDim>>())
    }

    fn size(&mut self, dim: &TDim) -> TDim {
        if matches!(dim, TDim::Val(_) | TDim::Sym(_)) {
            return dim.clone();
        }
        if let Some((symbol, _)) = self.named.iter().find(|(_, named)| named == dim) {
            return symbol.clone().into();
        }
        let symbol = self.scope.new_with_prefix("outside");
        self.named.push((symbol.clone(), dim.clone()));
        symbol.into()
    }

    /// Sizes of the body as they are called outside.
    pub(crate) fn sizes(&self, shape: &ShapeFact) -> TractResult<TVec<TDim>> {
        let of = |dim: &TDim| {
            self.named.iter().try_fold(dim.clone(), |dim, (symbol, named)| dim.substitute(symbol, named))
        };
        shape.iter().map(of).collect()
    }
}

/// Puts a model among others, over values that are there, with an operator for each of its nodes. `prefix` comes before their names.
pub(crate) fn inline(
    prefix: &str,
    body: &TypedModel,
    target: &mut TypedModel,
    inputs: &[OutletId],
    operator: impl Fn(&TypedNode) -> TractResult<Box<dyn TypedOp>>,
) -> TractResult<TVec<OutletId>> {
    let mut mapping: HashMap<OutletId, OutletId> =
        body.inputs.iter().copied().zip(inputs.iter().copied()).collect();
    let mapped = |mapping: &HashMap<OutletId, OutletId>, outlets: &[OutletId]| {
        let outlets = outlets.iter().map(|outlet| mapping.get(outlet).copied());
        outlets.collect::<Option<TVec<OutletId>>>().context("nodes come after their inputs")
    };
    for id in body.eval_order()? {
        if !mapping.contains_key(&id.into()) {
            let node = body.node(id);
            let inputs = mapped(&mapping, &node.inputs)?;
            let wired = target.wire_node(format!("{prefix}{}", node.name), operator(node)?, &inputs)?;
            let slots = wired.into_iter().enumerate();
            mapping.extend(slots.map(|(slot, outlet)| (OutletId::new(id, slot), outlet)));
        }
    }
    mapped(&mapping, &body.outputs)
}

/// A body that can run, prepared as the model around it.
pub(crate) fn runnable(mut body: TypedModel) -> TractResult<Arc<TypedSimplePlan>> {
    recurrence::begin_anew(&mut body)?;
    let body = simplify::declutter(body.clone()).unwrap_or(body);
    indices::check(simplify::optimise(body)?)?.into_runnable()
}
